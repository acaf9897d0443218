import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleDashed, CircleDot, Hourglass, Inbox, Moon, User } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { cx } from "@/ui/cx";
import { Skeleton } from "@/ui/States";
import { QueueNames, TicketCounts } from "./inbox.gql";
import { QueueDot } from "./StatusPill";
import { type InboxSearch, VIEWS, type View } from "./search";

const ICONS: Record<View, typeof Inbox> = {
  all: Inbox,
  mine: User,
  unassigned: CircleDashed,
  open: CircleDot,
  pending: Hourglass,
  snoozed: Moon,
  closed: CircleCheck,
};

interface RowProps {
  search: InboxSearch;
  active: boolean;
  icon: ReactNode;
  label: string;
  count: number | undefined;
}

function ViewRow({ search, active, icon, label, count }: RowProps) {
  const { i18n } = useTranslation();
  return (
    <li>
      <Link
        to="/inbox/{-$number}"
        params={{ number: undefined }}
        search={search}
        aria-current={active ? "page" : undefined}
        className={cx(
          "flex h-7 items-center gap-2 rounded-control px-2",
          active
            ? "bg-accent-soft font-semibold text-accent-text"
            : "text-muted hover:bg-hover hover:text-text",
        )}
      >
        <span className="flex w-4 justify-center">{icon}</span>
        <span className="min-w-0 flex-1 truncate">{label}</span>
        {count === undefined ? (
          <Skeleton className="h-3 w-6" />
        ) : (
          <span className="text-meta">{count.toLocaleString(i18n.language)}</span>
        )}
      </Link>
    </li>
  );
}

export function Views({ search }: { search: InboxSearch }) {
  const { t } = useTranslation(["inbox", "common"]);
  const [counts] = useQuery({ query: TicketCounts, requestPolicy: "cache-and-network" });
  const [queues] = useQuery({ query: QueueNames, requestPolicy: "cache-and-network" });
  const numbers = counts.data?.ticketCounts;
  const byQueue = new Map(numbers?.queues.map((one) => [one.queueId, one.open]));
  return (
    <nav aria-label={t("views.title")} className="flex w-full flex-col gap-4 overflow-y-auto p-2 pt-3">
      <section>
        <h2 className="px-2 pb-1 font-semibold text-meta text-muted">{t("views.title")}</h2>
        <ul className="flex list-none flex-col gap-px p-0">
          {VIEWS.map((view) => {
            const Icon = ICONS[view];
            return (
              <ViewRow
                key={view}
                search={view === "all" ? {} : { view }}
                active={!search.queue && (search.view ?? "all") === view}
                icon={<Icon size={15} aria-hidden />}
                label={t(`views.${view}`)}
                count={numbers?.[view]}
              />
            );
          })}
        </ul>
      </section>
      <section>
        <h2 className="px-2 pb-1 font-semibold text-meta text-muted">{t("views.queues")}</h2>
        <ul className="flex list-none flex-col gap-px p-0">
          {queues.data?.queues
            .filter((queue) => queue.archivedAt === null)
            .map((queue) => (
              <ViewRow
                key={queue.id}
                search={{ queue: queue.id }}
                active={search.queue === queue.id}
                icon={<QueueDot color={queue.color} />}
                label={queue.name}
                count={numbers ? (byQueue.get(queue.id) ?? 0) : undefined}
              />
            ))}
          {queues.data?.queues.length === 0 && <li className="px-2 text-muted">{t("views.noQueues")}</li>}
        </ul>
      </section>
    </nav>
  );
}
