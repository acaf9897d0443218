//! What someone was writing, per ticket and mode, kept in this browser until it is sent or emptied.
export type Mode = "reply" | "note";
export interface Upload {
  id: string;
  name: string;
  mediaType: string;
  sizeBytes: number;
}
export interface Draft {
  text: string;
  conversationId: string | null;
  uploads: Upload[];
  at: number;
}

const PREFIX = "meari.draft.";
/** Drafts nobody came back to. */
const KEEP = 200;

const keyOf = (ticketId: string, mode: Mode) => `${PREFIX}${ticketId}.${mode}`;

export function loadDraft(storage: Storage, ticketId: string, mode: Mode): Draft | null {
  try {
    const raw = storage.getItem(keyOf(ticketId, mode));
    return raw === null ? null : (JSON.parse(raw) as Draft);
  } catch {
    return null;
  }
}

export function saveDraft(storage: Storage, ticketId: string, mode: Mode, draft: Draft): void {
  const key = keyOf(ticketId, mode);
  try {
    if (draft.text === "" && draft.uploads.length === 0) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(draft));
    prune(storage);
  } catch {
    // A full or forbidden storage costs the draft its safety, never the typing.
  }
}

function prune(storage: Storage): void {
  const keys: string[] = [];
  for (let index = 0; index < storage.length; index += 1) {
    const key = storage.key(index);
    if (key?.startsWith(PREFIX)) keys.push(key);
  }
  if (keys.length <= KEEP) return;
  const age = (key: string) => (JSON.parse(storage.getItem(key) ?? "{}") as Partial<Draft>).at ?? 0;
  keys.sort((a, b) => age(a) - age(b));
  for (const key of keys.slice(0, keys.length - KEEP)) storage.removeItem(key);
}

type Restored = (ticketId: string, mode: Mode, draft: Draft) => void;
const listeners = new Set<Restored>();

/** An editor that has this draft open shows what comes back to it. */
export function onRestored(listener: Restored): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Gives words that were sent and taken back to their draft, above what was written since. */
export function restoreDraft(storage: Storage, ticketId: string, mode: Mode, back: Draft): void {
  const since = loadDraft(storage, ticketId, mode);
  const draft: Draft = {
    text: since?.text ? `${back.text}\n${since.text}` : back.text,
    conversationId: back.conversationId ?? since?.conversationId ?? null,
    uploads: [...back.uploads, ...(since?.uploads ?? [])],
    at: back.at,
  };
  saveDraft(storage, ticketId, mode, draft);
  for (const listener of listeners) listener(ticketId, mode, draft);
}
