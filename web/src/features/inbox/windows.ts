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
interface Snapshot {
  windows: ReadonlyMap<number, readonly TicketRow[]>;
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

export class Windows {
  private snapshot: Snapshot = { windows: new Map(), total: null, totalIsCapped: false, error: null };
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
      const windows = new Map(this.snapshot.windows);
      windows.delete(index);
      this.snapshot = { ...this.snapshot, windows };
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
          const windows = new Map(this.snapshot.windows).set(index, rows);
          this.set({
            windows,
            total: data.tickets.total,
            totalIsCapped: data.tickets.totalIsCapped,
            error: null,
          });
        } else if (error) this.set({ ...this.snapshot, error });
      }),
    ).unsubscribe;
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
