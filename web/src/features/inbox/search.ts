//! What the list shows stands in the address bar: it can be linked, bookmarked and gone back to.
import type { Priority, TicketSort, TicketStatus } from "@/lib/gql/graphql";

export const VIEWS = ["all", "mine", "unassigned", "open", "pending", "snoozed", "closed"] as const;
export type View = (typeof VIEWS)[number];
export const SORTS = [
  "NEWEST",
  "OLDEST",
  "WAITING_LONGEST",
  "PRIORITY",
] as const satisfies readonly TicketSort[];
export const PRIORITIES = ["URGENT", "HIGH", "NORMAL", "LOW"] as const satisfies readonly Priority[];

export interface InboxSearch {
  view?: View;
  queue?: string;
  q?: string;
  sort?: TicketSort;
  priority?: Priority;
  channel?: string;
  tag?: string;
}

export interface Filter {
  status?: TicketStatus[];
  queueId?: string;
  mine?: boolean;
  unassigned?: boolean;
  priority?: Priority;
  channel?: string;
  tag?: string;
}

const oneOf = <T extends string>(list: readonly T[], value: unknown): T | undefined =>
  list.find((one) => one === value);
const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined;

export function parseSearch(raw: Record<string, unknown>): InboxSearch {
  const parsed: InboxSearch = {};
  const view = oneOf(VIEWS, raw.view);
  const sort = oneOf(SORTS, raw.sort);
  const priority = oneOf(PRIORITIES, raw.priority);
  if (view && view !== "all") parsed.view = view;
  if (sort && sort !== "NEWEST") parsed.sort = sort;
  if (priority) parsed.priority = priority;
  for (const key of ["queue", "q", "channel", "tag"] as const) {
    const value = text(raw[key]);
    if (value) parsed[key] = value;
  }
  return parsed;
}

/** The same tickets that the server counts beside each view. */
const BY_VIEW: Record<View, Filter> = {
  all: { status: ["OPEN", "PENDING", "SNOOZED"] },
  mine: { mine: true, status: ["OPEN"] },
  unassigned: { unassigned: true, status: ["OPEN"] },
  open: { status: ["OPEN"] },
  pending: { status: ["PENDING"] },
  snoozed: { status: ["SNOOZED"] },
  closed: { status: ["CLOSED"] },
};

export function filterOf(search: InboxSearch): Filter {
  return {
    // Who searches without a view wants what there is, also closed.
    ...(search.q && !search.view ? {} : BY_VIEW[search.view ?? "all"]),
    ...(search.queue
      ? { queueId: search.queue, ...(search.view ? {} : { status: ["OPEN"] as TicketStatus[] }) }
      : {}),
    ...(search.priority ? { priority: search.priority } : {}),
    ...(search.channel ? { channel: search.channel } : {}),
    ...(search.tag ? { tag: search.tag } : {}),
  };
}
