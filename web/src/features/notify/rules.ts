//! Which changes an agent hears of, by the kind of change alone. Pure; sounds and words are elsewhere.
import type { Change } from "@/lib/gql/images";

export type Event =
  | { kind: "offer"; id: string; ticketId: string }
  | { kind: "reply" | "assigned"; ticketId: string; number: number; text: string }
  | { kind: "mention"; ticketId: string; author: string; text: string };

interface Known {
  assigneeId: string | null;
  head: number;
}

export class Rules {
  private readonly tickets = new Map<string, Known>();
  /** Tickets she asked for herself: being given them is no news. */
  private readonly taken = new Set<string>();

  constructor(
    private readonly me: { id: string; name: string },
    /** What happened before this moment was there already. */
    private readonly since: number,
  ) {}

  took(ticketId: string): void {
    this.taken.add(ticketId);
  }

  judge(change: Change): Event | null {
    switch (change.__typename) {
      case "OfferImage":
        if (change.userId !== this.me.id) return null;
        if (change.offerState === "ACCEPTED") this.took(change.ticketId);
        return change.offerState === "OFFERED"
          ? { kind: "offer", id: change.id, ticketId: change.ticketId }
          : null;
      case "TicketImage":
        return this.ofTicket(change);
      case "MessageImage":
        return change.kind === "NOTE" &&
          change.authorUserId !== this.me.id &&
          Date.parse(change.createdAt) > this.since &&
          change.editedAt === null &&
          change.text.includes(`@${this.me.name}`)
          ? { kind: "mention", ticketId: change.ticketId, author: change.authorName, text: change.text }
          : null;
      default:
        return null;
    }
  }

  private ofTicket(image: Extract<Change, { __typename: "TicketImage" }>): Event | null {
    const before = this.tickets.get(image.id);
    this.tickets.set(image.id, { assigneeId: image.assigneeId, head: image.messageHead });
    if (image.assigneeId !== this.me.id) return null;
    const about = { ticketId: image.id, number: image.number, text: image.lastMessagePreview };
    const grew = before ? image.messageHead > before.head : Date.parse(image.lastMessageAt) > this.since;
    if (grew && image.lastMessageInbound) return { kind: "reply", ...about };
    // The first sight of a ticket does not say whose it was before.
    if (before && before.assigneeId !== this.me.id && !this.taken.delete(image.id))
      return { kind: "assigned", ...about };
    return null;
  }
}
