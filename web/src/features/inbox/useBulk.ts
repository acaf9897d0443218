import type { TadaDocumentNode } from "gql.tada";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Client } from "urql";
import { useApi, useViewer } from "@/lib/app";
import { isPassing, problemText } from "@/lib/gql/act";
import type { Problem, TicketRow } from "@/lib/gql/fragments";
import type { TicketStatus } from "@/lib/gql/graphql";
import { dismissToast, toast } from "@/ui/toasts";
import { type BulkRun, failed, type Outcome, runBulk, succeeded } from "./bulk";
import { Assign, SetStatus, SetTags, Take, Transfer } from "./inbox.gql";
import { useSelection } from "./selection";
import { mayLeave } from "./windows";

type Payload = { problem: Problem | null } & Record<string, unknown>;
type Step = (ticket: TicketRow) => Promise<string | null>;
interface Deed {
  run: Step;
  /** Puts one ticket back as it was when it was ticked. */
  undo: Step;
}

const AGAIN_AFTER_MS = [250, 500, 1_000];

/** One change of one ticket; a server that stumbles is asked again. Answers why not, or null. */
async function attempt<Result extends Record<string, Payload>, Variables extends Record<string, unknown>>(
  client: Client,
  unreachable: string,
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<string | null> {
  const ask = () => client.mutation(document, variables as never).toPromise();
  let result = await ask();
  for (const pause of AGAIN_AFTER_MS) {
    if (!isPassing(result.error)) break;
    await new Promise((resolve) => setTimeout(resolve, pause));
    result = await ask();
  }
  const payload = result.data ? (Object.values(result.data)[0] as Result[keyof Result]) : null;
  if (payload) return payload.problem && problemText(payload.problem);
  return unreachable;
}

/** What a selection can be made to do, how far it is, and what did not work. */
export function useBulk() {
  const { t } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const viewer = useViewer();
  const [run, setRun] = useState<BulkRun<TicketRow> | null>(null);
  const [failures, setFailures] = useState<readonly Outcome<TicketRow>[]>([]);
  const again = useRef<(() => void) | null>(null);
  const stop = useRef(new AbortController());

  const gone = t("common:error.network");

  async function perform(tickets: readonly TicketRow[], deed: Deed, undoing = false): Promise<void> {
    stop.current = new AbortController();
    setFailures([]);
    setRun({ done: [], total: tickets.length });
    const ended = await runBulk(tickets, undoing ? deed.undo : deed.run, setRun, stop.current.signal);
    setRun(null);
    const good = succeeded(ended);
    const bad = failed(ended);
    mayLeave(good.map((ticket) => ticket.id));
    useSelection.setState(({ picked }) => {
      const rest = new Map(picked);
      for (const ticket of good) rest.delete(ticket.id);
      return { picked: rest };
    });
    if (good.length > 0) {
      const id: number = toast(t(undoing ? "bulk.undone" : "bulk.done", { count: good.length }), {
        liveMs: 10_000,
        ...(undoing
          ? {}
          : {
              action: {
                label: t("common:undo"),
                run: () => {
                  dismissToast(id);
                  void perform(good, deed, true);
                },
              },
            }),
      });
    }
    again.current = () =>
      void perform(
        bad.map((one) => one.item),
        deed,
        undoing,
      );
    setFailures(bad);
  }

  const begin = (deed: Deed) => void perform([...useSelection.getState().picked.values()], deed);
  const statusBack: Step = (ticket) =>
    attempt(client, gone, SetStatus, {
      id: ticket.id,
      status: ticket.status,
      snoozeUntil: ticket.status === "SNOOZED" ? ticket.snoozedUntil : null,
    });
  return {
    run,
    failures,
    retry: () => again.current?.(),
    forget: () => setFailures([]),
    stop: () => stop.current.abort(),
    setStatus: (status: TicketStatus, until?: Date) =>
      begin({
        run: ({ id }) =>
          attempt(client, gone, SetStatus, { id, status, snoozeUntil: until?.toISOString() ?? null }),
        undo: statusBack,
      }),
    assign: (userId: string | null) =>
      begin({
        run: ({ id }) =>
          userId === viewer.id
            ? attempt(client, gone, Take, { id })
            : attempt(client, gone, Assign, { id, userId }),
        undo: ({ id, assignee }) => attempt(client, gone, Assign, { id, userId: assignee?.id ?? null }),
      }),
    transfer: (queueId: string) =>
      begin({
        run: ({ id }) => attempt(client, gone, Transfer, { id, queueId }),
        undo: ({ id, queue }) => attempt(client, gone, Transfer, { id, queueId: queue.id }),
      }),
    tag: (tag: string) =>
      begin({
        run: ({ id }) => attempt(client, gone, SetTags, { id, add: [tag] }),
        undo: async ({ id, tags }) =>
          tags.includes(tag) ? null : attempt(client, gone, SetTags, { id, remove: [tag] }),
      }),
  };
}
