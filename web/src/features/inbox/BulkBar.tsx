import { CircleCheck, Clock, Tag, UserPlus, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useApi, useViewer } from "@/lib/app";
import type { TicketRow } from "@/lib/gql/fragments";
import type { TicketStatus } from "@/lib/gql/graphql";
import { useCommands } from "@/lib/hotkeys/commands";
import { atLeast } from "@/lib/roles";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Input } from "@/ui/Field";
import { IconButton } from "@/ui/IconButton";
import { Menu, type MenuItem } from "@/ui/Menu";
import { toast } from "@/ui/toasts";
import type { Outcome } from "./bulk";
import { AgentNames, QueueNames, TicketWindow } from "./inbox.gql";
import { QueueDot } from "./StatusPill";
import { add, clearSelection, useSelection } from "./selection";
import { SnoozeDialog, useSnoozeItems } from "./snooze";
import { useBulk } from "./useBulk";
import { type ListQuery, WINDOW } from "./windows";

/** Enough for a bad morning; more is a job for the search and a second round. */
const ALL_MAX = 1_000;
const STATUSES: readonly TicketStatus[] = ["OPEN", "PENDING", "CLOSED"];

type Bulk = ReturnType<typeof useBulk>;

function useAllOf(query: ListQuery, total: number) {
  const { client } = useApi();
  const { t } = useTranslation(["inbox", "common"]);
  const [busy, setBusy] = useState(false);
  const pickAll = async () => {
    setBusy(true);
    for (let offset = 0; offset < Math.min(total, ALL_MAX); offset += WINDOW) {
      const page = { ...query, offset, first: WINDOW };
      const { data } = await client.query(TicketWindow, page, { requestPolicy: "network-only" }).toPromise();
      if (!data) {
        toast(t("common:error.network"), { tone: "bad" });
        break;
      }
      add(data.tickets.edges.map((edge) => edge.node));
    }
    setBusy(false);
  };
  return { busy, pickAll };
}

function Progress({ bulk }: { bulk: Bulk }) {
  const { t } = useTranslation(["inbox", "common"]);
  if (!bulk.run) return null;
  const { done, total } = bulk.run;
  return (
    <div className="flex h-9 items-center gap-2">
      <div
        role="progressbar"
        aria-label={t("bulk.progress")}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={done.length}
        className="h-1.5 flex-1 overflow-hidden rounded-full bg-hover"
      >
        <div
          className="h-full origin-left bg-accent transition-transform"
          style={{ transform: `scaleX(${done.length / Math.max(1, total)})` }}
        />
      </div>
      <span className="text-meta text-muted">{t("bulk.of", { done: done.length, total })}</span>
      <Button onClick={bulk.stop}>{t("bulk.stop")}</Button>
    </div>
  );
}

