import { describe, expect, it } from "vitest";
import { type Locks, lead } from "./leader";

/** The browser's lock manager, as far as one name goes. */
function manager(): Locks {
  type Asking = { held: () => Promise<void>; resolve: () => void; reject: (cause: Error) => void };
  let holder: Asking | null = null;
  const waiting: Asking[] = [];
  const grant = (one: Asking) => {
    holder = one;
    void one.held().then(() => {
      if (holder !== one) return;
      one.resolve();
      holder = null;
      const next = waiting.shift();
      if (next) grant(next);
    });
  };
  return {
    request: (_name, options, held) =>
      new Promise((resolve, reject) => {
        const one = { held, resolve, reject };
        if (holder && options.steal) holder.reject(new Error("stolen"));
        if (!holder || options.steal) grant(one);
        else waiting.push(one);
      }),
  };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

function tabs(count: number) {
  const locks = manager();
  const leads = Array.from({ length: count }, () => false);
  const all = leads.map((_, index) =>
    lead(locks, (now) => {
      leads[index] = now;
    }),
  );
  return { all, leads };
}

describe("the leading tab", () => {
  it("is exactly one, the first that came", async () => {
    const { leads } = tabs(3);
    await settled();
    expect(leads).toEqual([true, false, false]);
  });

  it("is the one that was touched last", async () => {
    const { all, leads } = tabs(3);
    await settled();
    all[2]?.claim();
    await settled();
    expect(leads).toEqual([false, false, true]);
    all[0]?.claim();
    await settled();
    expect(leads).toEqual([true, false, false]);
  });

  it("hands the lead on when it closes", async () => {
    const { all, leads } = tabs(2);
    await settled();
    all[0]?.leave();
    await settled();
    expect(leads[1]).toBe(true);
  });

  it("rings by itself where the browser has no locks", () => {
    let leads = false;
    lead(undefined, (now) => {
      leads = now;
    });
    expect(leads).toBe(true);
  });
});
