import { authExchange } from "@urql/exchange-auth";
import { createClient as createSocket, type Client as Socket } from "graphql-ws";
import { Client, fetchExchange, subscriptionExchange } from "urql";
import { pipe, subscribe } from "wonka";
import { create } from "zustand";
import { ActiveQueries } from "./active";
import { normalisedCache } from "./cache";
import { graphql } from "./graphql";
import { type Change, Changes, forgetVersions } from "./images";
import { coalesce, type Following, follow } from "./live";
import { refresh, renewalDelay, useSession } from "./session";

interface Connection {
  state: "connecting" | "open" | "lost";
  /** Server clock minus ours, so that countdowns agree with who decides. */
  clockOffset: number;
}
export const useConnection = create<Connection>()(() => ({ state: "connecting", clockOffset: 0 }));

export const serverNow = (): number => Date.now() + useConnection.getState().clockOffset;

const Renew = `mutation Renew($accessToken: String!) { renewSocket(accessToken: $accessToken) { problem { code message } } }`;

const PresenceSignals = graphql(`
  subscription PresenceSignals {
    presence { __typename userId userName ticketId typing focused expiresAt }
  }
`);
export interface Signal {
  userId: string;
  userName: string;
  ticketId: string;
  typing: boolean;
  focused: boolean;
  expiresAt: string;
}

type Listener = (change: Change) => void;

/** Everything that talks to the server for one signed-in person. */
export interface Api {
  client: Client;
  refetchVisible(names?: readonly string[]): void;
  onChange(listener: Listener): () => void;
  onSignal(listener: (signal: Signal) => void): () => void;
  stop(): void;
}

function socketUrl(): string {
  const url = new URL("/graphql", window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

function makeSocket(onConnected: () => void): Socket {
  return createSocket({
    url: socketUrl(),
    lazy: true,
    lazyCloseTimeout: 3_000,
    retryAttempts: 0,
    keepAlive: 10_000,
    connectionParams: async () => {
      if (useSession.getState().expiresAt - Date.now() < 5_000) await refresh();
      const { accessToken } = useSession.getState();
      return { accessToken, authorization: `Bearer ${accessToken}` };
    },
    on: {
      connected: (_socket, payload) => {
        const now = (payload as { now?: unknown } | undefined)?.now;
        const offset = typeof now === "string" ? Date.parse(now) - Date.now() : 0;
        useConnection.setState({ state: "open", clockOffset: Number.isFinite(offset) ? offset : 0 });
        onConnected();
      },
    },
  });
}

/** Renews the token before it runs out, and the socket with it, so that neither drops. */
function keepFresh(socket: Socket): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const plan = () => {
    clearTimeout(timer);
    const { expiresAt, status } = useSession.getState();
    if (status !== "signedIn") return;
    timer = setTimeout(
      async () => {
        if (!(await refresh())) return plan();
        const { accessToken } = useSession.getState();
        if (accessToken && useConnection.getState().state === "open")
          socket.subscribe(
            { query: Renew, variables: { accessToken } },
            { next() {}, error() {}, complete() {} },
          );
        plan();
      },
      renewalDelay(expiresAt, Date.now()),
    );
  };
  plan();
  return () => clearTimeout(timer);
}

export function connect(): Api {
  forgetVersions();
  const active = new ActiveQueries();
  const listeners = new Set<Listener>();
  const signalListeners = new Set<(signal: Signal) => void>();
  let following: Following | null = null;
  let closeSignals: (() => void) | null = null;
  const socket = makeSocket(() => {
    following?.connected();
    closeSignals?.();
    closeSignals = openSignals();
  });

  const client = new Client({
    url: "/graphql",
    preferGetMethod: false,
    requestPolicy: "cache-first",
    fetchOptions: { credentials: "same-origin" },
    exchanges: [
      active.exchange,
      normalisedCache(() => useSession.getState().viewer?.id ?? ""),
      authExchange(async (utils) => ({
        addAuthToOperation(operation) {
          const { accessToken } = useSession.getState();
          return accessToken
            ? utils.appendHeaders(operation, { Authorization: `Bearer ${accessToken}` })
            : operation;
        },
        willAuthError: () => useSession.getState().expiresAt - Date.now() < 5_000,
        didAuthError: (error) =>
          error.graphQLErrors.some((one) => one.extensions?.code === "UNAUTHENTICATED"),
        async refreshAuth() {
          await refresh();
        },
      })),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (operation) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query: operation.query ?? "", variables: operation.variables },
              sink as never,
            ),
          }),
        }),
      }),
    ],
  });

  function openSignals(): () => void {
    return pipe(
      client.subscription(PresenceSignals, {}),
      subscribe(({ data }) => {
        if (data) for (const listener of signalListeners) listener(data.presence);
      }),
    ).unsubscribe;
  }

  const refetchLists = coalesce(() => active.refetch(client, ["TicketWindow", "TicketCounts"]), 1_000);
  following = follow({
    subscribe(after, sink) {
      const handle = pipe(
        client.subscription(Changes, { after }),
        subscribe((result) => {
          if (result.data) sink.next(result.data.changes);
          if (result.error || !result.hasNext) sink.ended();
        }),
      );
      return handle.unsubscribe;
    },
    onBatch(batch) {
      if (batch.changes.some((change) => change.__typename === "TicketImage")) refetchLists();
      for (const change of batch.changes) for (const listener of listeners) listener(change);
    },
    onGap: () => active.refetch(client),
    onLost: () => useConnection.setState({ state: "lost" }),
    schedule(work, delay) {
      const timer = setTimeout(work, delay);
      return () => clearTimeout(timer);
    },
    random: Math.random,
  });
  const stopFresh = keepFresh(socket);
  const hurry = () => following?.hurry();
  window.addEventListener("online", hurry);

  return {
    client,
    refetchVisible: (names) => active.refetch(client, names),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onSignal(listener) {
      signalListeners.add(listener);
      return () => signalListeners.delete(listener);
    },
    stop() {
      window.removeEventListener("online", hurry);
      stopFresh();
      following?.stop();
      closeSignals?.();
      void socket.dispose();
    },
  };
}
