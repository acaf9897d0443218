import { useEffect, useRef, useState } from "react";
import { useApi, useViewer } from "@/lib/app";
import { act } from "@/lib/gql/act";
import type { Signal } from "@/lib/gql/client";
import { Typing } from "./conversation.gql";

const SIGNAL_MS = 3_000;

/** Colleagues who look at or type in this ticket; each signal lives as long as the server says. */
export function useColleagues(ticketId: string | undefined): Signal[] {
  const api = useApi();
  const viewer = useViewer();
  const [signals, setSignals] = useState<Signal[]>([]);
  useEffect(() => {
    setSignals([]);
    if (!ticketId) return;
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const stop = api.onSignal((signal) => {
      if (signal.ticketId !== ticketId || signal.userId === viewer.id) return;
      setSignals((before) => [...before.filter((one) => one.userId !== signal.userId), signal]);
      const timer = setTimeout(() => setSignals((before) => before.filter((one) => one !== signal)), 6_000);
      timers.add(timer);
    });
    return () => {
      stop();
      for (const timer of timers) clearTimeout(timer);
    };
  }, [api, ticketId, viewer.id]);
  return signals;
}

/**
 * Tells colleagues that this ticket is looked at, every three seconds while the page is visible.
 * Answers what to call when something is typed; that is told at once, then with the same beat.
 */
export function useTellPresence(ticketId: string | undefined): () => void {
  const { client } = useApi();
  const typedAt = useRef(0);
  const toldAt = useRef(0);
  useEffect(() => {
    if (!ticketId) return;
    typedAt.current = 0;
    toldAt.current = 0;
    const tell = () => {
      if (document.visibilityState !== "visible") return;
      const typing = Date.now() - typedAt.current < SIGNAL_MS;
      void act(client, Typing, { ticketId, typing }, { quiet: true });
    };
    tell();
    const timer = setInterval(tell, SIGNAL_MS);
    return () => clearInterval(timer);
  }, [client, ticketId]);
  return () => {
    typedAt.current = Date.now();
    if (!ticketId || typedAt.current - toldAt.current < SIGNAL_MS) return;
    toldAt.current = typedAt.current;
    void act(client, Typing, { ticketId, typing: true }, { quiet: true });
  };
}
