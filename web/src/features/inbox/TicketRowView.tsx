import { Check, Clock } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { TicketRow } from "@/lib/gql/fragments";
import { ago, clock } from "@/lib/time";
import { Avatar } from "@/ui/Avatar";
import { cx } from "@/ui/cx";
import { Pill } from "@/ui/Pill";
import { Skeleton } from "@/ui/States";
import { ChannelIcon } from "./channels";
import { PriorityPill } from "./StatusPill";

const LONG_WAIT_MS = 15 * 60_000;

function Waiting({ since, now }: { since: string; now: number }) {
  const { t } = useTranslation(["inbox", "common"]);
  const waited = now - Date.parse(since);
  if (waited < 60_000) return null;
  const text =
    waited < 3_600_000
      ? t("row.minutes", { count: Math.floor(waited / 60_000) })
      : waited < 86_400_000
        ? clock(waited).replace(/:\d\d$/, "")
        : t("row.days", { count: Math.floor(waited / 86_400_000) });
  return (
    <Pill tone={waited > LONG_WAIT_MS ? "warn" : "neutral"} icon={<Clock size={11} aria-hidden />}>
      <span className="sr-only">{t("row.waiting")} </span>
      {text}
    </Pill>
  );
}

interface Props {
  ticket: TicketRow;
  selected: boolean;
  picked: boolean;
  /** Something is ticked somewhere: every row shows its box. */
  picking: boolean;
  onPick: (ticket: TicketRow, ranged: boolean) => void;
  compact: boolean;
  now: number;
  language: string;
}

/** Lies over the avatar: seen when the pointer is on the row or when something is ticked. */
function PickBox({
  ticket,
  picked,
  picking,
  onPick,
}: Pick<Props, "ticket" | "picked" | "picking" | "onPick">) {
  const { t } = useTranslation(["inbox", "common"]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a box that must tell a click from a shift-click.
    <button
      type="button"
      role="checkbox"
      aria-checked={picked}
      aria-label={t("bulk.pick", { number: ticket.number })}
      tabIndex={-1}
      onClick={(event) => {
        event.stopPropagation();
        onPick(ticket, event.shiftKey);
      }}
      className={cx(
        "-inset-1 absolute items-center justify-center rounded-control bg-inherit",
        picking ? "flex" : "hidden sm:group-hover:flex",
      )}
    >
      <span
        className={cx(
          "flex size-5 items-center justify-center rounded border-2",
          picked ? "border-accent bg-accent text-white" : "border-line-strong bg-surface",
        )}
      >
        {picked && <Check size={14} strokeWidth={3} aria-hidden />}
      </span>
    </button>
  );
}

export const TicketRowView = memo(function TicketRowView({
  ticket,
  selected,
  picked,
  picking,
  onPick,
  compact,
  now,
  language,
}: Props) {
  const { t } = useTranslation(["inbox", "common"]);
  const pill = ticket.priority === "URGENT" || ticket.priority === "HIGH";
  return (
    <div
      className={cx(
        "relative flex h-full gap-2.5 border-b px-3 py-2.5",
        selected || picked ? "bg-accent-soft" : "bg-surface hover:bg-hover",
        ticket.status === "CLOSED" && "text-muted",
      )}
    >
      {selected && <span className="absolute inset-y-0 left-0 w-[3px] bg-accent" />}
      <span className="relative shrink-0 self-start">
        <Avatar
          id={ticket.contact.id}
          name={ticket.contact.name}
          url={ticket.contact.avatarUrl}
          size={compact ? 24 : 32}
          badge={<ChannelIcon channel={ticket.channel} size={compact ? 13 : 16} />}
        />
        <PickBox ticket={ticket} picked={picked} picking={picking} onPick={onPick} />
      </span>
      <div className="min-w-0 flex-1">
        <div className="flex items-baseline gap-2">
          <span
            className={cx("min-w-0 flex-1 truncate", ticket.unread > 0 ? "font-semibold" : "font-medium")}
          >
            {ticket.contact.name}
          </span>
          <span className="shrink-0 text-meta text-muted">{ago(ticket.lastMessageAt, language, now)}</span>
        </div>
        <div className="flex items-center gap-2">
          <span className="min-w-0 flex-1 truncate">{ticket.subject || ticket.lastMessagePreview}</span>
          {ticket.unread > 0 && (
            <span className="min-w-4.5 shrink-0 rounded-full bg-accent px-1 text-center font-semibold text-[10.5px] text-white leading-4.5">
              <span className="sr-only">{t("row.unread")} </span>
              {ticket.unread > 99 ? "99+" : ticket.unread}
            </span>
          )}
        </div>
        {!compact && (
          <div className="flex h-5 items-center gap-1.5">
            <span className="min-w-0 flex-1 truncate text-meta text-muted">
              {!ticket.lastMessageInbound && <span aria-hidden="true">↩ </span>}
              {ticket.lastMessagePreview}
            </span>
            {ticket.waitingSince && ticket.status === "OPEN" && (
              <Waiting since={ticket.waitingSince} now={now} />
            )}
            {ticket.status === "SNOOZED" && <Pill tone="snooze">{t("status.SNOOZED")}</Pill>}
            {pill && <PriorityPill priority={ticket.priority} />}
          </div>
        )}
      </div>
    </div>
  );
});

export function RowSkeleton() {
  return (
    <div className="flex h-full gap-2.5 border-b px-3 py-2.5">
      <Skeleton className="size-8 rounded-full" />
      <div className="flex flex-1 flex-col gap-2 pt-0.5">
        <Skeleton className="h-3 w-2/5" />
        <Skeleton className="h-3 w-4/5" />
        <Skeleton className="h-3 w-3/5" />
      </div>
    </div>
  );
}
