import { composeExchanges } from "@urql/core";
import {
  type CacheExchangeOpts,
  cacheExchange,
  type OptimisticMutationResolver,
  type Variables,
} from "@urql/exchange-graphcache";
import { fresh } from "./fresh";
import { applyImage, type ChangeBatch, invalidateField, placeMessage } from "./images";

const embedded = () => null;

/** Ticket numbers stand in the address bar; this finds the node behind one without asking the server. */
export const ticketIds = new Map<number, string>();

type Args = Record<string, unknown>;

function ticketPatch(args: Args, patch: object) {
  return {
    __typename: "TicketPayload",
    problem: null,
    ticket: { __typename: "Ticket", id: args.id as string, ...patch },
  };
}

const optimistic: Record<string, OptimisticMutationResolver> = {
  setTicketStatus: (args) =>
    ticketPatch(args, {
      status: args.status as string,
      snoozedUntil: args.status === "SNOOZED" ? (args.snoozeUntil as string) : null,
    }),
  setTicketPriority: (args) => ticketPatch(args, { priority: args.priority as string }),
  setTicketSubject: (args) => ticketPatch(args, { subject: args.subject as string }),
  setTicketTags: (args, cache) => {
    const tags = (cache.resolve(`Ticket:${args.id}`, "tags") as string[] | null) ?? [];
    const removed = new Set((args.remove as string[] | null) ?? []);
    const added = ((args.add as string[] | null) ?? []).filter((tag) => !tags.includes(tag));
    return ticketPatch(args, { tags: [...tags.filter((tag) => !removed.has(tag)), ...added] });
  },
  markTicketRead: (args, cache) => {
    const head = Number(cache.resolve(`Ticket:${args.id}`, "messageHead") ?? 0);
    const position = Number(args.position);
    const unread = Math.max(0, head - position);
    const before = Number(cache.resolve(`Ticket:${args.id}`, "unread") ?? 0);
    // The server counts inbound messages only; between the ends nobody here can know, so keep the larger truth.
    return ticketPatch(args, {
      readPosition: position,
      unread: unread === 0 ? 0 : Math.max(1, Math.min(unread, before || unread)),
    });
  },
  updateContact: (args) => ({
    __typename: "ContactPayload",
    problem: null,
    contact: {
      __typename: "Contact",
      id: args.id as string,
      ...(args.name == null ? {} : { name: args.name as string }),
      ...(args.note == null ? {} : { note: args.note as string }),
    },
  }),
};

type WithMessage = { message?: { id: string; ticketId: string; position: number } | null } | null;

function appended(field: string) {
  return (result: Record<string, unknown>, _args: unknown, cache: Parameters<typeof placeMessage>[0]) => {
    const message = (result[field] as WithMessage)?.message;
    if (message) placeMessage(cache, message.ticketId, message.id, message.position);
  };
}

function invalidates(...fields: string[]) {
  return (_result: unknown, _args: unknown, cache: Parameters<typeof placeMessage>[0]) => {
    for (const field of fields) invalidateField(cache, field);
  };
}

/** Identities and tickets went from one contact to another: lists of both are asked for again. */
function forgetContacts(cache: Parameters<typeof placeMessage>[0], ids: readonly unknown[]): void {
  for (const id of ids) {
    const key = `Contact:${id}`;
    for (const field of cache.inspectFields(key))
      if (["identities", "tickets", "mergedIntoId"].includes(field.fieldName))
        cache.invalidate(key, field.fieldName, field.arguments as Variables);
  }
  invalidateField(cache, "contacts");
}

export function cacheOptions(viewerId: () => string): CacheExchangeOpts {
  return {
    keys: {
      Agent: (agent) => agent.userId as string,
      Member: (member) => ((member.user as { id?: string } | null)?.id ?? null) as string | null,
      ChannelKind: (kind) => kind.kind as string,
      AgentImage: embedded,
      Attachment: (attachment) => (attachment.id as string) ?? null,
      ChangeBatch: embedded,
      ContactImage: embedded,
      ConversationImage: embedded,
      DeadLetterImage: embedded,
      DemoHint: embedded,
      IdentityImage: embedded,
      InboxImage: embedded,
      JobConnection: embedded,
      JobEdge: embedded,
      MemberImage: embedded,
      MessageImage: embedded,
      OfferImage: embedded,
      PageInfo: embedded,
      PresenceImage: embedded,
      PresenceSignal: embedded,
      Problem: embedded,
      Proficiency: embedded,
      QueueCount: embedded,
      QueueImage: embedded,
      QueueMember: embedded,
      Reaction: embedded,
      RequiredSkill: embedded,
      SettingField: embedded,
      SetupState: embedded,
      SkillImage: embedded,
      TeamImage: embedded,
      TicketConnection: embedded,
      TicketCounts: embedded,
      TicketEdge: embedded,
      TicketImage: embedded,
      ContactConnection: embedded,
      ContactEdge: embedded,
      AuditConnection: embedded,
      AuditEdge: embedded,
    },
    resolvers: {
      Query: {
        ticket: (_parent, args, cache, info) => {
          const id = (args.id as string | undefined) ?? ticketIds.get(args.number as number);
          if (id && cache.resolve(`Ticket:${id}`, "id")) return { __typename: "Ticket", id };
          return cache.resolve("Query", info.fieldName, args);
        },
        contact: (_parent, args) => ({ __typename: "Contact", id: args.id as string }),
      },
    },
    updates: {
      Subscription: {
        changes: (result, _args, cache) => {
          const batch = result.changes as unknown as ChangeBatch;
          for (const image of batch.changes) applyImage(cache, image, viewerId());
        },
      },
      Mutation: {
        sendMessage: appended("sendMessage"),
        addNote: appended("addNote"),
        connectInbox: invalidates("inboxes"),
        saveProviderApp: invalidates("providerApps"),
        saveQueue: invalidates("queues"),
        archiveQueue: invalidates("queues"),
        saveSkill: invalidates("skills"),
        archiveSkill: invalidates("skills"),
        invite: invalidates("invitations"),
        revokeInvitation: invalidates("invitations"),
        removeMember: invalidates("members", "agents"),
        createApiToken: invalidates("apiTokens"),
        revokeApiToken: invalidates("apiTokens"),
        revokeSession: invalidates("sessions"),
        replayJob: invalidates("jobs"),
        discardJob: invalidates("jobs"),
        acceptOffer: invalidates("offers"),
        declineOffer: invalidates("offers"),
        mergeContacts: (_result, args, cache) => forgetContacts(cache, [args.into, args.from]),
        unmergeContact: (result, args, cache) => {
          const back = result.unmergeContact as { contact?: { id: string } | null } | null;
          forgetContacts(cache, [args.id, back?.contact?.id]);
        },
        startConversation: invalidates("tickets", "ticketCounts"),
        saveTeam: invalidates("teams"),
        deleteTeam: invalidates("teams"),
      },
    },
    optimistic,
  };
}

export const normalisedCache = (viewerId: () => string) =>
  composeExchanges([cacheExchange(cacheOptions(viewerId)), fresh]);
