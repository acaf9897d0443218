//! The socket may bring the news of a change before the answer to an older question comes in, of a refetch or of
//! the very mutation that made the change. Such an answer would turn the screen back for good, because no news is
//! told twice. So it stands below the cache: what an answer says of a ticket or message yields to newer news of it.

import type { Exchange, OperationResult } from "@urql/core";
import { map, pipe } from "wonka";

type Fields = Record<string, unknown>;

/** What is in flight is as old as a request, so only the latest news counts. */
const KEPT = 500;

/** Images name some fields otherwise than the nodes they stand for. */
const NODES: Record<string, string> = { TicketImage: "Ticket", MessageImage: "Message" };
const RENAMED: Record<string, string> = { ticketStatus: "status", messageState: "state" };
const LINKS: Record<string, readonly [field: string, type: string]> = {
  contactId: ["contact", "Contact"],
  queueId: ["queue", "Queue"],
  assigneeId: ["assignee", "User"],
};

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

function keyOf(type: unknown, { id, version }: Fields): string | null {
  return typeof type === "string" && typeof id === "string" && typeof version === "number"
    ? `${type}:${id}`
    : null;
}

/** The fields of the node that the image knows, as the node says them. */
function renewed(node: Fields, image: Fields): Fields {
  const next = { ...node };
  for (const [name, value] of Object.entries(image)) {
    const [field, type] = LINKS[name] ?? [];
    if (field !== undefined && field in node) {
      const before = node[field];
      const same = isFields(before) && before.id === value;
      if (!same) next[field] = value === null ? null : { __typename: type, id: value };
    }
    const own = RENAMED[name] ?? name;
    if (own !== "__typename" && own in node) next[own] = value;
  }
  return next;
}

class News {
  private readonly images = new Map<string, Fields>();

  hear(image: unknown): void {
    if (!isFields(image)) return;
    const key = keyOf(NODES[String(image.__typename)], image);
    if (key === null) return;
    const before = this.images.get(key);
    if (before && Number(before.version) > Number(image.version)) return;
    this.images.delete(key);
    this.images.set(key, image);
    const [oldest] = this.images.keys();
    if (this.images.size > KEPT && oldest !== undefined) this.images.delete(oldest);
  }

  /** The same data where nothing in it is out of date. */
  over(data: unknown): unknown {
    if (Array.isArray(data)) {
      const next = data.map((one) => this.over(one));
      return next.some((one, at) => one !== data[at]) ? next : data;
    }
    if (!isFields(data)) return data;
    let next = data;
    for (const [name, value] of Object.entries(data)) {
      const child = this.over(value);
      if (child !== value) next = { ...next, [name]: child };
    }
    const image = this.images.get(keyOf(data.__typename, data) ?? "");
    return image && Number(image.version) > Number(data.version) ? renewed(next, image) : next;
  }
}

export const fresh: Exchange = ({ forward }) => {
  const news = new News();
  const mend = (result: OperationResult): OperationResult => {
    const changes: unknown = result.data?.changes?.changes;
    if (result.operation.kind === "subscription" && Array.isArray(changes)) {
      for (const image of changes) news.hear(image);
      return result;
    }
    return result.data ? { ...result, data: news.over(result.data) } : result;
  };
  return (operations$) => pipe(forward(operations$), map(mend));
};
