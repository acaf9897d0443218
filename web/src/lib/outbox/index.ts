//! What an agent sent and the server has not confirmed. Every entry has a client id on which the server is
//! idempotent, so trying again is always safe. Entries outlive the page and are shared by its tabs; those of
//! one conversation stay in order, and those of one person are never sent as another.

import type { Upload } from "@/lib/drafts";
import type { ProblemCode } from "@/lib/gql/graphql";

export interface Entry {
  clientId: string;
  ownerId: string;
  ticketId: string;
  ticketNumber: number;
  /** Null: an internal note. */
  conversationId: string | null;
  text: string;
  uploads: Upload[];
  /** The ticket's head when the agent wrote. */
  seen: number;
  at: number;
  /** Not before: until then the agent may take it back. */
  holdUntil: number;
  /** Colleagues named in a note. */
  mentions: string[];
  state: "waiting" | "sending" | "refused";
  problem: { code: ProblemCode; message: string } | null;
}

export type Answer =
  | { kind: "done" }
  | { kind: "refused"; code: ProblemCode; message: string }
  /** The server could not be reached; nothing is known, so it is tried again. */
  | { kind: "unreachable" };

export interface OutboxOptions {
  /** Whose entries these are: several people, and one person in several tenants, may share a machine. */
  ownerId: string;
  storage: Storage;
  /** Stands in for `navigator.locks`: two tabs share one storage and must not both send an entry. */
  exclusively: (work: () => Promise<void>) => Promise<void>;
  deliver: (entry: Entry) => Promise<Answer>;
  onRefused: (entry: Entry) => void;
  now: () => number;
  schedule: (work: () => void, delayMs: number) => unknown;
}

export const KEY = "meari.outbox";

/** 128 random bits. `randomUUID` is missing where the page came over plain HTTP, e.g. inside an office. */
export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  /** What storage held when last looked at; the truth itself where there is no storage. */
  private everyones: Entry[] = [];
  private own: Entry[] = [];
  private readonly listeners = new Set<() => void>();
  private running: Promise<void> | null = null;
  /** Something was added while the sender may have looked past it already. */
  private again = false;
  /** When the sender last asked what may go: what was held then is still to be sent, however late it is now. */
  private lookedAt = 0;

  constructor(private readonly options: OutboxOptions) {
    this.reread();
  }

  all = (): Entry[] => this.own;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Another tab changed what is stored. */
  reread = (): void => {
    this.everyones = this.read();
    this.own = this.everyones.filter((entry) => entry.ownerId === this.options.ownerId);
    for (const listener of this.listeners) listener();
  };

  add(entry: Omit<Entry, "ownerId" | "state" | "problem" | "holdUntil">, holdMs = 0): void {
    const { ownerId, now } = this.options;
    const held = { ...entry, ownerId, holdUntil: now() + holdMs, state: "waiting" as const, problem: null };
    this.change((entries) => [...entries, held]);
    void this.pump();
  }

  /** Answers what was taken back, or null when it is too late: somebody is sending it. */
  takeBack(clientId: string): Entry | null {
    this.reread();
    const found = this.own.find((entry) => entry.clientId === clientId);
    return found?.state === "waiting" ? this.discard(clientId) : null;
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
    const found = this.own.find((entry) => entry.clientId === clientId) ?? null;
    this.change((entries) => entries.filter((entry) => entry.clientId !== clientId));
    return found;
  }

  /** Sends what waits. Safe to call at any time, e.g. on every reconnect. */
  pump(): Promise<void> {
    if (this.running) this.again = true;
    else
      this.running = this.options
        .exclusively(() => this.drain())
        .finally(() => {
          this.running = null;
          if (this.again) void this.pump();
          this.wakeForHeld();
        });
    return this.running;
  }

  private wakeForHeld(): void {
    const { now, schedule } = this.options;
    const ends = this.own.filter((entry) => entry.state === "waiting" && entry.holdUntil > this.lookedAt);
    if (ends.length === 0) return;
    const first = Math.min(...ends.map((entry) => entry.holdUntil));
    schedule(() => void this.pump(), Math.max(0, first - now()));
  }

  /** Asked by the only sender: what still says "sending" was begun by a page that died, and goes again. */
  private next(): Entry | undefined {
    const blocked = new Set<string>();
    this.lookedAt = this.options.now();
    for (const entry of this.own) {
      const lane = entry.conversationId ?? `note:${entry.ticketId}`;
      // Entries of an older version of this page hold nothing.
      const held = (entry.holdUntil ?? 0) > this.lookedAt;
      if (entry.state !== "refused" && !held && !blocked.has(lane)) return entry;
      blocked.add(lane);
    }
  }

  private async drain(): Promise<void> {
    do {
      this.again = false;
      await this.sendAll();
      // A promise that is settled already still lets what was added meanwhile be seen.
      await Promise.resolve();
    } while (this.again);
  }

  private async sendAll(): Promise<void> {
    this.reread();
    for (let entry = this.next(); entry; entry = this.next()) {
      const { clientId } = entry;
      this.patch(clientId, (one) => ({ ...one, state: "sending" }));
      // Taken back, in another tab perhaps, since it was looked at.
      if (!this.own.some((one) => one.clientId === clientId)) continue;
      const answer = await this.options.deliver(entry);
      if (answer.kind === "done") {
        this.change((entries) => entries.filter((one) => one.clientId !== clientId));
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
    this.change((entries) => entries.map((entry) => (entry.clientId === clientId ? change(entry) : entry)));
  }

  private read(): Entry[] {
    try {
      return JSON.parse(this.options.storage.getItem(KEY) ?? "[]") as Entry[];
    } catch {
      return this.everyones;
    }
  }

  /** Changes what is stored now, not what this tab saw last, so that tabs lose nothing of each other's. */
  private change(change: (entries: Entry[]) => Entry[]): void {
    const entries = change(this.read());
    this.everyones = entries;
    try {
      this.options.storage.setItem(KEY, JSON.stringify(entries));
    } catch {
      // Without storage the outbox still works for as long as the page lives.
    }
    this.own = entries.filter((entry) => entry.ownerId === this.options.ownerId);
    for (const listener of this.listeners) listener();
  }
}
