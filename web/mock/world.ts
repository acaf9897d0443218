//! The made-up rows and what happens among them.
import { EventEmitter } from "node:events";
import type { MockMessage, MockTicket, Row } from "./rows";
import { field, ICON_A, ICON_B, LINES, PEOPLE, QUEUES, SUBJECTS } from "./seeds";

const ME = "usr_me";
const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;
const iso = (at: number) => new Date(at).toISOString();

export class World {
  readonly me = ME;
  readonly latency = Number(process.env.MOCK_LATENCY_MS ?? 40);
  needsSetup = process.env.MOCK_SETUP === "1";
  readonly changes = new EventEmitter().setMaxListeners(0);
  readonly log: Row[] = [];
  readonly tickets = new Map<string, MockTicket>();
  readonly messages = new Map<string, MockMessage[]>();
  readonly contacts = new Map<string, Row>();
  readonly offers = new Map<string, Row>();
  readonly conversations = new Map<string, Row>();
  readonly users = new Map<string, Row>();
  readonly agents = new Map<string, Row>();
  readonly queues = new Map<string, Row>();
  readonly inboxes = new Map<string, Row>();
  readonly skills = new Map<string, Row>();
  readonly jobs = new Map<string, Row>();
  readonly tokens = new Map<string, Row>();
  readonly invitations = new Map<string, Row>();
  private count = 0;
  readonly channelKinds = [
    {
      __typename: "ChannelKind",
      kind: "mastodon",
      name: "Mastodon",
      icon: ICON_A,
      usesOAuth: false,
      usesProviderApp: false,
      fields: [
        field("base_url", "Server address", { help: "For example https://mastodon.social", kind: "url" }),
        field("access_token", "Access token", {
          secret: true,
          help: "Preferences → Development → Your application",
        }),
        field("visibility", "Default visibility", {
          kind: "select",
          options: ["public", "unlisted", "private", "direct"],
          required: false,
        }),
      ],
      textMax: 500,
      textUnit: "graphemes",
      replyWindowHours: null,
      canEdit: true,
      canDelete: true,
      canReact: false,
      canQuote: false,
      canAttach: true,
      canStart: true,
      attachmentMaxBytes: 8_000_000,
      attachmentTypes: ["image/png", "image/jpeg"],
    },
    {
      __typename: "ChannelKind",
      kind: "sandbox",
      name: "Sandbox",
      icon: ICON_B,
      usesOAuth: false,
      usesProviderApp: false,
      fields: [field("name", "Account name"), field("secret", "Signing secret", { secret: true })],
      textMax: 160,
      textUnit: "gsm7",
      replyWindowHours: 24,
      canEdit: false,
      canDelete: false,
      canReact: false,
      canQuote: false,
      canAttach: true,
      canStart: true,
      attachmentMaxBytes: 2_000_000,
      attachmentTypes: ["image/*", "application/pdf"],
    },
  ];

  constructor() {
    this.seedPeople();
    this.seedTickets(Number(process.env.MOCK_TICKETS ?? 10_000));
    if (process.env.MOCK_QUIET !== "1") {
      setInterval(() => this.customerWrites(), 4_000).unref();
      setInterval(() => this.offerSomething(), 45_000).unref();
    }
  }

  id(prefix: string): string {
    this.count += 1;
    return `${prefix}_${this.count.toString(36).padStart(6, "0")}`;
  }

