//! The list as windows of 100 rows: no cached query grows past that, or every patch to one row would pay for
//! all of them. Windows far from the screen are let go.
import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { Client, CombinedError } from "urql";
import { pipe, subscribe } from "wonka";
import { ticketIds } from "@/lib/gql/cache";
import type { TicketRow } from "@/lib/gql/fragments";
import type { TicketSort } from "@/lib/gql/graphql";
import { TicketWindow } from "./inbox.gql";
import type { Filter } from "./search";

export const WINDOW = 100;
/** The server refuses larger offsets; nobody scrolls that far without narrowing the search. */
const OFFSET_MAX = 10_000;

export interface ListQuery {
  filter: Filter;
  sort: TicketSort;
  search: string | null;
}
export interface Snapshot {
  windows: ReadonlyMap<number, readonly TicketRow[]>;
  /** Tickets that would stand higher, or newly, if the list were let go. */
  pending: number;
  total: number | null;
  totalIsCapped: boolean;
  error: CombinedError | null;
}

/** Which windows cover these rows, with half a window of foresight on both sides. */
export function windowsFor(first: number, last: number, total: number): number[] {
  const from = Math.max(0, Math.floor((first - WINDOW / 2) / WINDOW));
  const reachable = Math.min(total, OFFSET_MAX + WINDOW) - 1;
  const to = Math.max(0, Math.min(Math.floor((last + WINDOW / 2) / WINDOW), Math.floor(reachable / WINDOW)));
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

type Rows = ReadonlyMap<number, readonly TicketRow[]>;

/** Tickets this person changed herself: they may leave a held list, because she knows why. */
const changedHere = new Set<string>();
export const mayLeave = (ids: Iterable<string>): void => {
  for (const id of ids) changedHere.add(id);
};

/**
 * What is shown while the list is held: the rows of `shown` in their places, with the contents of `latest`;
 * only what the reader changed herself may go.
 */
export function held(shown: Rows, latest: Rows, left: ReadonlySet<string> = changedHere): Rows {
  const fresh = new Map([...latest.values()].flat().map((row) => [row.id, row]));
  const known = new Set([...shown.values()].flat().map((row) => row.id));
  const result = new Map<number, readonly TicketRow[]>();
  for (const [index, rows] of latest) {
    const before = shown.get(index);
    if (!before) {
      result.set(index, rows);
      continue;
    }
    const kept = before.flatMap((row) => {
      const now = fresh.get(row.id);
      return now ? [now] : left.has(row.id) ? [] : [row];
    });
    // Those from below close the gap of those that left.
    const gap = Math.min(before.length, rows.length) - kept.length;
    const below = gap > 0 ? rows.filter((row) => !known.has(row.id)).slice(-gap) : [];
    result.set(index, [...kept, ...below]);
  }
  return result;
}

/** How many rows of `latest` moved up past where they are shown, or are not shown at all. */
export function pendingIn(shown: Rows, latest: Rows): number {
  const places = new Map<string, number>();
  for (const [index, rows] of shown)
    for (const [at, row] of rows.entries()) places.set(row.id, index * WINDOW + at);
  // Rows in the order of the shown list: who must overtake somebody has moved.
  let lowest = -1;
  let count = 0;
  const order = [...latest]
    .sort(([a], [b]) => a - b)
    .flatMap(([index, rows]) => (shown.has(index) ? rows : []))
    .map((row) => places.get(row.id));
  for (const place of order.toReversed()) {
    if (place === undefined) count += 1;
    else if (lowest >= 0 && place > lowest) count += 1;
    else lowest = place;
  }
  return count;
}

export class Windows {
  private snapshot: Snapshot = {
    windows: new Map(),
    pending: 0,
    total: null,
    totalIsCapped: false,
    error: null,
  };
  private latest: Rows = new Map();
  private holding = false;
  private readonly open = new Map<number, () => void>();
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly client: Client,
    private readonly query: ListQuery,
  ) {}

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  read = () => this.snapshot;

  show(wanted: readonly number[]): void {
    for (const [index, close] of this.open) {
      if (wanted.includes(index)) continue;
      close();
      this.open.delete(index);
      this.latest = without(this.latest, index);
      this.snapshot = { ...this.snapshot, windows: without(this.snapshot.windows, index) };
    }
    for (const index of wanted) if (!this.open.has(index)) this.open.set(index, this.follow(index));
  }

  close(): void {
    for (const close of this.open.values()) close();
    this.open.clear();
  }

  private follow(index: number): () => void {
    const source = this.client.query(
      TicketWindow,
      { ...this.query, offset: index * WINDOW, first: WINDOW },
      { requestPolicy: "cache-and-network" },
    );
    return pipe(
      source,
      subscribe(({ data, error }) => {
        if (data) {
          const rows = data.tickets.edges.map((edge) => edge.node);
          for (const row of rows) ticketIds.set(row.number, row.id);
          this.latest = new Map(this.latest).set(index, rows);
          this.present({ total: data.tickets.total, totalIsCapped: data.tickets.totalIsCapped, error: null });
        } else if (error) this.set({ ...this.snapshot, error });
      }),
    ).unsubscribe;
  }

  /** While somebody's pointer rests on the list, or she has scrolled, nothing moves by itself. */
  hold(holding: boolean): void {
    if (this.holding === holding) return;
    this.holding = holding;
    if (!holding) this.present({});
  }

  /** She asked for the newest. */
  letGo(): void {
    this.set({ ...this.snapshot, windows: this.latest, pending: 0 });
  }

  private present(more: Partial<Snapshot>): void {
    const shown = this.snapshot.windows;
    const windows = this.holding ? held(shown, this.latest) : this.latest;
    const pending = this.holding ? pendingIn(windows, this.latest) : 0;
    this.set({ ...this.snapshot, ...more, windows, pending });
  }

  retry(): void {
    const indexes = [...this.open.keys()];
    this.close();
    this.set({ ...this.snapshot, error: null });
    this.show(indexes.length > 0 ? indexes : [0]);
  }

  private set(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    for (const listener of this.listeners) listener();
  }
}

function without(rows: Rows, index: number): Rows {
  const rest = new Map(rows);
  rest.delete(index);
  return rest;
}

export function useWindows(client: Client, query: ListQuery): [Windows, Snapshot] {
  const key = JSON.stringify(query);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` is the query by value.
  const windows = useMemo(() => new Windows(client, query), [client, key]);
  useEffect(() => {
    windows.show([0]);
    return () => windows.close();
  }, [windows]);
  return [windows, useSyncExternalStore(windows.subscribe, windows.read)];
}

export function rowAt(snapshot: Snapshot, index: number): TicketRow | undefined {
  return snapshot.windows.get(Math.floor(index / WINDOW))?.[index % WINDOW];
}

export function indexOf(snapshot: Snapshot, number: number): number {
  for (const [window, rows] of snapshot.windows) {
    const at = rows.findIndex((row) => row.number === number);
    if (at >= 0) return window * WINDOW + at;
  }
  return -1;
}

/** In the order of the list, as far as it is loaded. */
export function loadedRows(snapshot: Snapshot): TicketRow[] {
  return [...snapshot.windows].sort(([a], [b]) => a - b).flatMap(([, rows]) => rows);
}
