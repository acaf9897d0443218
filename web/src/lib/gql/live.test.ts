import { describe, expect, it } from "vitest";
import type { ChangeBatch } from "./images";
import { backoff, coalesce, follow, type Sink } from "./live";

const batch = (cursor: string, resync = false): ChangeBatch =>
  ({ __typename: "ChangeBatch", cursor, resync, changes: [] }) as ChangeBatch;

function harness() {
  const opened: (string | null)[] = [];
  const sinks: Sink[] = [];
  const timers: { work: () => void; delay: number; cancelled: boolean }[] = [];
  const log: string[] = [];
  const following = follow({
    subscribe(after, sink) {
      opened.push(after);
      sinks.push(sink);
      return () => log.push("closed");
    },
    onBatch: (one) => log.push(`batch ${one.cursor}`),
    onGap: () => log.push("gap"),
    onLost: () => log.push("lost"),
    schedule(work, delay) {
      const timer = { work, delay, cancelled: false };
      timers.push(timer);
      return () => {
        timer.cancelled = true;
      };
    },
    random: () => 1,
  });
  const last = <T>(list: T[]): T => list.at(-1) as T;
  return { following, opened, timers, log, sink: () => last(sinks), fire: () => last(timers).work() };
}

describe("the live feed", () => {
  it("goes on from the cursor of the last batch after a lost socket", () => {
    const { following, opened, sink, fire, log } = harness();
    following.connected();
    sink().next(batch("7"));
    sink().next(batch("9"));
    sink().ended();
    fire();
    following.connected();
    expect(opened).toEqual([null, "9"]);
    expect(log).toEqual(["gap", "batch 7", "batch 9", "lost"]);
  });

  it("refetches what is on screen when the server says the cursor is too old", () => {
    const { sink, log, following } = harness();
    sink().next(batch("50", true));
    expect(log).toEqual(["gap", "batch 50"]);
    expect(following.cursor()).toBe("50");
  });

  it("refetches after a reconnect that never had a cursor", () => {
    const { following, sink, fire, log } = harness();
    following.connected();
    sink().ended();
    fire();
    following.connected();
    expect(log).toEqual(["gap", "lost", "gap"]);
  });

  it("waits longer each time, and starts over once it hears something", () => {
    const { sink, fire, timers } = harness();
    sink().ended();
    fire();
    sink().ended();
    fire();
    sink().next(batch("1"));
    sink().ended();
    expect(timers.map((timer) => timer.delay)).toEqual([250, 500, 250]);
  });

  it("hears nothing from a socket it gave up", () => {
    const { sink, fire, log } = harness();
    const old = sink();
    old.ended();
    fire();
    old.next(batch("99"));
    old.ended();
    expect(log).toEqual(["lost"]);
  });

  it("tries at once when told to hurry, but opens no second socket", () => {
    const { following, sink, opened, timers } = harness();
    following.hurry();
    expect(opened).toHaveLength(1);
    sink().ended();
    following.hurry();
    expect(opened).toHaveLength(2);
    expect(timers[0]?.cancelled).toBe(true);
  });

  it("stays closed once stopped", () => {
    const { following, sink, timers, log } = harness();
    following.stop();
    sink().ended();
    expect(timers).toHaveLength(0);
    expect(log).toEqual(["closed"]);
  });
});

describe("backoff", () => {
  it("has a ceiling and never falls below half of it", () => {
    expect(backoff(20, 1)).toBe(10_000);
    expect(backoff(20, 0)).toBe(5_000);
  });
});

describe("coalesce", () => {
  it("runs at once, then once per interval however often it is asked, and once at the end", () => {
    const timers: (() => void)[] = [];
    let runs = 0;
    const ask = coalesce(
      () => {
        runs += 1;
      },
      1_000,
      (work) => timers.push(work),
    );
    ask();
    ask();
    ask();
    expect(runs).toBe(1);
    timers.shift()?.();
    expect(runs).toBe(2);
    timers.shift()?.();
    expect(runs).toBe(2);
    ask();
    expect(runs).toBe(3);
  });
});