  private seedPeople(): void {
    for (const [id, name] of [
      [ME, "Jin Han"],
      ["usr_grace", "Grace Kim"],
      ["usr_minho", "Minho Lee"],
    ] as const) {
      this.users.set(id, { __typename: "User", id, version: 1, name, email: `${id.slice(4)}@example.com` });
      this.agents.set(id, {
        __typename: "Agent",
        id,
        userId: id,
        version: 1,
        status: "AVAILABLE",
        reason: null,
        load: 1,
        capacity: {},
        proficiencies: [],
        channelsOff: [],
        nextStatus: null,
        nextReason: null,
        statusSince: iso(Date.now() - 724_000),
        presence: "IDLE",
        user: this.users.get(id),
      });
    }
    for (const [id, name, color] of QUEUES)
      this.queues.set(id, {
        __typename: "Queue",
        id,
        version: 1,
        name,
        color,
        offerTtlSeconds: 20,
        targetSeconds: 60,
        requiredSkills: [],
        members: [{ userId: ME, priority: 0, delaySeconds: 0 }],
        archivedAt: null,
      });
    for (const [id, channel, name, state] of [
      ["inb_1", "mastodon", "@moa@social.example", "CONNECTED"],
      ["inb_2", "sandbox", "+82 2 555 0100", "CONNECTED"],
      ["inb_3", "mastodon", "@help@old.example", "NEEDS_RECONNECT"],
    ] as const)
      this.inboxes.set(id, {
        __typename: "Inbox",
        id,
        version: 1,
        channel,
        name,
        account: name,
        address: name,
        state,
        queueId: "que_orders",
        problem: state === "CONNECTED" ? null : "The access token was revoked.",
        settings: {},
        webhookUrl: null,
        lastInboundAt: iso(Date.now() - 60_000),
        lastOutboundAt: iso(Date.now() - 600_000),
        createdAt: iso(Date.now() - 9e9),
      });
    for (const [id, name] of [
      ["skl_ko", "한국어"],
      ["skl_en", "English"],
    ] as const)
      this.skills.set(id, { __typename: "Skill", id, version: 1, name, archivedAt: null });
    this.jobs.set("job_1", {
      __typename: "Job",
      id: "job_1",
      version: 1,
      kind: "ProcessInbound",
      state: "DEAD",
      attempts: 5,
      payload: { delivery: "whd_1" },
      lastError: "malformed: missing field `account` at line 1 column 84",
      runAt: iso(Date.now()),
      createdAt: iso(Date.now() - 4e6),
    });
    PEOPLE.forEach(([name, locale], index) => {
      const id = `con_${index}`;
      this.contacts.set(id, {
        __typename: "Contact",
        id,
        version: 1,
        name,
        note: index % 3 === 0 ? "Prefers answers after 6 pm." : "",
        locale,
        avatarUrl: null,
        mergedIntoId: null,
        createdAt: iso(Date.now() - 1e10),
        identities: [
          {
            __typename: "Identity",
            id: `idn_${index}`,
            channel: "mastodon",
            handle: `@user${index}@social.example`,
            display: name,
            avatarUrl: null,
            mergedFromId: null,
          },
          {
            __typename: "Identity",
            id: `idn_s${index}`,
            channel: "sandbox",
            handle: `+82 10-2931-55${10 + index}`,
            display: "",
            avatarUrl: null,
            mergedFromId: null,
          },
        ],
      });
    });
  }

  private seedTickets(amount: number): void {
    for (let index = 0; index < amount; index += 1) {
      const at = Date.now() - index * 61_000;
      const status = pick(["OPEN", "OPEN", "PENDING", "OPEN", "SNOOZED", "CLOSED", "OPEN"], index);
      const id = `tkt_${index}`;
      const unread = pick([0, 2, 0, 1, 0, 0, 4], index);
      const contactId = `con_${index % PEOPLE.length}`;
      const conversationId = `cnv_${index}`;
      const head = 8;
      this.tickets.set(id, {
        __typename: "Ticket",
        id,
        version: 1,
        number: 30_000 - index,
        subject: pick(SUBJECTS, index),
        status,
        priority: pick(["NORMAL", "NORMAL", "URGENT", "NORMAL", "HIGH", "LOW"], index),
        tags: index % 4 === 0 ? ["refund"] : [],
        contactId,
        queueId: pick(QUEUES, index)[0],
        conversationId,
        assigneeId: pick([ME, null, "usr_grace", null, ME, null], index),
        snoozedUntil: status === "SNOOZED" ? iso(at + 9e7) : null,
        channel: pick(["mastodon", "sandbox"], index),
        messageHead: head,
        readPosition: head - unread,
        unread,
        lastMessageAt: iso(at),
        lastMessagePreview: pick(LINES, index),
        lastMessageInbound: index % 3 !== 0,
        waitingSince: index % 3 !== 0 && status === "OPEN" ? iso(at) : null,
        createdAt: iso(at - 3e8),
        updatedAt: iso(at),
        closedAt: null,
      });
      this.conversations.set(conversationId, {
        __typename: "Conversation",
        id: conversationId,
        version: 1,
        ticketId: id,
        inboxId: index % 9 === 8 ? "inb_3" : index % 2 ? "inb_2" : "inb_1",
        contactId,
        replyUntil: index % 2 ? iso(at + (index % 5 === 3 ? -1 : 1) * 80_000_000) : null,
        createdAt: iso(at - 3e8),
      });
    }
  }

