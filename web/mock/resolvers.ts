//! Root resolvers over the mock world. Expected refusals are payload problems, as on the real server.
import { on } from "node:events";
import { GraphQLError } from "graphql";
import type { MockMessage, MockTicket, Row } from "./rows";
import type { World } from "./world";

// biome-ignore lint/suspicious/noExplicitAny: the schema checks arguments before a resolver sees them.
type Args = Record<string, any>;
interface Context {
  signedIn: boolean;
  setCookie(value: string): void;
}

const problem = (code: string, message: string, field: string | null = null) => ({
  problem: { code, message, field },
});

function ticketNode(world: World, row: MockTicket | undefined): object | null {
  if (!row) return null;
  const contact = world.contacts.get(row.contactId);
  return {
    ...row,
    contact: contactNode(world, contact),
    queue: world.queues.get(row.queueId),
    assignee: row.assigneeId ? world.users.get(row.assigneeId) : null,
    calls: [],
    workItem: null,
    conversations: () => [conversationNode(world, world.conversations.get(row.conversationId))],
    messages: ({ first = 50, before }: { first?: number; before?: number | null }) => {
      const all = world.messagesOf(row.id).filter((one) => before == null || one.position < before);
      return all.slice(-first).reverse();
    },
    get messageHead() {
      world.messagesOf(row.id);
      return row.messageHead;
    },
    get readPosition() {
      world.messagesOf(row.id);
      return row.readPosition;
    },
  };
}

function contactNode(world: World, row: Row | undefined): object | null {
  if (!row) return null;
  return {
    ...row,
    tickets: ({ first = 10 }: { first?: number }) =>
      [...world.tickets.values()]
        .filter((one) => one.contactId === row.id)
        .slice(0, first)
        .map((one) => ticketNode(world, one)),
  };
}

const inboxNode = (world: World, row: Row | undefined) =>
  row && { ...row, queue: world.queues.get(row.queueId as string) };

function conversationNode(world: World, row: Row | undefined): object | null {
  if (!row) return null;
  const inbox = world.inboxes.get(row.inboxId as string) as Row;
  const identities = (world.contacts.get(row.contactId as string)?.identities ?? []) as Row[];
  return {
    ...row,
    inbox: inboxNode(world, inbox),
    identity: identities.find((one) => one.channel === inbox.channel) ?? identities[0],
    contact: contactNode(world, world.contacts.get(row.contactId as string)),
    replyRefusal: inbox.state === "CONNECTED" ? null : "needs_reconnect",
  };
}

const offerNode = (world: World, row: Row | undefined) =>
  row && { ...row, ticket: ticketNode(world, world.tickets.get(row.ticketId as string)) };

function listed(world: World, args: Args): MockTicket[] {
  const filter = (args.filter ?? {}) as Record<string, unknown>;
  const search = ((args.search as string | null) ?? "").toLowerCase();
  const rows = [...world.tickets.values()].filter((one) => {
    const contact = world.contacts.get(one.contactId);
    return (
      (!filter.status || (filter.status as string[]).includes(one.status)) &&
      (!filter.queueId || one.queueId === filter.queueId) &&
      (!filter.mine || one.assigneeId === world.me) &&
      (!filter.unassigned || one.assigneeId === null) &&
      (!filter.priority || one.priority === filter.priority) &&
      (!filter.channel || one.channel === filter.channel) &&
      (!filter.tag || one.tags.includes(filter.tag as string)) &&
      (!search || `${one.subject} ${contact?.name} #${one.number}`.toLowerCase().includes(search))
    );
  });
  const sort = args.sort as string;
  const rank = ["URGENT", "HIGH", "NORMAL", "LOW"];
  return rows.sort((a, b) => {
    if (sort === "PRIORITY") return rank.indexOf(a.priority) - rank.indexOf(b.priority);
    const order = a.lastMessageAt < b.lastMessageAt ? 1 : -1;
    return sort === "NEWEST" || !sort ? order : -order;
  });
}

function session(world: World, context: Context) {
  context.setCookie("1");
  return {
    problem: null,
    accessToken: "mock-token",
    expiresAt: new Date(Date.now() + 900_000).toISOString(),
    viewer: viewer(world),
  };
}

function viewer(world: World) {
  const tenant = {
    id: "tnt_1",
    name: "Moa Store",
    timeZone: "Asia/Seoul",
    locale: "ko",
    createdAt: new Date(0).toISOString(),
  };
  return {
    ...world.users.get(world.me),
    locale: "en",
    role: "OWNER",
    tenant,
    tenants: [tenant, { ...tenant, id: "tnt_2", name: "Second Shop" }],
    agent: world.agents.get(world.me),
    permissions: ["read", "work_tickets", "supervise", "administer", "own"],
  };
}

