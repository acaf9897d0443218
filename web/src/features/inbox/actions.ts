import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useApi, useViewer } from "@/lib/app";
import { act } from "@/lib/gql/act";
import type { TicketRow } from "@/lib/gql/fragments";
import type { Priority, TicketStatus } from "@/lib/gql/graphql";
import { toast } from "@/ui/toasts";
import { Assign, MarkRead, SetPriority, SetStatus, SetSubject, SetTags, Take, Transfer } from "./inbox.gql";
import { mayLeave } from "./windows";

export type TicketActions = ReturnType<typeof useTicketActions>;

/** Everything an agent does to a ticket. Optimistic where the server only records; never where it arbitrates. */
export function useTicketActions() {
  const { client } = useApi();
  const viewer = useViewer();
  const { t } = useTranslation(["inbox", "common"]);
  return useMemo(() => {
    async function setStatus(ticket: TicketRow, status: TicketStatus, until?: Date): Promise<void> {
      const before = { status: ticket.status, snoozeUntil: ticket.snoozedUntil };
      const done = await act(client, SetStatus, {
        id: ticket.id,
        status,
        snoozeUntil: until?.toISOString() ?? null,
      });
      if (done) mayLeave([ticket.id]);
      if (!done || (status !== "CLOSED" && status !== "SNOOZED")) return;
      toast(t(status === "CLOSED" ? "toast.closed" : "toast.snoozed", { number: ticket.number }), {
        action: {
          label: t("common:undo"),
          run: () => void act(client, SetStatus, { id: ticket.id, ...before }),
        },
      });
    }
    return {
      setStatus,
      toggleClosed: (ticket: TicketRow) => setStatus(ticket, ticket.status === "CLOSED" ? "OPEN" : "CLOSED"),
      snooze: (ticket: TicketRow, until: Date) => setStatus(ticket, "SNOOZED", until),
      setPriority: (ticket: TicketRow, priority: Priority) =>
        act(client, SetPriority, { id: ticket.id, priority }),
      addTag: (ticket: TicketRow, tag: string) => act(client, SetTags, { id: ticket.id, add: [tag] }),
      removeTag: (ticket: TicketRow, tag: string) => act(client, SetTags, { id: ticket.id, remove: [tag] }),
      setSubject: (ticket: TicketRow, subject: string) => act(client, SetSubject, { id: ticket.id, subject }),
      markRead: (id: string, position: number) => act(client, MarkRead, { id, position }, { quiet: true }),
      markUnread: (ticket: TicketRow) =>
        act(client, MarkRead, { id: ticket.id, position: Math.max(0, ticket.messageHead - 1) }),
      take: (ticket: TicketRow) => {
        mayLeave([ticket.id]);
        return act(client, Take, { id: ticket.id });
      },
      assign: (ticket: TicketRow, userId: string | null) => {
        mayLeave([ticket.id]);
        return userId === viewer.id
          ? act(client, Take, { id: ticket.id })
          : act(client, Assign, { id: ticket.id, userId });
      },
      transfer: async (ticket: TicketRow, queue: { id: string; name: string }) => {
        mayLeave([ticket.id]);
        if (await act(client, Transfer, { id: ticket.id, queueId: queue.id }))
          toast(t("toast.transferred", { number: ticket.number, queue: queue.name }));
      },
    };
  }, [client, viewer.id, t]);
}