  messagesOf(ticketId: string): MockMessage[] {
    const known = this.messages.get(ticketId);
    if (known) return known;
    const ticket = this.tickets.get(ticketId);
    if (!ticket) return [];
    const index = Number(ticketId.slice(4));
    const end = Date.parse(ticket.lastMessageAt);
    const list: MockMessage[] = [];
    const older = index % 3 === 0 ? 120 : 0;
    const total = ticket.messageHead;
    for (let n = 1 - older; n <= total; n += 1) {
      const inbound = n === total ? index % 3 !== 0 : n % 3 !== 0;
      const at = n > total - 3 ? end - (total - n) * 45_000 : end - (total - n) * 16_000_000;
      list.push(
        this.message(
          ticket,
          n + older,
          inbound ? "INBOUND" : "OUTBOUND",
          n === total ? (ticket.lastMessagePreview as string) : pick(LINES, n + older + index),
          at,
        ),
      );
    }
    ticket.messageHead = total + older;
    ticket.readPosition = ticket.messageHead - ticket.unread;
    const special = list.slice(-7);
    if (special[0])
      Object.assign(special[0], {
        kind: "NOTE",
        direction: "OUTBOUND",
        author: "USER",
        authorUserId: "usr_minho",
        authorName: "Minho Lee",
        text: "@Grace warehouse confirmed the parcel was lost in transit — refund is pre-approved up to ₩80,000.",
        state: "SENT",
      });
    if (special[1])
      Object.assign(special[1], { attachments: [this.attachment("ready"), this.attachment("pending")] });
    if (special[2]) Object.assign(special[2], { editedAt: iso(end - 1e6) });
    if (special[3])
      Object.assign(special[3], {
        direction: "OUTBOUND",
        author: "USER",
        authorUserId: ME,
        authorName: "Jin Han",
        state: pick(["FAILED", "UNKNOWN", "READ", "DELIVERED"], index),
        problem: index % 4 === 0 ? "The server refused the text (422)." : null,
        text: "I have asked the warehouse, one moment please.",
      });
    if (special[4] && index % 2 === 0)
      Object.assign(special[4], { kind: "UNSUPPORTED", text: "", direction: "INBOUND", author: "CONTACT" });
    if (special[5] && index % 2 === 1) Object.assign(special[5], { deletedAt: iso(end), text: "" });
    this.messages.set(ticketId, list);
    return list;
  }

  private attachment(kind: string) {
    const id = this.id("att");
    return {
      __typename: "Attachment",
      id,
      state: kind === "ready" ? "READY" : "PENDING",
      name: kind === "ready" ? "box.jpg" : "receipt.pdf",
      mediaType: kind === "ready" ? "image/jpeg" : "application/pdf",
      sizeBytes: 184_320,
      url: kind === "ready" ? `/media/${id}` : null,
      problem: null,
    };
  }

