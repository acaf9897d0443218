import { ArrowLeft, CircleCheck, Clock, Ellipsis, PanelRight, RotateCcw, UserPlus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import type { TicketActions } from "@/features/inbox/actions";
import { AgentNames, QueueNames } from "@/features/inbox/inbox.gql";
import { PriorityPill, QueueDot, StatusPill } from "@/features/inbox/StatusPill";
import { PRIORITIES } from "@/features/inbox/search";
import { SnoozeDialog, useSnoozeItems } from "@/features/inbox/snooze";
import { useViewer } from "@/lib/app";
import type { TicketRow } from "@/lib/gql/fragments";
import { useCommands } from "@/lib/hotkeys/commands";
import { togglePanel } from "@/lib/prefs";
import { atLeast } from "@/lib/roles";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Input } from "@/ui/Field";
import { IconButton } from "@/ui/IconButton";
import { Menu, type MenuItem } from "@/ui/Menu";
import { TagDialog } from "./TagDialog";

interface Props {
  ticket: TicketRow;
  actions: TicketActions;
  watching: readonly { userId: string; userName: string }[];
  onBack: () => void;
  onAdvance: () => void;
}
type Open = "assign" | "queue" | "snooze" | "priority" | null;

export function TicketHeader({ ticket, actions, watching, onBack, onAdvance }: Props) {
  const { t } = useTranslation(["inbox", "common"]);
  const viewer = useViewer();
  const [agents] = useQuery({ query: AgentNames });
  const [queues] = useQuery({ query: QueueNames });
  const [open, setOpen] = useState<Open>(null);
  const [tagging, setTagging] = useState(false);
  const [subject, setSubject] = useState<string | null>(null);
  const menu = (name: NonNullable<Open>) => ({
    open: open === name,
    onOpenChange: (next: boolean) => setOpen(next ? name : null),
  });
  const closed = ticket.status === "CLOSED";
  const mine = ticket.assignee?.id === viewer.id;

  const close = () => {
    void actions.toggleClosed(ticket);
    if (!closed) onAdvance();
  };
  const snooze = (until: Date) => {
    void actions.snooze(ticket, until);
    onAdvance();
  };
  const [picking, setPicking] = useState(false);
  const snoozes = useSnoozeItems(snooze, () => setPicking(true));
  const priorities: MenuItem[] = PRIORITIES.map((priority) => ({
    id: priority,
    label: <PriorityPill priority={priority} />,
    checked: ticket.priority === priority,
    run: () => void actions.setPriority(ticket, priority),
  }));
  const queueItems: MenuItem[] = (queues.data?.queues ?? [])
    .filter((queue) => queue.archivedAt === null && queue.id !== ticket.queue.id)
    .map((queue) => ({
      id: queue.id,
      label: queue.name,
      icon: <QueueDot color={queue.color} />,
      run: () => void actions.transfer(ticket, queue),
    }));
  const assignees: MenuItem[] = [
    ...(mine
      ? []
      : [{ id: "me", label: t("command.assignMe"), keys: "KeyI", run: () => void actions.take(ticket) }]),
    ...(ticket.assignee
      ? [{ id: "none", label: t("command.unassign"), run: () => void actions.assign(ticket, null) }]
      : []),
    ...(atLeast(viewer.role, "SUPERVISOR")
      ? (agents.data?.agents ?? [])
          .filter((agent) => agent.userId !== viewer.id && agent.userId !== ticket.assignee?.id)
          .map((agent, index) => ({
            id: agent.userId,
            label: `${agent.user.name} · ${t(`common:presence.${agent.presence}`)}`,
            icon: <Avatar id={agent.userId} name={agent.user.name} size={16} />,
            separated: index === 0,
            run: () => void actions.assign(ticket, agent.userId),
          }))
      : []),
  ];

  useCommands(
    [
      {
        id: "ticket.close",
        title: t(closed ? "command.reopen" : "command.close"),
        group: "ticket",
        keys: ["KeyE"],
        run: close,
      },
      {
        id: "ticket.assignMe",
        title: t("command.assignMe"),
        group: "ticket",
        keys: ["KeyI"],
        run: () => void actions.take(ticket),
      },
      {
        id: "ticket.assign",
        title: t("command.assign"),
        group: "ticket",
        keys: ["KeyA"],
        run: () => setOpen("assign"),
      },
      {
        id: "ticket.queue",
        title: t("command.transfer"),
        group: "ticket",
        keys: ["KeyQ"],
        run: () => setOpen("queue"),
      },
      {
        id: "ticket.snooze",
        title: t("command.snooze"),
        group: "ticket",
        keys: ["KeyH"],
        run: () => setOpen("snooze"),
      },
      {
        id: "ticket.priority",
        title: t("command.priority"),
        group: "ticket",
        keys: ["KeyP"],
        run: () => setOpen("priority"),
      },
      {
        id: "ticket.tag",
        title: t("command.tag"),
        group: "ticket",
        keys: ["KeyL"],
        run: () => setTagging(true),
      },
      {
        id: "ticket.unread",
        title: t("command.unread"),
        group: "ticket",
        keys: ["KeyU"],
        run: () => void actions.markUnread(ticket),
      },
      {
        id: "ticket.pending",
        title: t("command.pending"),
        group: "ticket",
        run: () => void actions.setStatus(ticket, "PENDING"),
      },
      {
        id: "ticket.subject",
        title: t("command.subject"),
        group: "ticket",
        run: () => setSubject(ticket.subject),
      },
      ...PRIORITIES.map((priority) => ({
        id: `ticket.priority.${priority}`,
        title: `${t("list.priority")}: ${t(`priority.${priority}`)}`,
        group: "ticket" as const,
        run: () => void actions.setPriority(ticket, priority),
      })),
      ...queueItems.map((item) => ({
        id: `ticket.queue.${item.id}`,
        title: `${t("command.moveTo")} ${item.label}`,
        group: "ticket" as const,
        run: item.run,
      })),
    ],
    `${ticket.id}.${ticket.status}.${queueItems.length}.${t("command.close")}`,
  );

  return (
    <header className="flex h-12 shrink-0 items-center gap-1.5 border-b bg-surface px-2 sm:px-3">
      <IconButton label={t("command.back")} className="lg:hidden" onClick={onBack}>
        <ArrowLeft size={17} aria-hidden />
      </IconButton>
      <div className="flex min-w-0 flex-1 items-center gap-2">
        <h1
          className="min-w-0 flex-1 truncate font-semibold text-pane sm:flex-initial"
          title={ticket.subject}
        >
          {ticket.subject || ticket.contact.name}
        </h1>
        <span className="hidden shrink-0 text-meta text-muted min-[1600px]:inline">#{ticket.number}</span>
        <span className="max-sm:hidden">
          <StatusPill status={ticket.status} />
        </span>
        {watching.length > 0 && (
          <span
            role="status"
            className="inline-flex shrink-0 items-center gap-1 rounded-full bg-warn-soft py-0.5 pr-2 pl-0.5 text-meta text-warn"
          >
            {watching.slice(0, 3).map((one) => (
              <Avatar key={one.userId} id={one.userId} name={one.userName} size={20} />
            ))}
            <span className="max-[1600px]:sr-only">
              {watching.map((one) => one.userName).join(", ")} {t("conversation.viewing")}
            </span>
          </span>
        )}
      </div>
      <Menu
        {...menu("assign")}
        items={assignees}
        heading={
          ticket.assignee
            ? t("conversation.assignedTo", { name: ticket.assignee.name })
            : t("conversation.unassigned")
        }
        trigger={
          <IconButton label={t("command.assign")} keys="KeyA" className="max-sm:hidden">
            {ticket.assignee ? (
              <Avatar id={ticket.assignee.id} name={ticket.assignee.name} size={22} />
            ) : (
              <UserPlus size={17} aria-hidden />
            )}
          </IconButton>
        }
      />
      <Menu
        {...menu("snooze")}
        items={snoozes}
        heading={t("command.snooze")}
        trigger={
          <IconButton label={t("command.snooze")} keys="KeyH" className="max-sm:hidden">
            <Clock size={17} aria-hidden />
          </IconButton>
        }
      />
      <Menu
        {...menu("queue")}
        items={queueItems}
        heading={t("command.moveTo")}
        trigger={
          <button
            type="button"
            className="hidden h-7 max-w-32 items-center gap-1.5 whitespace-nowrap rounded-control px-1.5 text-muted hover:bg-hover hover:text-text min-[1600px]:inline-flex"
          >
            <QueueDot color={ticket.queue.color} />
            {ticket.queue.name}
          </button>
        }
      />
      <Menu
        {...menu("priority")}
        items={priorities}
        heading={t("list.priority")}
        trigger={
          <button
            type="button"
            aria-label={`${t("list.priority")}: ${t(`priority.${ticket.priority}`)}`}
            className="hidden rounded-control p-0.5 hover:bg-hover min-[1600px]:inline-flex"
          >
            <PriorityPill priority={ticket.priority} />
          </button>
        }
      />
      <Menu
        trigger={
          <IconButton label={t("conversation.more")}>
            <Ellipsis size={17} aria-hidden />
          </IconButton>
        }
        items={[
          ...(mine
            ? []
            : [
                {
                  id: "take",
                  label: t("command.assignMe"),
                  keys: "KeyI",
                  run: () => void actions.take(ticket),
                },
              ]),
          {
            id: "pending",
            label: t("command.pending"),
            run: () => void actions.setStatus(ticket, "PENDING"),
          },
          { id: "tag", label: t("command.tag"), keys: "KeyL", run: () => setTagging(true) },
          { id: "subject", label: t("command.subject"), run: () => setSubject(ticket.subject) },
          {
            id: "unread",
            label: t("command.unread"),
            keys: "KeyU",
            run: () => void actions.markUnread(ticket),
          },
          ...snoozes.map((item, index) => ({
            ...item,
            label: `${t("command.snooze")}: ${item.label}`,
            separated: index === 0,
          })),
          ...queueItems.map((item, index) => ({
            ...item,
            id: `q-${item.id}`,
            label: `${t("command.moveTo")} ${item.label}`,
            separated: index === 0,
          })),
        ]}
      />
      {!mine && !closed && (
        <Button className="max-md:hidden" onClick={() => void actions.take(ticket)}>
          {t("command.take")}
        </Button>
      )}
      <Button
        icon={closed ? <RotateCcw size={14} aria-hidden /> : <CircleCheck size={14} aria-hidden />}
        keys="KeyE"
        onClick={close}
      >
        <span className="max-sm:sr-only">{t(closed ? "command.reopenShort" : "command.closeShort")}</span>
      </Button>
      <IconButton label={t("command.panel")} keys="Backslash" onClick={togglePanel}>
        <PanelRight size={17} aria-hidden />
      </IconButton>
      {picking && <SnoozeDialog onPick={snooze} onClose={() => setPicking(false)} />}
      <TagDialog open={tagging} onClose={() => setTagging(false)} ticket={ticket} actions={actions} />
      <Dialog open={subject !== null} onClose={() => setSubject(null)} title={t("command.subject")}>
        <form
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (subject !== null) void actions.setSubject(ticket, subject.trim());
            setSubject(null);
          }}
        >
          <Input
            label={t("conversation.subject")}
            value={subject ?? ""}
            onChange={(event) => setSubject(event.target.value)}
          />
          <div className="flex justify-end">
            <Button look="primary" type="submit">
              {t("common:save")}
            </Button>
          </div>
        </form>
      </Dialog>
    </header>
  );
}
