//! What may be answered, and how the entries of a timeline group. Pure.
import type { ConversationItem, MessageItem } from "@/lib/gql/fragments";
import type { Entry } from "@/lib/outbox";

export type Refusal = "window_closed" | "needs_reconnect" | "disconnected";

/** Why a reply may not be sent now. Recomputed here because a window closes without an event. */
export function refusalOf(
  conversation: Pick<ConversationItem, "replyUntil"> & { inbox: Pick<ConversationItem["inbox"], "state"> },
  now: number,
): Refusal | null {
  const { state } = conversation.inbox;
  if (state === "DISCONNECTED") return "disconnected";
  if (state !== "CONNECTED") return "needs_reconnect";
  if (conversation.replyUntil !== null && Date.parse(conversation.replyUntil) <= now) return "window_closed";
  return null;
}

export type Item =
  | { kind: "day"; key: string; at: string }
  | { kind: "new"; key: string }
  | { kind: "message"; key: string; message: MessageItem; continues: boolean }
  | { kind: "outbox"; key: string; entry: Entry };

const GROUP_MS = 3 * 60_000;
const dayOf = (at: string) => new Date(at).toDateString();

function continues(message: MessageItem, before: MessageItem | undefined): boolean {
  return (
    before !== undefined &&
    before.kind === message.kind &&
    before.direction === message.direction &&
    before.authorName === message.authorName &&
    before.conversationId === message.conversationId &&
    Date.parse(message.sentAt) - Date.parse(before.sentAt) < GROUP_MS
  );
}

/** Oldest first, with a line per day, one "New" line at the read cursor, and what is still on its way at the end. */
export function timeline(
  messages: readonly MessageItem[],
  readPosition: number | null,
  entries: readonly Entry[],
): Item[] {
  const items: Item[] = [];
  const sorted = [...messages].sort((a, b) => a.position - b.position);
  let before: MessageItem | undefined;
  let marked = readPosition === null;
  for (const message of sorted) {
    const newDay = before === undefined || dayOf(before.sentAt) !== dayOf(message.sentAt);
    if (newDay) items.push({ kind: "day", key: `day-${message.id}`, at: message.sentAt });
    const isNew =
      !marked && readPosition !== null && message.position > readPosition && message.direction === "INBOUND";
    if (isNew) {
      items.push({ kind: "new", key: "new" });
      marked = true;
    }
    items.push({
      kind: "message",
      key: message.id,
      message,
      continues: !newDay && !isNew && continues(message, before),
    });
    before = message;
  }
  const arrived = new Set(sorted.map((message) => message.clientId));
  for (const entry of entries)
    if (!arrived.has(entry.clientId)) items.push({ kind: "outbox", key: entry.clientId, entry });
  return items;
}
