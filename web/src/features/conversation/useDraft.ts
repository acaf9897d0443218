import { useEffect, useRef, useState } from "react";
import { type Draft, loadDraft, type Mode, onRestored, saveDraft } from "@/lib/drafts";

const DRAFT_MS = 250;

/** The draft of one ticket and mode, kept while it is typed and given back when a reply is taken back. */
export function useDraft(ticketId: string, mode: Mode) {
  const [draft, setDraft] = useState(() => loadDraft(localStorage, ticketId, mode));
  const loaded = useRef(`${ticketId}.${mode}`);
  const latest = useRef(draft);
  if (loaded.current !== `${ticketId}.${mode}`) {
    loaded.current = `${ticketId}.${mode}`;
    latest.current = loadDraft(localStorage, ticketId, mode);
    setDraft(latest.current);
  }
  useEffect(() => {
    const timer = setTimeout(() => draft && saveDraft(localStorage, ticketId, mode, draft), DRAFT_MS);
    return () => clearTimeout(timer);
  }, [draft, ticketId, mode]);
  // Leaving the ticket, or the page, within the delay must not cost the last words.
  useEffect(() => {
    const flush = () => latest.current && saveDraft(localStorage, ticketId, mode, latest.current);
    const stop = onRestored((id, restoredMode, restored) => {
      if (id !== ticketId || restoredMode !== mode) return;
      latest.current = restored;
      setDraft(restored);
    });
    window.addEventListener("pagehide", flush);
    return () => {
      stop();
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, [ticketId, mode]);
  /** Taken from storage when it is not on screen: what was just typed counts, not what was saved last. */
  const change = (patch: Partial<Draft>) => {
    const next = { text: "", conversationId: null, uploads: [], ...latest.current, ...patch, at: Date.now() };
    latest.current = next;
    setDraft(next);
    return next;
  };
  const flush = () => latest.current && saveDraft(localStorage, ticketId, mode, latest.current);
  return { draft, change, flush };
}
