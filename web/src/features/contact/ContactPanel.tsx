import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { TicketHead } from "@/features/conversation/conversation.gql";
import { Tags } from "@/features/conversation/TagDialog";
import { useTicketActions } from "@/features/inbox/actions";
import { ChannelIcon } from "@/features/inbox/channels";
import { PriorityPill, QueueDot, StatusPill } from "@/features/inbox/StatusPill";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";
import { languageName } from "@/lib/i18n";
import { useDrawer, usePreferences } from "@/lib/prefs";
import { dateTime } from "@/lib/time";
import { Avatar } from "@/ui/Avatar";
import { cx } from "@/ui/cx";
import { IconButton } from "@/ui/IconButton";
import { Skeleton } from "@/ui/States";

const ContactDetail = graphql(`
  query ContactDetail($id: ID!) {
    contact(id: $id) {
      __typename id name note locale avatarUrl mergedIntoId createdAt
      identities { __typename id channel handle display avatarUrl mergedFromId }
      tickets(first: 6) { __typename id number subject status lastMessageAt }
    }
  }
`);
const UpdateContact = graphql(
  `mutation UpdateContact($id: ID!, $name: String, $note: String) {
    updateContact(id: $id, name: $name, note: $note) { __typename problem { ...ProblemItem } contact { __typename id name note } }
  }`,
  [ProblemItem],
);

function Editable({
  label,
  value,
  multiline,
  onSave,
}: {
  label: string;
  value: string;
  multiline?: boolean;
  onSave: (value: string) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const shared = {
    value: text,
    "aria-label": label,
    placeholder: label,
    onBlur: () => text !== value && onSave(text.trim()),
    className:
      "w-full rounded-control border border-transparent bg-transparent px-1.5 hover:border-line-strong focus:border-line-strong focus:bg-surface",
  };
  return multiline ? (
    <textarea
      {...shared}
      rows={2}
      className={`${shared.className} field-sizing-content resize-none py-1`}
      onChange={(event) => setText(event.target.value)}
    />
  ) : (
    <input
      {...shared}
      className={`${shared.className} h-7 font-semibold text-title`}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.nativeEvent.isComposing) event.currentTarget.blur();
        if (event.key === "Escape") setText(value);
      }}
    />
  );
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="flex flex-col gap-1.5">
      <h3 className="font-semibold text-meta text-muted">{title}</h3>
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
    variables: { id: ticket?.contact.id ?? "" },
    pause: !ticket,
    requestPolicy: "cache-and-network",
  });
  const contact = detail.data?.contact?.id === ticket?.contact.id ? detail.data?.contact : null;
  const wide = usePreferences((state) => state.panelOpen);
  const drawer = useDrawer((state) => state.open);
  const update = (patch: { name?: string; note?: string }) =>
    ticket && void act(client, UpdateContact, { id: ticket.contact.id, ...patch });
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
            <IconButton
              label={t("contact.hide")}
              className="xl:hidden"
              onClick={() => useDrawer.setState({ open: false })}
            >
              <X size={16} aria-hidden />
            </IconButton>
          </div>
          <Section title={t("contact.identities")}>
            {contact ? (
              <ul className="flex list-none flex-col gap-1 p-0">
                {contact.identities.map((identity) => (
                  <li key={identity.id} className="flex min-h-6 items-center gap-2">
                    <ChannelIcon channel={identity.channel} size={16} />
                    <span className="min-w-0 flex-1 truncate" title={identity.handle}>
                      {identity.display || identity.handle}
                    </span>
                  </li>
                ))}
              </ul>
            ) : (
              <Skeleton className="h-4 w-40" />
            )}
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
    </aside>
  );
}
