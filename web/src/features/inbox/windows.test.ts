import { describe, expect, it } from "vitest";
import type { TicketRow } from "@/lib/gql/fragments";
import { held, pendingIn, windowsFor } from "./windows";

const row = (id: string, subject = id) => ({ id, subject }) as TicketRow;
const list = (...ids: string[]) => new Map([[0, ids.map((id) => row(id))]]);
const idsOf = (rows: ReadonlyMap<number, readonly TicketRow[]>) =>
  [...rows.values()].flat().map((one) => one.id);

describe("a held list", () => {
  it("keeps every row in its place while others move up", () => {
    const shown = list("a", "b", "c");
    const latest = list("new", "c", "a", "b");
    expect(idsOf(held(shown, latest, new Set()))).toEqual(["a", "b", "c"]);
  });

  it("shows what rows say now, only not where they would stand", () => {
    const latest = new Map([[0, [row("b"), row("a", "answered")]]]);
    expect([...held(list("a", "b"), latest, new Set()).values()].flat()[0]?.subject).toBe("answered");
  });

  it("lets go what the reader herself closed or moved, and nothing else", () => {
    const shown = list("a", "b", "c");
    expect(idsOf(held(shown, list("c"), new Set(["a"])))).toEqual(["b", "c"]);
  });

  it("closes the gap of what left with rows from below, never with those from above", () => {
    const latest = list("new", "b", "c", "d");
    expect(idsOf(held(list("a", "b", "c"), latest, new Set(["a"])))).toEqual(["b", "c", "d"]);
  });

  it("takes windows that were not shown yet as they come", () => {
    const latest = new Map([...list("a"), [1, [row("z")]]]);
    expect(idsOf(held(list("a"), latest, new Set()))).toEqual(["a", "z"]);
  });
});

describe("pendingIn", () => {
  it("counts what is new and what moved up, not what was pushed down", () => {
    expect(pendingIn(list("a", "b", "c"), list("a", "b", "c"))).toBe(0);
    expect(pendingIn(list("a", "b", "c"), list("new", "a", "b", "c"))).toBe(1);
    expect(pendingIn(list("a", "b", "c"), list("c", "a", "b"))).toBe(1);
    expect(pendingIn(list("a", "b", "c", "d"), list("x", "d", "b", "a", "c"))).toBe(3);
    expect(pendingIn(list("a", "b", "c"), list("a", "c"))).toBe(0);
  });
});

describe("windowsFor", () => {
  it("covers what is visible with half a window on both sides, and ends with the list", () => {
    expect(windowsFor(0, 10, 5_000)).toEqual([0]);
    expect(windowsFor(70, 80, 5_000)).toEqual([0, 1]);
    expect(windowsFor(140, 160, 170)).toEqual([0, 1]);
  });
});
