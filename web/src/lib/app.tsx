//! The signed-in world: one client, one live feed, one outbox, handed down by context.
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { Provider } from "urql";
import { isPassing } from "@/lib/gql/act";
import { type Api, connect, useConnection } from "@/lib/gql/client";
import { MessageItem, ProblemItem } from "@/lib/gql/fragments";
import { graphql, type ResultOf } from "@/lib/gql/graphql";
import { useSession } from "@/lib/gql/session";
import { type Answer, type Entry, KEY, Outbox } from "@/lib/outbox";

const SendMessage = graphql(
  `mutation SendMessage($input: SendMessageInput!) {
    sendMessage(input: $input) { __typename problem { ...ProblemItem } message { ...MessageItem } newer { ...MessageItem } }
  }`,
  [MessageItem, ProblemItem],
);
const AddNote = graphql(
  `mutation AddNote($ticketId: ID!, $text: String!, $clientId: String!, $mentions: [ID!]) {
    addNote(ticketId: $ticketId, text: $text, clientId: $clientId, mentions: $mentions) {
      __typename problem { ...ProblemItem } message { ...MessageItem }
    }
  }`,
  [MessageItem, ProblemItem],
);

interface World {
  api: Api;
  outbox: Outbox;
}
const WorldContext = createContext<World | null>(null);

/** What the agent has not seen, per refused client id: shown in the confirm dialog, never stored. */
export const newerMessages = new Map<string, MessageItem[]>();

async function deliver(api: Api, entry: Entry): Promise<Answer> {
  const { clientId, conversationId, ticketId, text, seen, mentions = [] } = entry;
  const uploads = entry.uploads.map((upload) => upload.id);
  const result =
    conversationId === null
      ? await api.client.mutation(AddNote, { ticketId, text, clientId, mentions }).toPromise()
      : await api.client
          .mutation(SendMessage, { input: { conversationId, text, clientId, seen, uploads } })
          .toPromise();
  if (result.error) {
    return isPassing(result.error)
      ? { kind: "unreachable" }
      : { kind: "refused", code: "INVALID", message: result.error.message };
  }
  const sent: ResultOf<typeof SendMessage>["sendMessage"] | null =
    result.data && "sendMessage" in result.data ? result.data.sendMessage : null;
  const payload = sent ?? (result.data && "addNote" in result.data ? result.data.addNote : null);
  if (!payload) return { kind: "unreachable" };
  if (!payload.problem) return { kind: "done" };
  if (sent?.newer) newerMessages.set(clientId, sent.newer);
  return { kind: "refused", code: payload.problem.code, message: payload.problem.message };
}

const RETRY_MS = 5_000;

function makeWorld(ownerId: string): World {
  const api = connect();
  const outbox = new Outbox({
    ownerId,
    storage: window.localStorage,
    exclusively: (work) => (navigator.locks ? navigator.locks.request("meari.outbox", work) : work()),
    deliver: (entry) => deliver(api, entry),
    onRefused() {},
    now: Date.now,
    schedule: setTimeout,
  });
  return { api, outbox };
}

export function WorldProvider({ children }: { children: ReactNode }) {
  const viewerId = useSession((state) => state.viewer?.id);
  const tenantId = useSession((state) => state.viewer?.tenant.id);
  const [world, setWorld] = useState<World | null>(null);
  useEffect(() => {
    if (!viewerId || !tenantId) return;
    const made = makeWorld(`${tenantId}/${viewerId}`);
    setWorld(made);
    const stopPump = useConnection.subscribe((state, before) => {
      if (state.state === "open" && before.state !== "open") void made.outbox.pump();
    });
    const timer = setInterval(() => {
      if (made.outbox.all().some((entry) => entry.state === "waiting")) void made.outbox.pump();
    }, RETRY_MS);
    const onStorage = ({ key }: StorageEvent) => {
      if (key === KEY) made.outbox.reread();
    };
    // What is held or waits would go out only when she comes back: the browser asks first.
    const onLeave = (event: BeforeUnloadEvent) => {
      if (made.outbox.all().some((entry) => entry.state !== "refused")) event.preventDefault();
    };
    window.addEventListener("storage", onStorage);
    window.addEventListener("beforeunload", onLeave);
    void made.outbox.pump();
    return () => {
      window.removeEventListener("storage", onStorage);
      window.removeEventListener("beforeunload", onLeave);
      clearInterval(timer);
      stopPump();
      made.api.stop();
      setWorld(null);
    };
  }, [viewerId, tenantId]);
  if (!world) return null;
  return (
    <WorldContext value={world}>
      <Provider value={world.api.client}>{children}</Provider>
    </WorldContext>
  );
}

function useWorld(): World {
  const world = useContext(WorldContext);
  if (!world) throw new Error("used outside of WorldProvider");
  return world;
}

export const useApi = (): Api => useWorld().api;
export const useOutbox = (): Outbox => useWorld().outbox;

export function useOutboxEntries(): Entry[] {
  const outbox = useOutbox();
  return useSyncExternalStore(outbox.subscribe, outbox.all);
}

export function useViewer() {
  const viewer = useSession((state) => state.viewer);
  if (!viewer) throw new Error("used while signed out");
  return viewer;
}
