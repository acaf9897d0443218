//! Writes the flat images of `changes` into the normalised cache. An image older than what the cache
//! already holds is ignored, so replays after a reconnect are harmless. Nodes that no screen has asked for
//! are not stored: their lists are refetched instead (see live.ts).
import type { Cache, Variables } from "@urql/exchange-graphcache";
import { graphql, type ResultOf } from "./graphql";

// Fields of one name but different types must be told apart in a union, hence the aliases.
export const Changes = graphql(`
  subscription Changes($after: String) {
    changes(after: $after) {
      __typename
      cursor
      resync
      changes {
        __typename
        ... on TicketImage {
          id number subject ticketStatus: status priority tags contactId queueId assigneeId snoozedUntil channel messageHead
          lastMessageAt lastMessagePreview lastMessageInbound waitingSince createdAt updatedAt closedAt version
        }
        ... on MessageImage {
          id ticketId conversationId direction kind messageState: state author authorUserId authorName text html clientId quotedId
          problem position sentAt createdAt editedAt deletedAt version
          reactions { __typename emoji by }
          attachments { __typename id state name mediaType sizeBytes url problem }
        }
        ... on ConversationImage { id inboxId identityId contactId ticketId replyUntil version }
        ... on ContactImage { id name note locale avatarUrl mergedIntoId version }
        ... on IdentityImage { id contactId channel handle display avatarUrl mergedFromId }
        ... on OfferImage { id ticketId queueId userId offerState: state endReason offerReason: reason createdAt expiresAt version }
        ... on AgentImage { userId agentStatus: status agentReason: reason load capacity channelsOff nextStatus nextReason statusSince version }
        ... on InboxImage { id channel name account address inboxState: state problem sessionProblem queueId lastInboundAt lastOutboundAt version }
        ... on QueueImage { id name color offerTtlSeconds targetSeconds archivedAt version }
        ... on SkillImage { id name archivedAt }
        ... on TeamImage { id name members }
        ... on MemberImage { userId name email role removedAt }
        ... on PresenceImage { userId connected goneAt }
        ... on DeadLetterImage { jobId jobKind error resolved }
      }
    }
  }
`);
export type ChangeBatch = ResultOf<typeof Changes>["changes"];
export type Change = ChangeBatch["changes"][number];
export type Image<T extends Change["__typename"]> = Extract<Change, { __typename: T }>;

const TicketPatch = graphql(`
  fragment _ on Ticket {
    __typename id number subject status priority tags snoozedUntil channel messageHead unread lastMessageAt
    lastMessagePreview lastMessageInbound waitingSince createdAt updatedAt closedAt version
  }
`);
export const MessagePatch = graphql(`
  fragment _ on Message {
    __typename id ticketId conversationId direction kind state author authorUserId authorName text html clientId quotedId
    problem position sentAt createdAt editedAt deletedAt version
    reactions { __typename emoji by }
    attachments { __typename id state name mediaType sizeBytes url problem }
  }
`);
const ContactPatch = graphql(
  `fragment _ on Contact { __typename id name note locale avatarUrl mergedIntoId }`,
);
const IdentityPatch = graphql(
  `fragment _ on Identity { __typename id channel handle display avatarUrl mergedFromId }`,
);
const ConversationPatch = graphql(`fragment _ on Conversation { __typename id ticketId replyUntil }`);
const OfferPatch = graphql(
  `fragment _ on Offer { __typename id queueId userId state endReason reason createdAt expiresAt }`,
);
const AgentPatch = graphql(
  `fragment _ on Agent { __typename userId status reason presence load capacity channelsOff nextStatus nextReason statusSince }`,
);
const InboxPatch = graphql(`
  fragment _ on Inbox { __typename id channel name account address state problem sessionProblem lastInboundAt lastOutboundAt }
`);
const QueuePatch = graphql(
  `fragment _ on Queue { __typename id name color offerTtlSeconds targetSeconds archivedAt }`,
);

/** Versions of nodes whose type carries none in the public graph. */
const versions = new Map<string, number>();

export function forgetVersions(): void {
  versions.clear();
}