  picture(path: string): string {
    const hue = [...path].reduce((sum, one) => sum + one.charCodeAt(0), 0) % 360;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="420"><rect width="640" height="420" fill="hsl(${hue} 40% 80%)"/><path d="M180 300V160l140-60 140 60v140l-140 60z" fill="hsl(${hue} 40% 62%)"/><path d="M180 160l140 60 140-60M320 220v140" stroke="hsl(${hue} 40% 45%)" stroke-width="6" fill="none"/></svg>`;
  }

  message(
    ticket: MockTicket,
    position: number,
    direction: string,
    text: string,
    at = Date.now(),
  ): MockMessage {
    const inbound = direction === "INBOUND";
    return {
      __typename: "Message",
      id: this.id("msg"),
      version: 1,
      ticketId: ticket.id,
      conversationId: ticket.conversationId,
      direction,
      kind: "TEXT",
      state: inbound ? "RECEIVED" : "DELIVERED",
      author: inbound ? "CONTACT" : "USER",
      authorUserId: inbound ? null : ME,
      authorName: inbound ? (this.contacts.get(ticket.contactId)?.name as string) : "Jin Han",
      text,
      html: null,
      clientId: null,
      quotedId: null,
      reactions: [],
      attachments: [],
      problem: null,
      position,
      sentAt: iso(at),
      createdAt: iso(at),
      editedAt: null,
      deletedAt: null,
    };
  }

  emit(type: string, row: Row): void {
    row.version += 1;
    const image = { ...row, __typename: `${type}Image` } as Row;
    this.log.push(image);
    this.changes.emit("change", image, String(this.log.length));
  }

  touch(ticket: MockTicket, patch: object): MockTicket {
    Object.assign(ticket, patch, { updatedAt: iso(Date.now()) });
    this.emit("Ticket", ticket);
    return ticket;
  }

  append(ticket: MockTicket, message: MockMessage): MockMessage {
    this.messagesOf(ticket.id).push(message);
    this.emit("Message", message);
    const inbound = message.direction === "INBOUND";
    this.touch(ticket, {
      messageHead: message.position,
      unread: inbound ? ticket.unread + 1 : ticket.unread,
      lastMessageAt: message.sentAt,
      lastMessagePreview: message.text,
      lastMessageInbound: inbound,
      waitingSince: inbound ? (ticket.waitingSince ?? message.sentAt) : null,
      ...(inbound && ticket.status !== "OPEN" ? { status: "OPEN", closedAt: null, snoozedUntil: null } : {}),
    });
    return message;
  }

  /** Plays the provider: accepted, then delivered, then read; every seventh fails. */
  deliver(message: MockMessage): void {
    const steps = message.text.includes("fail")
      ? ["SENDING", "FAILED"]
      : message.text.includes("lost")
        ? ["SENDING", "UNKNOWN"]
        : ["SENDING", "SENT", "DELIVERED", "READ"];
    steps.forEach((state, index) => {
      setTimeout(
        () => {
          Object.assign(message, {
            state,
            problem: state === "FAILED" ? "The server refused the text (422)." : null,
          });
          this.emit("Message", message);
        },
        400 + index * 700,
      ).unref();
    });
  }

  private turn = 0;
  customerWrites(): void {
    this.turn += 1;
    const ticket = this.tickets.get(`tkt_${(this.turn * 7) % 30}`);
    if (!ticket) return;
    this.messagesOf(ticket.id);
    this.changes.emit("presence", {
      __typename: "PresenceSignal",
      userId: "usr_grace",
      userName: "Grace Kim",
      ticketId: ticket.id,
      typing: this.turn % 2 === 0,
      focused: true,
      expiresAt: iso(Date.now() + 6_000),
    });
    this.append(ticket, this.message(ticket, ticket.messageHead + 1, "INBOUND", pick(LINES, this.turn)));
  }

  offerSomething(): void {
    const ticket = [...this.tickets.values()].find((one) => one.assigneeId === null && one.status === "OPEN");
    if (!ticket || this.agents.get(ME)?.status !== "AVAILABLE") return;
    const offer: Row = {
      __typename: "Offer",
      id: this.id("ofr"),
      version: 0,
      ticketId: ticket.id,
      queueId: ticket.queueId,
      userId: ME,
      state: "OFFERED",
      endReason: null,
      reason: { rule: "longest_idle" },
      createdAt: iso(Date.now()),
      expiresAt: iso(Date.now() + 20_000),
    };
    this.offers.set(offer.id, offer);
    this.emit("Offer", offer);
    setTimeout(() => {
      if (offer.state !== "OFFERED") return;
      Object.assign(offer, { state: "EXPIRED" });
      this.emit("Offer", offer);
      this.setAgent(ME, "NOT_READY", "not_responding");
    }, 20_000).unref();
  }

  setAgent(userId: string, status: string, reason: string | null): Row {
    const agent = this.agents.get(userId) as Row;
    Object.assign(agent, {
      status,
      reason,
      nextStatus: null,
      nextReason: null,
      statusSince: iso(Date.now()),
      presence:
        status === "AVAILABLE"
          ? "IDLE"
          : status === "OFFLINE"
            ? "OFFLINE"
            : reason === "not_responding"
              ? "NOT_RESPONDING"
              : "NOT_READY",
    });
    this.emit("Agent", agent);
    return agent;
  }

  editAgent(userId: string, change: Partial<Row>): Row {
    const agent = this.agents.get(userId) as Row;
    Object.assign(agent, change);
    this.emit("Agent", agent);
    return agent;
  }
}
