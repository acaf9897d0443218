import { describe, expect, it } from "vitest";
import type { TicketRow } from "@/lib/gql/fragments";
import { type BulkRun, failed, runBulk, succeeded } from "./bulk";
import { range } from "./selection";

const go = new AbortController().signal;

describe("runBulk", () => {
  it("does every item and keeps the reason of each that failed", async () => {
    const seen: number[] = [];
    const run = await runBulk(
      [1, 2, 3, 4, 5, 6],
      async (n) => (n % 2 === 0 ? `no ${n}` : null),
      (one) => seen.push(one.done.length),
      go,
    );
    expect(succeeded(run).sort()).toEqual([1, 3, 5]);
    expect(
      failed(run)
        .map((one) => one.problem)
        .sort(),
    ).toEqual(["no 2", "no 4", "no 6"]);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("never has more than four under way", async () => {
    let open = 0;
    let most = 0;
    const deed = async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve));
      open -= 1;
      return null;
    };
    await runBulk(Array.from({ length: 20 }), deed, () => {}, go);
    expect(most).toBe(4);
  });

  it("begins nothing more once it is stopped, and says what was done until then", async () => {
    const stop = new AbortController();
    let last: BulkRun<number> | null = null;
    const run = await runBulk(
      Array.from({ length: 100 }, (_, n) => n),
      async () => null,
      (one) => {
        last = one;
        if (one.done.length === 10) stop.abort();
      },
      stop.signal,
    );
    expect(run.done.length).toBeLessThan(20);
    expect(last).toEqual(run);
    expect(run.total).toBe(100);
  });
});

describe("range", () => {
  const rows = ["a", "b", "c", "d"].map((id) => ({ id }) as TicketRow);
  const ids = (anchor: string | null, to: string) =>
    range(rows, anchor, { id: to } as TicketRow).map((one) => one.id);
  it("covers both ends in either direction", () => {
    expect(ids("b", "d")).toEqual(["b", "c", "d"]);
    expect(ids("d", "b")).toEqual(["b", "c", "d"]);
  });
  it("is only its end when its beginning is gone", () => {
    expect(ids("x", "c")).toEqual(["c"]);
    expect(ids(null, "c")).toEqual(["c"]);
  });
});