function isStale(cache: Cache, key: string, version: number): boolean {
  const cached = cache.resolve(key, "version");
  const known = typeof cached === "number" ? cached : versions.get(key);
  if (known !== undefined && known > version) return true;
  if (typeof cached !== "number") versions.set(key, version);
  return false;
}

function isKnown(cache: Cache, key: string, field = "id"): boolean {
  return cache.resolve(key, field) != null;
}

function applyTicket(cache: Cache, image: Image<"TicketImage">): void {
  const key = `Ticket:${image.id}`;
  if (!isKnown(cache, key) || isStale(cache, key, image.version)) return;
  const headBefore = Number(cache.resolve(key, "messageHead") ?? image.messageHead);
  const unreadBefore = Number(cache.resolve(key, "unread") ?? 0);
  const grown = Math.max(0, image.messageHead - headBefore);
  const { __typename: _, contactId, queueId, assigneeId, ticketStatus, ...scalars } = image;
  cache.writeFragment(TicketPatch, {
    ...scalars,
    __typename: "Ticket",
    status: ticketStatus,
    unread: image.lastMessageInbound ? unreadBefore + grown : unreadBefore,
  });
  cache.link(key, "contact", `Contact:${contactId}`);
  cache.link(key, "queue", `Queue:${queueId}`);
  cache.link(key, "assignee", assigneeId === null ? null : `User:${assigneeId}`);
}

/** Puts a message where its position says, into the newest page of its ticket's timeline. */
export function placeMessage(cache: Cache, ticketId: string, messageId: string, position: number): void {
  const ticket = `Ticket:${ticketId}`;
  const message = `Message:${messageId}`;
  for (const field of cache.inspectFields(ticket)) {
    if (field.fieldName !== "messages" || field.arguments?.before != null) continue;
    const links = cache.resolve(ticket, field.fieldKey);
    if (!Array.isArray(links)) continue;
    const keys = links.filter((link): link is string => typeof link === "string");
    if (keys.includes(message)) continue;
    const at = keys.findIndex((key) => Number(cache.resolve(key, "position") ?? 0) < position);
    // Older than everything on this page: it belongs to a page further up.
    if (at === -1 && keys.length > 0) continue;
    keys.splice(Math.max(at, 0), 0, message);
    cache.link(ticket, "messages", field.arguments as Variables | null, keys);
  }
}

function applyMessage(cache: Cache, image: Image<"MessageImage">): void {
  const key = `Message:${image.id}`;
  if (!isKnown(cache, `Ticket:${image.ticketId}`) || isStale(cache, key, image.version)) return;
  const { messageState, ...rest } = image;
  cache.writeFragment(MessagePatch, { ...rest, __typename: "Message", state: messageState });
  placeMessage(cache, image.ticketId, image.id, image.position);
}

function applyConversation(cache: Cache, image: Image<"ConversationImage">): void {
  const key = `Conversation:${image.id}`;
  if (isKnown(cache, key)) {
    if (isStale(cache, key, image.version)) return;
    cache.writeFragment(ConversationPatch, { ...image, __typename: "Conversation" });
  } else if (isKnown(cache, `Ticket:${image.ticketId}`)) {
    cache.invalidate(`Ticket:${image.ticketId}`, "conversations");
  }
}

function applyOffer(cache: Cache, image: Image<"OfferImage">, viewerId: string): void {
  const key = `Offer:${image.id}`;
  if (image.userId !== viewerId || isStale(cache, key, image.version)) return;
  const { offerState, offerReason, ...others } = image;
  cache.writeFragment(OfferPatch, { ...others, __typename: "Offer", state: offerState, reason: offerReason });
  cache.link(key, "ticket", `Ticket:${image.ticketId}`);
  const links = cache.resolve("Query", "offers");
  const keys = Array.isArray(links) ? links.filter((link): link is string => typeof link === "string") : [];
  const rest = keys.filter((other) => other !== key);
  cache.link("Query", "offers", offerState === "OFFERED" ? [...rest, key] : rest);
}

