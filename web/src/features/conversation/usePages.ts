import { useCallback, useEffect, useMemo, useState } from "react";
import { useClient, useQuery } from "urql";
import { pipe, subscribe } from "wonka";
import type { MessageItem } from "@/lib/gql/fragments";
import { OlderMessages, PAGE, TicketDetail } from "./conversation.gql";

/** The newest page comes with the ticket; older ones are queries of their own, so that each stays live and small. */
export function usePages(number: number) {
  const client = useClient();
  const [{ data, error, fetching }, reexecute] = useQuery({
    query: TicketDetail,
    variables: { number },
    requestPolicy: "cache-and-network",
  });
  const ticket = data?.ticket ?? null;
  const id = ticket?.id;
  const [older, setOlder] = useState<readonly { before: number; messages: readonly MessageItem[] | null }[]>(
    [],
  );
  const befores = older.map((page) => page.before).join();

  useEffect(() => {
    if (!id || befores === "") return;
    const handles = befores.split(",").map((text) => {
      const before = Number(text);
      return pipe(
        client.query(OlderMessages, { id, before }),
        subscribe(({ data: page }) => {
          const messages = page?.ticket?.messages;
          if (messages)
            setOlder((pages) => pages.map((one) => (one.before === before ? { before, messages } : one)));
        }),
      );
    });
    return () => {
      for (const handle of handles) handle.unsubscribe();
    };
  }, [client, id, befores]);

  const head = ticket?.messages;
  const messages = useMemo(
    () => [...(head ?? []), ...older.flatMap((page) => page.messages ?? [])],
    [head, older],
  );
  const lastPage = older.length > 0 ? older.at(-1)?.messages : head;
  const loadingOlder = older.some((page) => page.messages === null);
  const hasOlder = lastPage != null && lastPage.length >= PAGE;
  const loadOlder = useCallback(() => {
    if (loadingOlder || !hasOlder) return;
    const before = Math.min(...messages.map((message) => message.position));
    setOlder((pages) =>
      pages.some((page) => page.before === before) ? pages : [...pages, { before, messages: null }],
    );
  }, [hasOlder, loadingOlder, messages]);

  return {
    ticket,
    messages,
    error,
    fetching,
    retry: () => reexecute({ requestPolicy: "network-only" }),
    hasOlder,
    loadingOlder,
    loadOlder,
  };
}