function Failures({ bulk }: { bulk: Bulk }) {
  const { t } = useTranslation(["inbox", "common"]);
  const { failures } = bulk;
  return (
    <Dialog
      open={failures.length > 0}
      onClose={bulk.forget}
      title={t("bulk.failedTitle", { count: failures.length })}
      footer={
        <>
          <Button onClick={bulk.forget}>{t("common:close")}</Button>
          <Button look="primary" onClick={bulk.retry}>
            {t("bulk.again", { count: failures.length })}
          </Button>
        </>
      }
    >
      <p className="mb-3 text-muted">{t("bulk.failedText")}</p>
      <ul className="flex list-none flex-col divide-y p-0">
        {failures.map(({ item, problem }: Outcome<TicketRow>) => (
          <li key={item.id} className="py-1.5">
            <span className="font-medium">
              #{item.number} {item.subject || item.contact.name}
            </span>
            <p className="text-bad text-meta">{problem}</p>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function BulkTag({ bulk, onClose }: { bulk: Bulk; onClose: () => void }) {
  const { t } = useTranslation(["inbox", "common"]);
  const [tag, setTag] = useState("");
  return (
    <Dialog open onClose={onClose} title={t("bulk.tag")} width={360}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (tag.trim() === "") return;
          bulk.tag(tag.trim());
          onClose();
        }}
      >
        <Input
          label={t("tags.new")}
          required
          maxLength={64}
          value={tag}
          onChange={(event) => setTag(event.target.value)}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button look="primary" type="submit">
            {t("common:add")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function useAssignItems(bulk: Bulk): MenuItem[] {
  const { t } = useTranslation(["inbox", "common"]);
  const viewer = useViewer();
  const [agents] = useQuery({ query: AgentNames });
  const [queues] = useQuery({ query: QueueNames });
  const others = atLeast(viewer.role, "SUPERVISOR") ? (agents.data?.agents ?? []) : [];
  return [
    { id: "me", label: t("command.assignMe"), run: () => bulk.assign(viewer.id) },
    { id: "none", label: t("command.unassign"), run: () => bulk.assign(null) },
    ...others
      .filter((agent) => agent.userId !== viewer.id)
      .map((agent, index) => ({
        id: agent.userId,
        label: agent.user.name,
        hint: t(`common:presence.${agent.presence}`),
        icon: <Avatar id={agent.userId} name={agent.user.name} size={16} />,
        separated: index === 0,
        run: () => bulk.assign(agent.userId),
      })),
    ...(queues.data?.queues ?? [])
      .filter((queue) => queue.archivedAt === null)
      .map((queue, index) => ({
        id: queue.id,
        label: `${t("command.moveTo")} ${queue.name}`,
        icon: <QueueDot color={queue.color} />,
        separated: index === 0,
        run: () => bulk.transfer(queue.id),
      })),
  ];
}

type Open = "status" | "assign" | "snooze" | null;

/** Stands over the list while anything is ticked; its keys go before those of the open ticket. */
export function BulkBar({ query, total }: { query: ListQuery; total: number }) {
  const { t, i18n } = useTranslation(["inbox", "common"]);
  const viewer = useViewer();
  const count = useSelection((state) => state.picked.size);
  const bulk = useBulk();
  const all = useAllOf(query, total);
  const [open, setOpen] = useState<Open>(null);
  const [dialog, setDialog] = useState<"tag" | "until" | null>(null);
  const snoozes = useSnoozeItems(
    (until) => bulk.setStatus("SNOOZED", until),
    () => setDialog("until"),
  );
  const assignees = useAssignItems(bulk);
  const menu = (name: NonNullable<Open>) => ({
    open: open === name,
    onOpenChange: (next: boolean) => setOpen(next ? name : null),
  });
  const ready = count > 0 && bulk.run === null;
  const command = (id: string, title: string, keys: string, run: () => void) => ({
    id: `bulk.${id}`,
    title: `${t("bulk.selected", { count })}: ${title}`,
    group: "list" as const,
    keys: [keys],
    first: true,
    run,
  });
  useCommands(
    ready
      ? [
          command("close", t("command.closeShort"), "KeyE", () => bulk.setStatus("CLOSED")),
          command("assign", t("command.assign"), "KeyA", () => setOpen("assign")),
          command("me", t("command.assignMe"), "KeyI", () => bulk.assign(viewer.id)),
          command("tag", t("command.tag"), "KeyL", () => setDialog("tag")),
          command("snooze", t("command.snooze"), "KeyH", () => setOpen("snooze")),
          command("clear", t("bulk.clear"), "Escape", clearSelection),
        ]
      : [],
    `${ready}.${count}.${t("bulk.clear")}`,
  );
  return (
    <>
      {(count > 0 || bulk.run) && (
        <section aria-label={t("bulk.label")} className="border-b bg-accent-soft px-3 py-1.5">
          {bulk.run ? (
            <Progress bulk={bulk} />
          ) : (
            <div className="flex min-h-9 flex-wrap items-center gap-x-1 gap-y-1">
              <span role="status" className="font-semibold">
                {t("bulk.selected", { count })}
              </span>
              <span className="min-w-0 flex-1">
                {count < Math.min(total, ALL_MAX) && (
                  <Button look="quiet" busy={all.busy} className="text-accent-text" onClick={all.pickAll}>
                    {t("bulk.all", { total: Math.min(total, ALL_MAX).toLocaleString(i18n.language) })}
                  </Button>
                )}
              </span>
              <Menu
                {...menu("assign")}
                heading={t("command.assign")}
                items={assignees}
                trigger={
                  <IconButton label={t("command.assign")} keys="KeyA">
                    <UserPlus size={16} aria-hidden />
                  </IconButton>
                }
              />
              <Menu
                {...menu("snooze")}
                heading={t("command.snooze")}
                items={snoozes}
                trigger={
                  <IconButton label={t("command.snooze")} keys="KeyH">
                    <Clock size={16} aria-hidden />
                  </IconButton>
                }
              />
              <IconButton label={t("bulk.tag")} keys="KeyL" onClick={() => setDialog("tag")}>
                <Tag size={16} aria-hidden />
              </IconButton>
              <Menu
                {...menu("status")}
                heading={t("bulk.status")}
                items={STATUSES.map((status) => ({
                  id: status,
                  label: t(`status.${status}`),
                  ...(status === "CLOSED" ? { keys: "KeyE" } : {}),
                  run: () => bulk.setStatus(status),
                }))}
                trigger={
                  <IconButton label={t("bulk.status")}>
                    <CircleCheck size={16} aria-hidden />
                  </IconButton>
                }
              />
              <IconButton label={t("bulk.clear")} onClick={clearSelection}>
                <X size={16} aria-hidden />
              </IconButton>
            </div>
          )}
        </section>
      )}
      <Failures bulk={bulk} />
      {dialog === "tag" && <BulkTag bulk={bulk} onClose={() => setDialog(null)} />}
      {dialog === "until" && (
        <SnoozeDialog onPick={(until) => bulk.setStatus("SNOOZED", until)} onClose={() => setDialog(null)} />
      )}
    </>
  );
}
