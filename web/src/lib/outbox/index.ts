//! What an agent sent and the server has not confirmed. Every entry has a client id on which the server is
//! idempotent, so trying again is always safe. Entries outlive the page; one conversation's stay in order.

import type { Upload } from "@/lib/drafts";
import type { ProblemCode } from "@/lib/gql/graphql";

export interface Entry {
  clientId: string;
  ownerId: string;
  ticketId: string;
  /** Null: an internal note. */
  conversationId: string | null;
  text: string;
  uploads: Upload[];
  /** The ticket's head when the agent wrote. */
  seen: number;
  at: number;
  state: "waiting" | "sending" | "refused";
  problem: { code: ProblemCode; message: string } | null;
}

export type Answer =
  | { kind: "done" }
  | { kind: "refused"; code: ProblemCode; message: string }
  /** The server could not be reached; nothing is known, so it is tried again. */
  | { kind: "unreachable" };

export interface OutboxOptions {
  storage: Storage;
  /** Stands in for `navigator.locks`: two tabs share one storage and must not both send an entry. */
  exclusively: (work: () => Promise<void>) => Promise<void>;
  deliver: (entry: Entry) => Promise<Answer>;
  onRefused: (entry: Entry) => void;
}

const KEY = "meari.outbox";

export class Outbox {
  private entries: Entry[];
  private readonly listeners = new Set<() => void>();
  private running: Promise<void> | null = null;

  constructor(private readonly options: OutboxOptions) {
    // What was on its way when the page died is of unknown fate: it goes again under the same client id.
    this.entries = this.read().map((entry) =>
      entry.state === "sending" ? { ...entry, state: "waiting" } : entry,
    );
  }

  all = (): Entry[] => this.entries;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  add(entry: Omit<Entry, "state" | "problem">): void {
    this.write([...this.entries, { ...entry, state: "waiting", problem: null }]);
    void this.pump();
  }

  retry(clientId: string, seen?: number): void {
    this.patch(clientId, (entry) => ({
      ...entry,
      state: "waiting",
      problem: null,
      seen: seen ?? entry.seen,
    }));
    void this.pump();
  }

  discard(clientId: string): Entry | null {
    const found = this.entries.find((entry) => entry.clientId === clientId) ?? null;
    this.write(this.entries.filter((entry) => entry.clientId !== clientId));
    return found;
  }

  /** Sends what waits. Safe to call at any time, e.g. on every reconnect. */
  pump(): Promise<void> {
    this.running ??= this.options
      .exclusively(() => this.drain())
      .finally(() => {
        this.running = null;
      });
    return this.running;
  }

  private next(): Entry | undefined {
    const blocked = new Set<string>();
    for (const entry of this.entries) {
      const lane = entry.conversationId ?? `note:${entry.ticketId}`;
      if (entry.state === "waiting" && !blocked.has(lane)) return entry;
      blocked.add(lane);
    }
  }

  private async drain(): Promise<void> {
    for (let entry = this.next(); entry; entry = this.next()) {
      const { clientId } = entry;
      this.patch(clientId, (one) => ({ ...one, state: "sending" }));
      const answer = await this.options.deliver(entry);
      if (answer.kind === "done") {
        this.write(this.entries.filter((one) => one.clientId !== clientId));
      } else if (answer.kind === "unreachable") {
        this.patch(clientId, (one) => ({ ...one, state: "waiting" }));
        return;
      } else {
        const problem = { code: answer.code, message: answer.message };
        this.patch(clientId, (one) => ({ ...one, state: "refused", problem }));
        this.options.onRefused({ ...entry, state: "refused", problem });
      }
    }
  }

  private patch(clientId: string, change: (entry: Entry) => Entry): void {
    this.write(this.entries.map((entry) => (entry.clientId === clientId ? change(entry) : entry)));
  }

  private read(): Entry[] {
    try {
      return JSON.parse(this.options.storage.getItem(KEY) ?? "[]") as Entry[];
    } catch {
      return [];
    }
  }

  private write(entries: Entry[]): void {
    this.entries = entries;
    try {
      this.options.storage.setItem(KEY, JSON.stringify(entries));
    } catch {
      // Without storage the outbox still works for as long as the page lives.
    }
    for (const listener of this.listeners) listener();
  }
}