export function presenceOf(status: string, reason: string | null, load: number) {
  if (status === "OFFLINE") return "OFFLINE" as const;
  if (status === "NOT_READY")
    return reason === "not_responding" ? ("NOT_RESPONDING" as const) : ("NOT_READY" as const);
  return load > 0 ? ("ON_CONTACT" as const) : ("IDLE" as const);
}

function applyAgent(cache: Cache, image: Image<"AgentImage">): void {
  const key = `Agent:${image.userId}`;
  if (!isKnown(cache, key, "userId")) {
    cache.invalidate("Query", "agents");
    return;
  }
  if (isStale(cache, key, image.version)) return;
  const { agentStatus: status, agentReason: reason, ...rest } = image;
  const presence = presenceOf(status, reason, image.load);
  cache.writeFragment(AgentPatch, { ...rest, __typename: "Agent", status, reason, presence } as never);
}

function applyInbox(cache: Cache, image: Image<"InboxImage">): void {
  const key = `Inbox:${image.id}`;
  if (!isKnown(cache, key)) {
    cache.invalidate("Query", "inboxes");
    return;
  }
  if (isStale(cache, key, image.version)) return;
  const { inboxState, ...rest } = image;
  cache.writeFragment(InboxPatch, { ...rest, __typename: "Inbox", state: inboxState });
  cache.link(key, "queue", `Queue:${image.queueId}`);
}

function applyQueue(cache: Cache, image: Image<"QueueImage">): void {
  const key = `Queue:${image.id}`;
  if (!isKnown(cache, key)) {
    cache.invalidate("Query", "queues");
    return;
  }
  if (isStale(cache, key, image.version)) return;
  cache.writeFragment(QueuePatch, { ...image, __typename: "Queue" });
}

function applyContact(cache: Cache, image: Image<"ContactImage">): void {
  const key = `Contact:${image.id}`;
  if (!isKnown(cache, key) || isStale(cache, key, image.version)) return;
  cache.writeFragment(ContactPatch, { ...image, __typename: "Contact" });
}

function applyIdentity(cache: Cache, image: Image<"IdentityImage">): void {
  const contact = `Contact:${image.contactId}`;
  if (isKnown(cache, `Identity:${image.id}`)) {
    cache.writeFragment(IdentityPatch, { ...image, __typename: "Identity" });
    // A merge moves identities between contacts.
    const listed: unknown = cache.resolve(contact, "identities");
    if (Array.isArray(listed) && !listed.includes(`Identity:${image.id}`))
      cache.invalidate(contact, "identities");
  } else if (isKnown(cache, `Contact:${image.contactId}`))
    cache.invalidate(`Contact:${image.contactId}`, "identities");
}

export function applyImage(cache: Cache, image: Change, viewerId: string): void {
  switch (image.__typename) {
    case "TicketImage":
      applyTicket(cache, image);
      break;
    case "MessageImage":
      applyMessage(cache, image);
      break;
    case "ConversationImage":
      applyConversation(cache, image);
      break;
    case "ContactImage":
      applyContact(cache, image);
      break;
    case "IdentityImage":
      applyIdentity(cache, image);
      break;
    case "OfferImage":
      applyOffer(cache, image, viewerId);
      break;
    case "AgentImage":
      applyAgent(cache, image);
      break;
    case "InboxImage":
      applyInbox(cache, image);
      break;
    case "QueueImage":
      applyQueue(cache, image);
      break;
    case "SkillImage":
      cache.invalidate("Query", "skills");
      break;
    case "TeamImage":
      cache.invalidate("Query", "teams");
      break;
    case "MemberImage":
      cache.invalidate("Query", "members");
      cache.invalidate("Query", "agents");
      break;
    case "DeadLetterImage":
      invalidateField(cache, "jobs");
      break;
    // Presence of colleagues is shown from their agent rows and from the lossy signals.
    case "PresenceImage":
      break;
  }
}

/** Invalidates a root field whatever its arguments. */
export function invalidateField(cache: Cache, fieldName: string): void {
  for (const field of cache.inspectFields("Query"))
    if (field.fieldName === fieldName)
      cache.invalidate("Query", field.fieldName, field.arguments as Variables);
}
