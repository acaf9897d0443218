import { describe, expect, it } from "vitest";
import type { Change } from "@/lib/gql/images";
import { Rules } from "./rules";

const NOON = Date.parse("2026-11-20T12:00:00Z");
const rules = () => new Rules({ id: "usr_me", name: "Jin Han" }, NOON);
const ticket = (more: object) =>
  ({
    __typename: "TicketImage",
    id: "tkt_1",
    number: 7,
    assigneeId: "usr_me",
    messageHead: 1,
    lastMessageAt: "2026-11-20T11:00:00Z",
    lastMessageInbound: true,
    lastMessagePreview: "hello",
    ...more,
  }) as Change;
const note = (more: object) =>
  ({
    __typename: "MessageImage",
    ticketId: "tkt_1",
    kind: "NOTE",
    authorUserId: "usr_grace",
    authorName: "Grace",
    text: "@Jin Han please",
    createdAt: "2026-11-20T12:01:00Z",
    editedAt: null,
    ...more,
  }) as Change;
const offer = (more: object) =>
  ({
    __typename: "OfferImage",
    id: "ofr_1",
    ticketId: "tkt_1",
    userId: "usr_me",
    offerState: "OFFERED",
    ...more,
  }) as Change;

describe("what an agent hears of", () => {
  it("is an offer to her, not to others, and not its end", () => {
    expect(rules().judge(offer({}))?.kind).toBe("offer");
    expect(rules().judge(offer({ userId: "usr_grace" }))).toBeNull();
    expect(rules().judge(offer({ offerState: "EXPIRED" }))).toBeNull();
  });

  it("is a customer's new message on her ticket, once", () => {
    const heard = rules();
    expect(heard.judge(ticket({}))).toBeNull();
    expect(heard.judge(ticket({ messageHead: 2 }))?.kind).toBe("reply");
    expect(heard.judge(ticket({ messageHead: 2 }))).toBeNull();
  });

  it("is neither her own answer nor a colleague's ticket", () => {
    const heard = rules();
    heard.judge(ticket({}));
    expect(heard.judge(ticket({ messageHead: 2, lastMessageInbound: false }))).toBeNull();
    expect(
      heard.judge(ticket({ id: "tkt_2", assigneeId: "usr_grace", lastMessageAt: "2026-11-20T12:30:00Z" })),
    ).toBeNull();
  });

  it("is a message that came after she opened the page, even on a ticket not seen yet", () => {
    expect(rules().judge(ticket({ lastMessageAt: "2026-11-20T12:30:00Z" }))?.kind).toBe("reply");
  });

  it("is being given a ticket, but not taking one", () => {
    const given = rules();
    given.judge(ticket({ assigneeId: null }));
    expect(given.judge(ticket({}))?.kind).toBe("assigned");
    const accepted = rules();
    accepted.judge(ticket({ assigneeId: null }));
    accepted.judge(offer({ offerState: "ACCEPTED" }));
    expect(accepted.judge(ticket({}))).toBeNull();
  });

  it("is her name in a colleague's note, not in her own, an old or an edited one", () => {
    expect(rules().judge(note({}))?.kind).toBe("mention");
    expect(rules().judge(note({ authorUserId: "usr_me" }))).toBeNull();
    expect(rules().judge(note({ createdAt: "2026-11-20T11:00:00Z" }))).toBeNull();
    expect(rules().judge(note({ editedAt: "2026-11-20T12:02:00Z" }))).toBeNull();
    expect(rules().judge(note({ text: "Jin Han is away" }))).toBeNull();
  });
});
