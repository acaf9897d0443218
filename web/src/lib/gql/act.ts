import type { TadaDocumentNode } from "gql.tada";
import i18next from "i18next";
import type { Client, CombinedError } from "urql";
import { toast } from "@/ui/toasts";
import type { Problem } from "./fragments";

type Payload = { problem: Problem | null } & Record<string, unknown>;

export function problemText(problem: { code: Problem["code"]; message: string }): string {
  const known = i18next.t(`common:problem.${problem.code}`);
  return problem.code === "INVALID" || problem.code === "PROVIDER_REFUSED" ? problem.message || known : known;
}

/** The request may succeed when it is made again: nobody decided anything about it. */
export function isPassing(error: CombinedError | undefined): boolean {
  const code = error?.graphQLErrors[0]?.extensions?.code;
  return (
    Boolean(error?.networkError) || ["UNAVAILABLE", "RATE_LIMITED", "UNAUTHENTICATED"].includes(String(code))
  );
}

/** Runs a mutation; a refusal or an unreachable server becomes a toast and `null`. Optimistic changes roll back by themselves. */
export async function act<Result extends Record<string, Payload>, Variables extends Record<string, unknown>>(
  client: Client,
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  options: { quiet?: boolean } = {},
): Promise<Result[keyof Result] | null> {
  const result = await client.mutation(document, variables as never).toPromise();
  const payload = result.data ? (Object.values(result.data)[0] as Result[keyof Result]) : null;
  if (payload && !payload.problem) return payload;
  if (options.quiet) return null;
  if (payload?.problem) toast(problemText(payload.problem), { tone: "bad" });
  else if (result.error?.networkError) toast(i18next.t("common:error.network"), { tone: "bad" });
  else if (result.error?.graphQLErrors[0]?.extensions?.code === "FORBIDDEN")
    toast(i18next.t("common:error.forbidden"), { tone: "bad" });
  else toast(i18next.t("common:error.server"), { tone: "bad" });
  return null;
}

/** Like `act`, but hands the problem back: forms show it beside the field. */
export async function submit<
  Result extends Record<string, Payload>,
  Variables extends Record<string, unknown>,
>(
  client: Client,
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<{ payload: Result[keyof Result] | null; problem: { field: string | null; text: string } | null }> {
  const result = await client.mutation(document, variables as never).toPromise();
  const payload = result.data ? (Object.values(result.data)[0] as Result[keyof Result]) : null;
  if (payload && !payload.problem) return { payload, problem: null };
  if (payload?.problem)
    return { payload, problem: { field: payload.problem.field, text: problemText(payload.problem) } };
  const text = i18next.t(result.error?.networkError ? "common:error.network" : "common:error.server");
  return { payload: null, problem: { field: null, text } };
}
