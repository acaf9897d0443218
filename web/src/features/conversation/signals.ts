import { useEffect, useState } from "react";
import { useApi, useViewer } from "@/lib/app";
import type { Signal } from "@/lib/gql/client";

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