async function* changes(world: World, after: string | null | undefined) {
  const from = after == null ? world.log.length : Number(after);
  const stream = on(world.changes, "change");
  const missed = world.log.slice(from);
  yield { changes: { cursor: String(world.log.length), resync: false, changes: missed } };
  for await (const [image, cursor] of stream) yield { changes: { cursor, resync: false, changes: [image] } };
}

async function* presence(world: World) {
  for await (const [signal] of on(world.changes, "presence")) yield { presence: signal };
}

function change(world: World, id: unknown, patch: object) {
  const ticket = world.tickets.get(id as string);
  if (!ticket) return problem("NOT_FOUND", "no such ticket");
  return { ticket: ticketNode(world, world.touch(ticket, patch)) };
}

function send(world: World, input: Record<string, unknown>) {
  const conversation = world.conversations.get(input.conversationId as string);
  const ticket = world.tickets.get(conversation?.ticketId as string);
  if (!ticket) return problem("NOT_FOUND", "no such conversation");
  const list = world.messagesOf(ticket.id);
  const same = list.find((one) => one.clientId === input.clientId);
  if (same) return { message: same };
  const newer = list.filter((one) => one.position > (input.seen as number) && one.direction === "INBOUND");
  if (newer.length > 0)
    return { ...problem("NEWER_MESSAGES", "There are newer messages."), newer: newer.slice(-5) };
  const message = world.message(ticket, ticket.messageHead + 1, "OUTBOUND", input.text as string);
  Object.assign(message, { state: "QUEUED", clientId: input.clientId });
  world.append(ticket, message);
  world.deliver(message);
  return { message };
}

function note(world: World, args: Args) {
  const ticket = world.tickets.get(args.ticketId as string);
  if (!ticket) return problem("NOT_FOUND", "no such ticket");
  const message = world.message(ticket, ticket.messageHead + 1, "OUTBOUND", args.text as string);
  Object.assign(message, { kind: "NOTE", state: "SENT", clientId: args.clientId, conversationId: null });
  return { message: world.append(ticket, message) };
}

function messageAction(world: World, id: unknown, act: (message: MockMessage) => void) {
  for (const list of world.messages.values()) {
    const message = list.find((one) => one.id === id);
    if (!message) continue;
    act(message);
    world.emit("Message", message);
    return { message };
  }
  return problem("NOT_FOUND", "no such message");
}

function endOffer(world: World, id: unknown, state: string) {
  const offer = world.offers.get(id as string);
  if (offer?.state !== "OFFERED") return problem("ALREADY_TAKEN", "This offer is over.");
  Object.assign(offer, { state });
  world.emit("Offer", offer);
  const ticket = world.tickets.get(offer.ticketId as string) as MockTicket;
  if (state === "ACCEPTED") world.touch(ticket, { assigneeId: world.me });
  return { offer: offerNode(world, offer), ticket: ticketNode(world, ticket) };
}

function save(
  world: World,
  map: Map<string, Row>,
  type: string,
  prefix: string,
  input: Record<string, unknown>,
): Row {
  const id = (input.id as string | null) ?? world.id(prefix);
  const clean = Object.fromEntries(Object.entries(input).filter(([, value]) => value != null));
  const row = {
    ...map.get(id),
    ...clean,
    __typename: type,
    id,
    version: (map.get(id)?.version ?? 0) + 1,
  } as Row;
  map.set(id, row);
  world.emit(type, row);
  return row;
}

