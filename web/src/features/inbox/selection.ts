//! Which tickets are ticked for a common deed. By id, so that a moving list never ticks another one.
import { create } from "zustand";
import type { TicketRow } from "@/lib/gql/fragments";

interface Selection {
  picked: ReadonlyMap<string, TicketRow>;
  /** Where a range begins. */
  anchor: string | null;
}
export const useSelection = create<Selection>()(() => ({ picked: new Map(), anchor: null }));

export const clearSelection = (): void => useSelection.setState({ picked: new Map(), anchor: null });

export function toggle(ticket: TicketRow): void {
  useSelection.setState(({ picked }) => {
    const next = new Map(picked);
    if (!next.delete(ticket.id)) next.set(ticket.id, ticket);
    return { picked: next, anchor: next.size > 0 ? ticket.id : null };
  });
}

export function add(tickets: Iterable<TicketRow>): void {
  useSelection.setState(({ picked, anchor }) => {
    const next = new Map(picked);
    for (const ticket of tickets) next.set(ticket.id, ticket);
    return { picked: next, anchor };
  });
}

/** Everything between the anchor and `to`, both included, as the list stands now. */
export function range(rows: readonly TicketRow[], anchor: string | null, to: TicketRow): TicketRow[] {
  const end = rows.findIndex((row) => row.id === to.id);
  const begin = rows.findIndex((row) => row.id === anchor);
  if (end < 0 || begin < 0) return [to];
  return rows.slice(Math.min(begin, end), Math.max(begin, end) + 1);
}

export function extend(rows: readonly TicketRow[], to: TicketRow): void {
  const { anchor } = useSelection.getState();
  add(range(rows, anchor, to));
  if (anchor === null) useSelection.setState({ anchor: to.id });
}
