import type { TadaDocumentNode } from "gql.tada";
import { useState } from "react";
import { useApi } from "@/lib/app";
import { submit } from "@/lib/gql/act";
import type { Problem } from "@/lib/gql/fragments";

type Payload = { problem: Problem | null } & Record<string, unknown>;

/** A form's request: busy while under way, its refusal kept for the field it names. */
export function useSubmit() {
  const { client } = useApi();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ field: string | null; text: string } | null>(null);
  async function run<Result extends Record<string, Payload>, Variables extends Record<string, unknown>>(
    document: TadaDocumentNode<Result, Variables>,
    variables: Variables,
  ): Promise<Result[keyof Result] | null> {
    setBusy(true);
    setProblem(null);
    const answer = await submit(client, document, variables);
    setBusy(false);
    setProblem(answer.problem);
    return answer.problem ? null : answer.payload;
  }
  return {
    busy,
    run,
    reset: () => setProblem(null),
    errorOf: (field: string) => (problem?.field === field ? problem.text : null),
    general: (known: readonly string[]) =>
      problem && !known.includes(problem.field ?? "") ? problem.text : null,
  };
}