export function resolvers(world: World, context: Context): Record<string, unknown> {
  const needSession = () => {
    if (!context.signedIn) throw new GraphQLError("sign in", { extensions: { code: "UNAUTHENTICATED" } });
  };
  const members = () =>
    [...world.users.values()].map((user, index) => ({
      user,
      role: index === 0 ? "OWNER" : "AGENT",
      since: new Date(1.7e12).toISOString(),
    }));
  const connection = (rows: unknown[]) => ({
    edges: rows.map((node, index) => ({ cursor: String(index), node })),
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  });
  const mutations = {
    setup: () => {
      world.needsSetup = false;
      return session(world, context);
    },
    signIn: ({ password }: Args) =>
      (password as unknown) === "wrong"
        ? problem("WRONG_PASSWORD", "That does not match.")
        : session(world, context),
    refresh: () => (context.signedIn ? session(world, context) : problem("EXPIRED", "no session")),
    signOut: () => {
      context.setCookie("; Max-Age=0");
      return { problem: null };
    },
    renewSocket: () => ({ problem: null }),
    switchTenant: () => session(world, context),
    requestPasswordReset: () => ({ problem: null }),
    resetPassword: () => ({ problem: null }),
    changePassword: ({ current }: Args) =>
      (current as unknown) === "wrong" ? problem("WRONG_PASSWORD", "", "current") : { problem: null },
    acceptInvitation: () => session(world, context),
    invite: ({ email, role }: Args) => ({
      invitation: save(world, world.invitations, "Invitation", "inv", {
        email,
        role,
        createdAt: new Date().toISOString(),
        expiresAt: new Date(Date.now() + 6e8).toISOString(),
      }),
    }),
    revokeInvitation: ({ id }: Args) => {
      world.invitations.delete(id);
      return { invitation: null };
    },
    setRole: ({ userId, role }: Args) => ({
      member: { user: world.users.get(userId), role, since: new Date().toISOString() },
    }),
    removeMember: ({ userId }: Args) => {
      world.users.delete(userId);
      return { member: null };
    },
    revokeSession: () => ({ problem: null }),
    createApiToken: (args: Args) => {
      const row = {
        ...args,
        id: world.id("tok"),
        version: 1,
        createdAt: new Date().toISOString(),
      } as unknown as Row;
      world.tokens.set(row.id, row);
      return { apiToken: row, secret: "meari_pat_3kq9v2x7…" };
    },
    revokeApiToken: ({ id }: Args) => {
      world.tokens.delete(id);
      return { apiToken: null };
    },
    updateTenant: () => ({ tenant: viewer(world).tenant }),
    updateViewer: () => ({ viewer: viewer(world) }),
    setAgentState: ({ status, reason, userId, whenFree }: Args) => ({
      agent: whenFree
        ? world.editAgent(userId ?? world.me, { nextStatus: status, nextReason: reason ?? null })
        : world.setAgent(userId ?? world.me, status, reason ?? null),
    }),
    setChannelsOff: ({ off, userId }: Args) => ({
      agent: world.editAgent(userId ?? world.me, { channelsOff: off }),
    }),
    acceptOffer: ({ id }: Args) => endOffer(world, id, "ACCEPTED"),
    declineOffer: ({ id }: Args) => endOffer(world, id, "DECLINED"),
    takeTicket: ({ id }: Args) => change(world, id, { assigneeId: world.me }),
    assignTicket: ({ id, userId }: Args) => change(world, id, { assigneeId: userId ?? null }),
    transferTicket: ({ id, queueId }: Args) => change(world, id, { queueId, assigneeId: null }),
    setTicketStatus: ({ id, status, snoozeUntil }: Args) =>
      change(world, id, { status, snoozedUntil: snoozeUntil ?? null }),
    setTicketPriority: ({ id, priority }: Args) => change(world, id, { priority }),
    setTicketSubject: ({ id, subject }: Args) => change(world, id, { subject }),
    setTicketTags: ({ id, add, remove }: Args) => {
      const tags = world.tickets.get(id)?.tags ?? [];
      const gone = new Set((remove as string[] | null) ?? []);
      return change(world, id, {
        tags: [...new Set([...tags.filter((tag) => !gone.has(tag)), ...((add as string[] | null) ?? [])])],
      });
    },
    markTicketRead: ({ id, position }: Args) => {
      const ticket = world.tickets.get(id);
      if (!ticket) return problem("NOT_FOUND", "");
      ticket.readPosition = position;
      ticket.unread = Math.max(0, ticket.messageHead - position);
      return { ticket: ticketNode(world, ticket) };
    },
    createUpload: ({ name }: Args) => {
      const id = world.id("att");
      return { id, url: `/media/uploads/${id}?${name}` };
    },
    sendMessage: ({ input }: Args) => send(world, input),
    addNote: (args: Args) => note(world, args),
    cancelMessage: ({ id }: Args) =>
      messageAction(world, id, (one) => Object.assign(one, { state: "CANCELLED" })),
    retryMessage: ({ id }: Args) =>
      messageAction(world, id, (one) => {
        Object.assign(one, { state: "QUEUED", problem: null });
        world.deliver(one);
      }),
    markMessageSent: ({ id }: Args) =>
      messageAction(world, id, (one) => Object.assign(one, { state: "SENT" })),
    editMessage: ({ id, text }: Args) =>
      messageAction(world, id, (one) => Object.assign(one, { text, editedAt: new Date().toISOString() })),
    deleteMessage: ({ id }: Args) =>
      messageAction(world, id, (one) =>
        Object.assign(one, { deletedAt: new Date().toISOString(), text: "" }),
      ),
    typing: () => ({ problem: null }),
    startConversation: () => problem("UNSUPPORTED", "Not in the mock."),
    updateContact: (args: Args) => ({
      contact: contactNode(world, save(world, world.contacts, "Contact", "con", args)),
    }),
    connectInbox: ({ input }: Args) => ({
      inbox: inboxNode(
        world,
        save(world, world.inboxes, "Inbox", "inb", {
          ...(input as object),
          account: "new",
          address: "new",
          state: "CONNECTING",
          createdAt: new Date().toISOString(),
          settings: {},
        }),
      ),
    }),
    updateInbox: (args: Args) => ({
      inbox: inboxNode(world, save(world, world.inboxes, "Inbox", "inb", args)),
    }),
    reconnectInbox: ({ id }: Args) => {
      const inbox = world.inboxes.get(id) as Row;
      Object.assign(inbox, { state: "CONNECTED", problem: null });
      world.emit("Inbox", inbox);
      return { inbox: inboxNode(world, inbox) };
    },
    checkInbox: ({ id }: Args) => ({ inbox: inboxNode(world, world.inboxes.get(id)) }),
    disconnectInbox: ({ id }: Args) => {
      const inbox = world.inboxes.get(id) as Row;
      Object.assign(inbox, { state: "DISCONNECTED" });
      world.emit("Inbox", inbox);
      return { inbox: inboxNode(world, inbox) };
    },
    saveQueue: ({ input }: Args) => ({
      queue: save(world, world.queues, "Queue", "que", {
        color: 4,
        offerTtlSeconds: 20,
        targetSeconds: 60,
        requiredSkills: [],
        members: [],
        ...(input as object),
      }),
    }),
    archiveQueue: ({ id }: Args) => {
      world.queues.delete(id);
      return { queue: null };
    },
    saveSkill: (args: Args) => ({ skill: save(world, world.skills, "Skill", "skl", args) }),
    archiveSkill: ({ id }: Args) => {
      world.skills.delete(id);
      return { skill: null };
    },
    replayJob: ({ id }: Args) => {
      world.jobs.delete(id);
      return { job: null };
    },
    discardJob: ({ id }: Args) => {
      world.jobs.delete(id);
      return { job: null };
    },
  };
  const guarded: Record<string, unknown> = {
    viewer: () => viewer(world),
    tenant: () => viewer(world).tenant,
    members,
    invitations: () => [...world.invitations.values()],
    inboxes: () => [...world.inboxes.values()].map((row) => inboxNode(world, row)),
    channelKinds: () => world.channelKinds,
    providerApps: () => [],
    contact: ({ id }: Args) => contactNode(world, world.contacts.get(id)),
    contacts: () => connection([...world.contacts.values()].map((row) => contactNode(world, row))),
    tickets: (args: Args) => {
      const rows = listed(world, args);
      const offset = (args.offset as number | null) ?? 0;
      const page = rows.slice(offset, offset + (args.first as number)).map((row) => ticketNode(world, row));
      return { ...connection(page), total: rows.length, totalIsCapped: false };
    },
    ticket: ({ id, number }: Args) =>
      ticketNode(
        world,
        id ? world.tickets.get(id) : [...world.tickets.values()].find((one) => one.number === number),
      ),
    ticketCounts: () => {
      const rows = [...world.tickets.values()];
      const n = (test: (one: MockTicket) => boolean) => rows.filter(test).length;
      return {
        all: rows.length,
        mine: n((one) => one.assigneeId === world.me && one.status === "OPEN"),
        unassigned: n((one) => one.assigneeId === null && one.status === "OPEN"),
        open: n((one) => one.status === "OPEN"),
        pending: n((one) => one.status === "PENDING"),
        snoozed: n((one) => one.status === "SNOOZED"),
        closed: n((one) => one.status === "CLOSED"),
        queues: [...world.queues.keys()].map((queueId) => ({
          queueId,
          open: n((one) => one.queueId === queueId && one.status === "OPEN"),
        })),
      };
    },
    queues: () => [...world.queues.values()],
    skills: () => [...world.skills.values()],
    teams: () => [],
    agents: () => [...world.agents.values()],
    offers: () =>
      [...world.offers.values()].filter((one) => one.state === "OFFERED").map((row) => offerNode(world, row)),
    jobs: () => connection([...world.jobs.values()]),
    apiTokens: () => [...world.tokens.values()],
    sessions: () => [
      {
        id: "ses_1",
        userAgent: "Mozilla/5.0 (X11; Linux x86_64) Chromium/156",
        ip: "127.0.0.1",
        createdAt: new Date(1.78e12).toISOString(),
        lastSeenAt: new Date().toISOString(),
        current: true,
      },
    ],
  };
  const root: Record<string, unknown> = {
    setupState: () => ({
      needed: world.needsSetup,
      demo: { email: "jin@example.com", password: "echo-demo" },
      version: "0.1.0-mock",
    }),
    changes: ({ after }: Args) => changes(world, after),
    presence: () => presence(world),
    ...mutations,
  };
  for (const [name, resolve] of Object.entries(guarded))
    root[name] = (args: Args) => {
      needSession();
      return (resolve as (args: Args) => unknown)(args);
    };
  return root;
}
