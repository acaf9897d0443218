import { Client, type Exchange, type Operation, type OperationResult } from "urql";
import { beforeEach, describe, expect, it } from "vitest";
import { filter, makeSubject, map, merge, pipe, subscribe } from "wonka";
import { normalisedCache, ticketIds } from "./cache";
import { MessageItem, TicketRow } from "./fragments";
import { graphql } from "./graphql";
import { Changes, forgetVersions } from "./images";

const Detail = graphql(
  `query Detail($number: Int!) { ticket(number: $number) { ...TicketRow messages(first: 50) { ...MessageItem } } }`,
  [TicketRow, MessageItem],
);
const SetTags = graphql(`
  mutation SetTags($id: ID!, $add: [String!]) {
    setTicketTags(id: $id, add: $add) { __typename problem { __typename code message field } ticket { __typename id tags } }
  }
`);
const Reply = graphql(
  `mutation Reply($input: SendMessageInput!) {
    sendMessage(input: $input) { __typename problem { __typename code message field } message { ...MessageItem } }
  }`,
  [MessageItem],
);
const OfferList = graphql(
  `query OfferList { offers { __typename id state ticket { __typename id subject } } }`,
);

const AT = "2026-11-20T12:00:00Z";
const message = (position: number, more: object = {}) => ({
  __typename: "Message",
  id: `msg_${position}`,
  ticketId: "tkt_1",
  conversationId: "cnv_1",
  direction: "INBOUND",
  kind: "TEXT",
  state: "RECEIVED",
  author: "CONTACT",
  authorUserId: null,
  authorName: "Sofia",
  text: `text ${position}`,
  clientId: null,
  html: null,
  quotedId: null,
  problem: null,
  position,
  sentAt: AT,
  createdAt: AT,
  editedAt: null,
  deletedAt: null,
  version: 1,
  reactions: [],
  attachments: [],
  ...more,
});
const row = {
  number: 7,
  subject: "Refund",
  status: "OPEN",
  priority: "NORMAL",
  tags: ["a"],
  snoozedUntil: null,
  channel: "sandbox",
  messageHead: 2,
  lastMessageAt: AT,
  lastMessagePreview: "text 2",
  lastMessageInbound: true,
  waitingSince: AT,
  createdAt: AT,
  updatedAt: AT,
  closedAt: null,
  version: 3,
};
const ticket = {
  __typename: "Ticket",
  id: "tkt_1",
  ...row,
  readPosition: 2,
  unread: 0,
  contact: { __typename: "Contact", id: "con_1", name: "Sofia", avatarUrl: null },
  queue: { __typename: "Queue", id: "que_1", name: "Orders", color: 0 },
  assignee: null,
  messages: [message(2), message(1)],
};
const ticketImage = (more: object) => {
  const { status, ...rest } = row;
  return {
    __typename: "TicketImage",
    id: "tkt_1",
    ...rest,
    ticketStatus: status,
    contactId: "con_1",
    queueId: "que_1",
    assigneeId: null,
    ...more,
  };
};
const messageImage = (position: number, more: object = {}) => {
  const { state, ...rest } = message(position);
  return { ...rest, messageState: state, __typename: "MessageImage", ...more };
};

