import { describe, expect, it } from "vitest";
import { MemoryStorage } from "@/lib/drafts/testing";
import { type Answer, type Entry, Outbox } from ".";

const entry = (clientId: string, conversationId: string | null = "cnv_1") => ({
  clientId,
  ticketId: "tkt_1",
  ticketNumber: 1,
  conversationId,
  text: clientId,
  uploads: [],
  mentions: [],
  seen: 1,
  at: 1,
});

function outbox(
  answer: (entry: Entry) => Answer,
  storage = new MemoryStorage(),
  ownerId = "usr_1",
  beforeUnlock = () => {},
) {
  const sent: string[] = [];
  const refused: string[] = [];
  const clock = { now: 1_000, wake: () => {}, delay: 0 };
  const box = new Outbox({
    ownerId,
    storage,
    exclusively: (work) => work().then(beforeUnlock),
    deliver: async (one) => {
      sent.push(one.clientId);
      return answer(one);
    },
    onRefused: (one) => refused.push(one.clientId),
    now: () => clock.now,
    schedule: (work, delay) => Object.assign(clock, { wake: work, delay }),
  });
  return { box, sent, refused, storage, clock };
}

describe("outbox", () => {
  it("empties itself when the server confirms", async () => {
    const { box, sent } = outbox(() => ({ kind: "done" }));
    box.add(entry("a"));
    box.add(entry("b"));
    await box.pump();
    expect(sent).toEqual(["a", "b"]);
    expect(box.all()).toEqual([]);
  });

  it("keeps order: nothing overtakes an unreachable first entry", async () => {
    let up = false;
    const { box, sent } = outbox(() => (up ? { kind: "done" } : { kind: "unreachable" }));
    box.add(entry("a"));
    box.add(entry("b"));
    await box.pump();
    expect(box.all().map((one) => one.state)).toEqual(["waiting", "waiting"]);
    up = true;
    await box.pump();
    expect(sent.slice(-2)).toEqual(["a", "b"]);
    expect(box.all()).toEqual([]);
  });

  it("stops a conversation behind a refused message, and lets others pass", async () => {
    const { box, sent, refused } = outbox((one) =>
      one.clientId === "a" ? { kind: "refused", code: "NEWER_MESSAGES", message: "" } : { kind: "done" },
    );
    box.add(entry("a"));
    box.add(entry("b"));
    box.add(entry("note", null));
    await box.pump();
    expect(sent).toEqual(["a", "note"]);
    expect(refused).toEqual(["a"]);
    box.discard("a");
    await box.pump();
    expect(sent).toEqual(["a", "note", "b"]);
  });

  it("sends again under the same client id after the page died in the middle", async () => {
    const storage = new MemoryStorage();
    storage.setItem(
      "meari.outbox",
      JSON.stringify([{ ...entry("a"), ownerId: "usr_1", holdUntil: 0, state: "sending", problem: null }]),
    );
    const { box, sent } = outbox(() => ({ kind: "done" }), storage);
    await box.pump();
    expect(sent).toEqual(["a"]);
    expect(storage.getItem("meari.outbox")).toBe("[]");
  });

  it("sends once when pumped twice at the same time", async () => {
    const { box, sent } = outbox(() => ({ kind: "done" }));
    box.add(entry("a"));
    await Promise.all([box.pump(), box.pump()]);
    expect(sent).toEqual(["a"]);
  });

  it("holds a reply for as long as it may be taken back, then sends it", async () => {
    const { box, sent, clock } = outbox(() => ({ kind: "done" }));
    box.add(entry("a"), 5_000);
    box.add(entry("b"));
    box.add(entry("other", "cnv_2"));
    await box.pump();
    expect(sent).toEqual(["other"]);
    expect(clock.delay).toBe(5_000);
    clock.now += 5_000;
    clock.wake();
    await box.pump();
    expect(sent).toEqual(["other", "a", "b"]);
  });

  it("is woken for a hold that ended while the sender was still putting away its lock", async () => {
    const slow = { unlock: () => {} };
    const unlock = () => slow.unlock();
    const { box, sent, clock } = outbox(() => ({ kind: "done" }), undefined, undefined, unlock);
    slow.unlock = () => Object.assign(clock, { now: clock.now + 5_000 });
    box.add(entry("a"), 5_000);
    await box.pump();
    slow.unlock = () => {};
    expect(sent).toEqual([]);
    clock.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual(["a"]);
  });

  it("never sends what was taken back, from whichever tab", async () => {
    const storage = new MemoryStorage();
    const first = outbox(() => ({ kind: "done" }), storage);
    const second = outbox(() => ({ kind: "done" }), storage);
    first.box.add(entry("a"), 5_000);
    second.box.reread();
    expect(first.box.takeBack("a")?.text).toBe("a");
    first.clock.now += 9_000;
    second.clock.now += 9_000;
    await Promise.all([first.box.pump(), second.box.pump()]);
    expect([...first.sent, ...second.sent]).toEqual([]);
    expect(first.box.takeBack("a")).toBeNull();
  });

  it("takes nothing back that is being sent", async () => {
    const { box } = outbox(() => {
      expect(box.takeBack("a")).toBeNull();
      return { kind: "done" };
    });
    box.add(entry("a"));
    await box.pump();
    expect(box.all()).toEqual([]);
  });

  it("holds its end of the hold across a reload", async () => {
    const storage = new MemoryStorage();
    outbox(() => ({ kind: "done" }), storage).box.add(entry("a"), 5_000);
    const later = outbox(() => ({ kind: "done" }), storage);
    await later.box.pump();
    expect([later.sent, later.clock.delay]).toEqual([[], 5_000]);
  });

  it("carries the newer head when the agent confirms", async () => {
    const heads: number[] = [];
    const { box } = outbox((one) => {
      heads.push(one.seen);
      return one.seen < 7 ? { kind: "refused", code: "NEWER_MESSAGES", message: "" } : { kind: "done" };
    });
    box.add(entry("a"));
    await box.pump();
    box.retry("a", 7);
    await box.pump();
    expect(heads).toEqual([1, 7]);
    expect(box.all()).toEqual([]);
  });

  it("never sends one person's words as another's", async () => {
    const { box, storage } = outbox(() => ({ kind: "unreachable" }));
    box.add(entry("a"));
    await box.pump();
    const other = outbox(() => ({ kind: "done" }), storage, "usr_2");
    other.box.add(entry("b"));
    await other.box.pump();
    expect(other.sent).toEqual(["b"]);
    box.reread();
    expect(box.all().map((one) => one.clientId)).toEqual(["a"]);
  });

  it("loses nothing that another tab wrote meanwhile", async () => {
    const storage = new MemoryStorage();
    const first = outbox(() => ({ kind: "unreachable" }), storage);
    const second = outbox(() => ({ kind: "unreachable" }), storage);
    first.box.add(entry("a"));
    second.box.add(entry("b"));
    await Promise.all([first.box.pump(), second.box.pump()]);
    const third = outbox(() => ({ kind: "done" }), storage);
    await third.box.pump();
    expect(third.sent).toEqual(["a", "b"]);
  });
});
