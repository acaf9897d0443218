import { CircleCheck, CircleDot, Hourglass, Moon } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Priority, TicketStatus } from "@/lib/gql/graphql";
import { Pill, type Tone } from "@/ui/Pill";

const STATUS: Record<TicketStatus, { tone: Tone; Icon: typeof CircleDot }> = {
  OPEN: { tone: "accent", Icon: CircleDot },
  PENDING: { tone: "warn", Icon: Hourglass },
  SNOOZED: { tone: "snooze", Icon: Moon },
  CLOSED: { tone: "ok", Icon: CircleCheck },
};

export function StatusPill({ status }: { status: TicketStatus }) {
  const { t } = useTranslation(["inbox", "common"]);
  const { tone, Icon } = STATUS[status];
  return (
    <Pill tone={tone} icon={<Icon size={12} aria-hidden />}>
      {t(`status.${status}`)}
    </Pill>
  );
}

export function PriorityPill({ priority }: { priority: Priority }) {
  const { t } = useTranslation(["inbox", "common"]);
  return (
    <Pill tone={priority === "URGENT" ? "bad" : priority === "HIGH" ? "warn" : "neutral"}>
      {t(`priority.${priority}`)}
    </Pill>
  );
}

const QUEUE_COLORS = [
  "oklch(0.62 0.17 40)",
  "oklch(0.58 0.16 255)",
  "oklch(0.6 0.13 195)",
  "oklch(0.6 0.17 305)",
  "oklch(0.6 0.15 145)",
  "oklch(0.62 0.14 85)",
  "oklch(0.6 0.18 350)",
  "oklch(0.55 0.06 268)",
];

/** Colours come from a palette by number: hashed hues collide. */
export function QueueDot({ color }: { color: number }) {
  return (
    <span
      className="inline-block size-2 shrink-0 rounded-full"
      style={{ background: QUEUE_COLORS[Math.abs(color) % QUEUE_COLORS.length] }}
      aria-hidden="true"
    />
  );
}
export { QUEUE_COLORS };
