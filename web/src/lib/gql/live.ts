//! Follows `changes` for as long as someone is signed in. The cursor of the last batch is where the next
//! socket goes on; a first connection and `resync` both mean "refetch what is on screen".
import type { ChangeBatch } from "./images";

export interface Sink {
  next(batch: ChangeBatch): void;
  /** The socket ended, for whatever reason. */
  ended(): void;
}
export interface Follow {
  /** Opens one subscription; answers a function that closes it. */
  subscribe(after: string | null, sink: Sink): () => void;
  onBatch(batch: ChangeBatch): void;
  /** What is on screen may have missed something. */
  onGap(): void;
  onLost(): void;
  schedule(work: () => void, delay: number): () => void;
  random(): number;
}
export interface Following {
  /** The socket of this attempt speaks (connection_ack). */
  connected(): void;
  /** Try now, e.g. because the browser says it is online again. */
  hurry(): void;
  stop(): void;
  cursor(): string | null;
}

const BACKOFF_FIRST = 250;
const BACKOFF_MAX = 10_000;

export function backoff(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MAX, BACKOFF_FIRST * 2 ** attempt);
  return ceiling / 2 + (ceiling / 2) * random;
}

export function follow(options: Follow): Following {
  let cursor: string | null = null;
  let attempt = 0;
  let stopped = false;
  let close: (() => void) | null = null;
  let cancelRetry: (() => void) | null = null;

  function open(): void {
    cancelRetry = null;
    let live = true;
    const closeSocket = options.subscribe(cursor, {
      next(batch) {
        if (!live || stopped) return;
        attempt = 0;
        cursor = batch.cursor;
        if (batch.resync) options.onGap();
        options.onBatch(batch);
      },
      ended() {
        if (!live || stopped) return;
        live = false;
        close = null;
        options.onLost();
        cancelRetry = options.schedule(open, backoff(attempt, options.random()));
        attempt += 1;
      },
    });
    if (live) {
      close = () => {
        live = false;
        closeSocket();
      };
    }
  }
  open();

  return {
    connected() {
      attempt = 0;
      // Without a cursor there is no telling what was missed before this moment.
      if (cursor === null) options.onGap();
    },
    hurry() {
      if (stopped || close !== null || cancelRetry === null) return;
      cancelRetry();
      attempt = 0;
      open();
    },
    stop() {
      stopped = true;
      cancelRetry?.();
      close?.();
    },
    cursor: () => cursor,
  };
}

/** Runs at once, then at most once per interval, and always once more after the last call. */
export function coalesce(work: () => void, interval: number, schedule = setTimeout as Schedule): () => void {
  let waiting = false;
  let again = false;
  const run = () => {
    work();
    waiting = true;
    schedule(() => {
      waiting = false;
      if (again) {
        again = false;
        run();
      }
    }, interval);
  };
  return () => {
    if (waiting) again = true;
    else run();
  };
}
type Schedule = (work: () => void, delay: number) => unknown;
