import { describe, expect, it } from "vitest";
import type { MessageItem } from "@/lib/gql/fragments";
import { refusalOf, timeline } from "./model";

const message = (position: number, more: Partial<MessageItem> = {}): MessageItem =>
  ({
    id: `msg_${position}`,
    position,
    kind: "TEXT",
    direction: "INBOUND",
    authorName: "Sofia",
    conversationId: "cnv_1",
    clientId: null,
    sentAt: `2026-11-20T12:0${position}:00`,
    ...more,
  }) as MessageItem;

describe("refusalOf", () => {
  const open = { replyUntil: null, inbox: { state: "CONNECTED" as const } };
  const now = Date.parse("2026-11-20T12:00:00Z");
  it("lets a connected conversation without a window be answered", () => {
    expect(refusalOf(open, now)).toBeNull();
  });
  it("closes with its window, to the moment", () => {
    expect(refusalOf({ ...open, replyUntil: "2026-11-20T12:00:01Z" }, now)).toBeNull();
    expect(refusalOf({ ...open, replyUntil: "2026-11-20T12:00:00Z" }, now)).toBe("window_closed");
  });
  it("names the account's trouble before the window's", () => {
    expect(refusalOf({ replyUntil: "2020-01-01T00:00:00Z", inbox: { state: "DISCONNECTED" } }, now)).toBe(
      "disconnected",
    );
    expect(refusalOf({ replyUntil: null, inbox: { state: "NEEDS_RECONNECT" } }, now)).toBe("needs_reconnect");
  });
});

describe("timeline", () => {
  it("sorts by position, groups close messages of one author and draws one New line", () => {
    const items = timeline([message(3), message(1), message(2)], 2, []);
    expect(items.map((item) => item.kind)).toEqual(["day", "message", "message", "new", "message"]);
    expect(items.flatMap((item) => (item.kind === "message" ? [item.continues] : []))).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("starts a day with a line", () => {
    const items = timeline([message(1, { sentAt: "2026-11-19T12:00:00" }), message(2)], null, []);
    expect(items.map((item) => item.kind)).toEqual(["day", "message", "day", "message"]);
  });

  it("never shows a sent message twice, whichever of cache and outbox knows it first", () => {
    const entry = { clientId: "c1", text: "hi" } as never;
    expect(timeline([], null, [entry]).map((item) => item.kind)).toEqual(["outbox"]);
    const sent = message(1, { clientId: "c1", direction: "OUTBOUND" });
    expect(timeline([sent], null, [entry]).map((item) => item.kind)).toEqual(["day", "message"]);
  });
});
