//! One deed on many tickets: a few at a time, with every outcome kept, so that a partial failure can be told
//! and tried again. Pure: what a deed is comes from outside.

export interface Outcome<T> {
  item: T;
  /** Null: done. */
  problem: string | null;
}
export interface BulkRun<T> {
  done: readonly Outcome<T>[];
  total: number;
}

const AT_ONCE = 4;

export async function runBulk<T>(
  items: readonly T[],
  deed: (item: T) => Promise<string | null>,
  onProgress: (run: BulkRun<T>) => void,
  signal: AbortSignal,
): Promise<BulkRun<T>> {
  const done: Outcome<T>[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length && !signal.aborted) {
      const item = items[next] as T;
      next += 1;
      const problem = await deed(item);
      done.push({ item, problem });
      onProgress({ done: [...done], total: items.length });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
  return { done, total: items.length };
}

export const failed = <T>(run: BulkRun<T>): Outcome<T>[] => run.done.filter((one) => one.problem !== null);
export const succeeded = <T>(run: BulkRun<T>): T[] =>
  run.done.filter((one) => one.problem === null).map((one) => one.item);