/** urql answers on a later turn of the event loop. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

function world() {
  const results = makeSubject<OperationResult>();
  const asked: Operation[] = [];
  const server: Exchange = () => (operations$) => {
    const silent = pipe(
      operations$,
      filter((operation) => {
        if (operation.kind !== "teardown") asked.push(operation);
        return false;
      }),
      map((operation) => operation as never),
    );
    return merge([silent, results.source]);
  };
  const client = new Client({
    url: "http://test",
    preferGetMethod: false,
    exchanges: [normalisedCache(() => "usr_me"), server],
  });
  const answer = async (name: string, data: object) => {
    const operation = asked.findLast((one) =>
      one.query.definitions.some((node) => "name" in node && node.name?.value === name),
    );
    if (!operation) throw new Error(`nobody asked ${name}`);
    results.next({
      operation,
      data,
      error: undefined,
      extensions: undefined,
      stale: false,
      hasNext: operation.kind === "subscription",
    });
    await settle();
  };
  pipe(
    client.subscription(Changes, { after: null }),
    subscribe(() => undefined),
  );
  const change = (...changes: object[]) =>
    answer("Changes", { changes: { __typename: "ChangeBatch", cursor: "1", resync: false, changes } });
  return { client, asked, answer, change };
}

async function open() {
  const made = world();
  const seen: { value: ReturnType<typeof read> } = { value: null };
  const read = (data: { ticket: unknown } | undefined) =>
    (data?.ticket ?? null) as (typeof ticket & { assignee: unknown }) | null;
  pipe(
    made.client.query(Detail, { number: 7 }),
    subscribe(({ data }) => {
      seen.value = read(data);
    }),
  );
  await made.answer("Detail", { ticket });
  return { ...made, shown: () => seen.value };
}

describe("images", () => {
  beforeEach(() => {
    forgetVersions();
    ticketIds.clear();
  });

  it("change the ticket that is on screen without asking the server", async () => {
    const { change, shown, asked } = await open();
    const before = asked.length;
    await change(ticketImage({ ticketStatus: "CLOSED", priority: "URGENT", version: 4 }));
    expect([shown()?.status, shown()?.priority]).toEqual(["CLOSED", "URGENT"]);
    expect(asked.length).toBe(before);
  });

  it("are ignored when older than what is known, so a replay is harmless", async () => {
    const { change, shown } = await open();
    await change(ticketImage({ subject: "newer", version: 5 }));
    await change(ticketImage({ subject: "older", version: 4 }));
    expect(shown()?.subject).toBe("newer");
  });

  it("put a new message into the timeline and count it as unread", async () => {
    const { change, shown } = await open();
    await change(messageImage(3), ticketImage({ messageHead: 3, lastMessagePreview: "text 3", version: 4 }));
    expect(shown()?.messages.map((one) => one.position)).toEqual([3, 2, 1]);
    expect(shown()?.unread).toBe(1);
  });

  it("put a message once and in its place, however often and late it comes", async () => {
    const { change, shown } = await open();
    await change(messageImage(5));
    await change(messageImage(4));
    await change(messageImage(5));
    expect(shown()?.messages.map((one) => one.position)).toEqual([5, 4, 2, 1]);
  });

  it("move a message along its states and never back", async () => {
    const { change, shown } = await open();
    await change(messageImage(2, { messageState: "DELIVERED", version: 3 }));
    await change(messageImage(2, { messageState: "SENT", version: 2 }));
    expect(shown()?.messages[0]?.state).toBe("DELIVERED");
  });

  it("stand when the answer to the reply comes after the news that it was sent", async () => {
    const { client, change, answer, shown } = await open();
    pipe(
      client.mutation(Reply, { input: { conversationId: "cnv_1", text: "text 3", clientId: "c" } as never }),
      subscribe(() => {}),
    );
    await settle();
    const mine = { direction: "OUTBOUND", author: "AGENT", clientId: "c" };
    await change(messageImage(3, { ...mine, messageState: "QUEUED" }));
    await change(messageImage(3, { ...mine, messageState: "SENT", version: 2 }));
    await answer("Reply", {
      sendMessage: {
        __typename: "MessagePayload",
        problem: null,
        message: message(3, { ...mine, state: "QUEUED" }),
      },
    });
    expect(shown()?.messages[0]).toMatchObject({ position: 3, state: "SENT", version: 2 });
  });

  it("stand when a refetch that was asked before them is answered after them", async () => {
    const { client, change, answer, shown } = await open();
    pipe(
      client.query(Detail, { number: 7 }, { requestPolicy: "network-only" }),
      subscribe(() => {}),
    );
    await settle();
    const moved = { ticketStatus: "CLOSED", assigneeId: null, version: 9 };
    await change(ticketImage(moved), messageImage(2, { text: "edited", version: 2 }));
    const assignee = { __typename: "User", id: "usr_2", name: "Noah" };
    await answer("Detail", { ticket: { ...ticket, assignee, unread: 5 } });
    expect(shown()?.messages[0]).toMatchObject({ text: "edited", version: 2 });
    expect(shown()).toMatchObject({ status: "CLOSED", assignee: null, version: 9, unread: 5 });
  });

  it("leave tickets alone that no screen has asked for", async () => {
    const { change, client } = await open();
    await change(ticketImage({ id: "tkt_2", number: 8 }), messageImage(9, { ticketId: "tkt_2" }));
    ticketIds.set(8, "tkt_2");
    expect(client.readQuery(Detail, { number: 8 })).toBeNull();
  });

  it("bring an offer to its agent only, and take it away when it ends", async () => {
    const { client, change, answer } = await open();
    let offers: readonly { id: string }[] = [];
    pipe(
      client.query(OfferList, {}),
      subscribe(({ data }) => {
        offers = data?.offers ?? [];
      }),
    );
    await answer("OfferList", { offers: [] });
    const offer = {
      __typename: "OfferImage",
      id: "ofr_1",
      ticketId: "tkt_1",
      queueId: "que_1",
      userId: "usr_me",
      offerState: "OFFERED",
      endReason: null,
      offerReason: {},
      createdAt: AT,
      expiresAt: AT,
      version: 1,
    };
    await change({ ...offer, id: "ofr_2", userId: "usr_other" });
    expect(offers).toEqual([]);
    await change(offer);
    expect(offers.map((one) => one.id)).toEqual(["ofr_1"]);
    await change({ ...offer, offerState: "WITHDRAWN", version: 2 });
    expect(offers).toEqual([]);
  });
});

describe("optimistic changes", () => {
  beforeEach(() => {
    forgetVersions();
    ticketIds.clear();
  });

  it("show at once and roll back when the server refuses", async () => {
    const { client, shown, answer } = await open();
    pipe(
      client.mutation(SetTags, { id: "tkt_1", add: ["vip"] }),
      subscribe(() => undefined),
    );
    await settle();
    expect(shown()?.tags).toEqual(["a", "vip"]);
    await answer("SetTags", {
      setTicketTags: {
        __typename: "TicketPayload",
        problem: { __typename: "Problem", code: "FORBIDDEN", message: "", field: null },
        ticket: null,
      },
    });
    expect(shown()?.tags).toEqual(["a"]);
  });
});
