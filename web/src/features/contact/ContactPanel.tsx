import { useNavigate } from "@tanstack/react-router";
import { Ellipsis, Merge as MergeIcon, MessageSquarePlus, User, X } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { TicketHead } from "@/features/conversation/conversation.gql";
import { Tags } from "@/features/conversation/TagDialog";
import { useTicketActions } from "@/features/inbox/actions";
import { PriorityPill, QueueDot, StatusPill } from "@/features/inbox/StatusPill";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { useCommands } from "@/lib/hotkeys/commands";
import { languageName } from "@/lib/i18n";
import { useDrawer, usePreferences } from "@/lib/prefs";
import { dateTime } from "@/lib/time";
import { Avatar } from "@/ui/Avatar";
import { cx } from "@/ui/cx";
import { IconButton } from "@/ui/IconButton";
import { Menu } from "@/ui/Menu";
import { Skeleton } from "@/ui/States";
import { ContactDetail, UpdateContact } from "./contact.gql";
import { Editable } from "./Editable";
import { Identities } from "./Identities";

const MergeDialog = lazy(() => import("./MergeDialog").then((module) => ({ default: module.MergeDialog })));
const StartDialog = lazy(() => import("./StartDialog").then((module) => ({ default: module.StartDialog })));

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="flex flex-col gap-1.5">
      <h2 className="font-semibold text-meta text-muted">{title}</h2>
      {children}
    </section>
  );
}

