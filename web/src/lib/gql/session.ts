//! Who is signed in on this tab. The access token lives in memory only; the refresh token is an HttpOnly
//! cookie that rotates, so tabs take turns (Web Locks) or one of them would look like a thief.
import { stringifyDocument } from "@urql/core";
import type { TadaDocumentNode } from "gql.tada";
import { create } from "zustand";
import { type Problem, ProblemItem, type ViewerItem as Viewer, ViewerItem } from "./fragments";
import { graphql } from "./graphql";

const SessionFields = graphql(
  `
  fragment SessionFields on SessionPayload {
    __typename accessToken expiresAt
    problem { ...ProblemItem }
    viewer { ...ViewerItem }
  }
`,
  [ProblemItem, ViewerItem],
);

export const Refresh = graphql(`mutation Refresh { refresh { ...SessionFields } }`, [SessionFields]);
export const SignIn = graphql(
  `mutation SignIn($email: String!, $password: String!) { signIn(email: $email, password: $password) { ...SessionFields } }`,
  [SessionFields],
);
export const SetUp = graphql(
  `mutation SetUp($input: SetupInput!) { setup(input: $input) { ...SessionFields } }`,
  [SessionFields],
);
export const AcceptInvitation = graphql(
  `mutation AcceptInvitation($token: String!, $name: String!, $password: String!) {
    acceptInvitation(token: $token, name: $name, password: $password) { ...SessionFields }
  }`,
  [SessionFields],
);
const SwitchTenant = graphql(
  `mutation SwitchTenant($tenantId: ID!) { switchTenant(tenantId: $tenantId) { ...SessionFields } }`,
  [SessionFields],
);
const SignOut = graphql(`mutation SignOut { signOut { __typename problem { __typename code message } } }`);

interface SessionState {
  status: "starting" | "unreachable" | "anonymous" | "signedIn";
  accessToken: string | null;
  expiresAt: number;
  viewer: Viewer | null;
}
export const useSession = create<SessionState>()(() => ({
  status: "starting",
  accessToken: null,
  expiresAt: 0,
  viewer: null,
}));

export class Unreachable extends Error {}

/** One request outside the cache: everything that happens before anyone is signed in. */
export async function request<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const body = JSON.stringify({ query: stringifyDocument(document), variables });
  let answer = await post(body);
  // The server undid it and says so: asking again is safe, and mostly enough.
  for (const pause of AGAIN_AFTER_MS) {
    if (answer.code !== "UNAVAILABLE") break;
    await new Promise((resolve) => setTimeout(resolve, pause));
    answer = await post(body);
  }
  const { data, code } = answer;
  if (data) return data as Result;
  if (["UNAVAILABLE", "RATE_LIMITED", "INTERNAL"].includes(code)) throw new Unreachable(code);
  throw new Error(code);
}

const AGAIN_AFTER_MS = [250, 500, 1_000];

async function post(body: string): Promise<{ data: unknown; code: string }> {
  const { accessToken } = useSession.getState();
  let response: Response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      credentials: "same-origin",
      headers: {
        "content-type": "application/json",
        accept: "application/graphql-response+json, application/json",
        ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}),
      },
      body,
    });
  } catch (cause) {
    throw new Unreachable("network", { cause });
  }
  const answer = await response.json().catch(() => null);
  if (answer?.data) return { data: answer.data, code: "" };
  const code = answer?.errors?.[0]?.extensions?.code;
  if (response.status >= 500 || answer === null) throw new Unreachable(code ?? String(response.status));
  return { data: null, code: code ?? String(response.status) };
}

type Payload = {
  accessToken: string | null;
  expiresAt: string | null;
  viewer: Viewer | null;
  problem: Problem | null;
};

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("meari.session");
channel?.addEventListener("message", (event) => {
  if (event.data === "signed-out") clear();
});

function clear(): void {
  useSession.setState({ status: "anonymous", accessToken: null, expiresAt: 0, viewer: null });
}

/** Takes a fresh session over; answers the problem when there is none. */
export function adopt(payload: Payload): Problem | null {
  if (payload.problem) return payload.problem;
  if (!payload.accessToken || !payload.viewer)
    return { __typename: "Problem", code: "INVALID", message: "", field: null };
  useSession.setState({
    status: "signedIn",
    accessToken: payload.accessToken,
    expiresAt: payload.expiresAt ? Date.parse(payload.expiresAt) : Date.now() + 600_000,
    viewer: payload.viewer,
  });
  return null;
}

function exclusively<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request("meari.refresh", work) : work();
}

/** Renews the session by its cookie. An unreachable server leaves things as they are. */
export async function refresh(): Promise<boolean> {
  try {
    const { refresh: payload } = await exclusively(() => request(Refresh, {}));
    if (adopt(payload) === null) return true;
    clear();
    return false;
  } catch (error) {
    if (!(error instanceof Unreachable)) clear();
    else if (useSession.getState().status === "starting") useSession.setState({ status: "unreachable" });
    return false;
  }
}

/** For requests beside GraphQL, such as files: a token that outlives the request. */
export async function authorization(): Promise<Record<string, string>> {
  if (useSession.getState().expiresAt - Date.now() < 5_000) await refresh();
  const { accessToken } = useSession.getState();
  return accessToken ? { authorization: `Bearer ${accessToken}` } : {};
}

export async function signOut(): Promise<void> {
  await request(SignOut, {}).catch(() => undefined);
  channel?.postMessage("signed-out");
  clear();
}

export async function switchTenant(tenantId: string): Promise<void> {
  const { switchTenant: payload } = await request(SwitchTenant, { tenantId });
  // A tenant is a different world: the page starts afresh rather than mixing two caches.
  if (adopt(payload) === null) window.location.assign("/inbox");
}

/** When the token should be renewed: a minute early, but never later than half its life. */
export function renewalDelay(expiresAt: number, now: number): number {
  const left = expiresAt - now;
  return Math.max(1_000, Math.min(left - 60_000, left) > 0 ? left - 60_000 : left / 2);
}