/** A column on wide screens, a drawer on narrow ones; each remembers on its own whether it is open. */
export function ContactPanel({ number, onOpen }: { number: number; onOpen: (number: number) => void }) {
  const { t, i18n } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const actions = useTicketActions();
  const [head] = useQuery({ query: TicketHead, variables: { number } });
  const ticket = head.data?.ticket;
  const [detail] = useQuery({
    query: ContactDetail,
    variables: { id: ticket?.contact.id ?? "", tickets: 6 },
    pause: !ticket,
    requestPolicy: "cache-and-network",
  });
  const contact = detail.data?.contact?.id === ticket?.contact.id ? detail.data?.contact : null;
  const wide = usePreferences((state) => state.panelOpen);
  const drawer = useDrawer((state) => state.open);
  const update = (patch: { name?: string; note?: string }) =>
    ticket && void act(client, UpdateContact, { id: ticket.contact.id, ...patch });
  const navigate = useNavigate();
  const [open, setOpen] = useState<"merge" | "start" | null>(null);
  const openPage = () =>
    void navigate({ to: "/contacts/{-$id}", params: { id: ticket?.contact.id ?? undefined } });
  useCommands(
    [
      { id: "contact.open", title: t("contact.open"), group: "ticket", run: openPage },
      { id: "contact.start", title: t("start.open"), group: "ticket", run: () => setOpen("start") },
      { id: "contact.merge", title: t("merge.open"), group: "ticket", run: () => setOpen("merge") },
    ],
    t("contact.open"),
  );
  return (
    <aside
      aria-label={t("contact.title")}
      className={cx(
        "fixed inset-y-0 right-0 z-30 w-[min(296px,100vw)] shrink-0 flex-col gap-5 overflow-y-auto border-l bg-surface p-4 shadow-[var(--shadow-pop)] xl:static xl:shadow-none",
        drawer ? "flex" : "hidden",
        wide ? "xl:flex" : "xl:hidden",
      )}
    >
      {!ticket ? (
        <div className="flex gap-3">
          <Skeleton className="size-11 rounded-full" />
          <Skeleton className="mt-1 h-4 w-32" />
        </div>
      ) : (
        <>
          <div className="flex items-center gap-2">
            <Avatar
              id={ticket.contact.id}
              name={ticket.contact.name}
              url={ticket.contact.avatarUrl}
              size={44}
            />
            <div className="min-w-0 flex-1">
              <Editable
                label={t("contact.name")}
                value={ticket.contact.name}
                onSave={(name) => name !== "" && update({ name })}
              />
              {contact?.locale && (
                <p className="px-1.5 text-meta text-muted">{languageName(contact.locale)}</p>
              )}
            </div>
            <Menu
              trigger={
                <IconButton label={t("contact.more")}>
                  <Ellipsis size={16} aria-hidden />
                </IconButton>
              }
              items={[
                {
                  id: "page",
                  label: t("contact.open"),
                  icon: <User size={14} aria-hidden />,
                  run: openPage,
                },
                {
                  id: "start",
                  label: t("start.open"),
                  icon: <MessageSquarePlus size={14} aria-hidden />,
                  run: () => setOpen("start"),
                },
                {
                  id: "merge",
                  label: t("merge.open"),
                  icon: <MergeIcon size={14} aria-hidden />,
                  run: () => setOpen("merge"),
                },
              ]}
            />
            <IconButton
              label={t("contact.hide")}
              className="xl:hidden"
              onClick={() => useDrawer.setState({ open: false })}
            >
              <X size={16} aria-hidden />
            </IconButton>
          </div>
          <Section title={t("contact.identities")}>
            {contact ? <Identities identities={contact.identities} /> : <Skeleton className="h-4 w-40" />}
          </Section>
          <Section title={t("contact.note")}>
            {contact ? (
              <Editable
                multiline
                label={t("contact.notePlaceholder")}
                value={contact.note}
                onSave={(note) => update({ note })}
              />
            ) : (
              <Skeleton className="h-8 w-full" />
            )}
          </Section>
          <Section title={t("contact.properties")}>
            <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-1.5">
              <dt className="text-muted">{t("contact.number")}</dt>
              <dd>#{ticket.number}</dd>
              <dt className="text-muted">{t("contact.queue")}</dt>
              <dd className="flex items-center gap-1.5">
                <QueueDot color={ticket.queue.color} />
                {ticket.queue.name}
              </dd>
              <dt className="text-muted">{t("contact.assignee")}</dt>
              <dd>{ticket.assignee?.name ?? t("conversation.unassigned")}</dd>
              <dt className="text-muted">{t("list.priority")}</dt>
              <dd>
                <PriorityPill priority={ticket.priority} />
              </dd>
              {ticket.status === "SNOOZED" && ticket.snoozedUntil && (
                <>
                  <dt className="text-muted">{t("contact.snoozedUntil")}</dt>
                  <dd>{dateTime(ticket.snoozedUntil, i18n.language)}</dd>
                </>
              )}
              <dt className="text-muted">{t("contact.since")}</dt>
              <dd>{contact ? dateTime(contact.createdAt, i18n.language) : "…"}</dd>
            </dl>
          </Section>
          {ticket.tags.length > 0 && (
            <Section title={t("tags.title")}>
              <Tags ticket={ticket} actions={actions} />
            </Section>
          )}
          <Section title={t("contact.tickets")}>
            <ul className="flex list-none flex-col p-0">
              {contact?.tickets
                .filter((one) => one.number !== number)
                .map((one) => (
                  <li key={one.id}>
                    <button
                      type="button"
                      onClick={() => onOpen(one.number)}
                      className="flex min-h-7 w-full items-center gap-2 rounded-control px-1.5 text-left hover:bg-hover"
                    >
                      <span className="min-w-0 flex-1 truncate">{one.subject || `#${one.number}`}</span>
                      <StatusPill status={one.status} />
                    </button>
                  </li>
                ))}
              {contact?.tickets.every((one) => one.number === number) && (
                <li className="text-muted">{t("contact.noTickets")}</li>
              )}
            </ul>
          </Section>
        </>
      )}
      <Suspense>
        {open === "merge" && contact && (
          <MergeDialog contact={contact} onClose={() => setOpen(null)} onMerged={() => undefined} />
        )}
        {open === "start" && contact && <StartDialog contact={contact} onClose={() => setOpen(null)} />}
      </Suspense>
    </aside>
  );
}
