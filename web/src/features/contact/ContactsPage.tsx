import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ArrowLeft, Merge as MergeIcon, MessageSquarePlus, SearchX, Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ChannelIcon } from "@/features/inbox/channels";
import { StatusPill } from "@/features/inbox/StatusPill";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { languageName } from "@/lib/i18n";
import { ago, dateTime, useNow } from "@/lib/time";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { IconButton } from "@/ui/IconButton";
import { Empty, Failed, Skeleton } from "@/ui/States";
import { ContactPicker } from "./ContactPicker";
import { ContactDetail, UpdateContact } from "./contact.gql";
import { Editable } from "./Editable";
import { Identities } from "./Identities";
import { MergeDialog } from "./MergeDialog";
import { StartDialog } from "./StartDialog";
import { useMerging } from "./useMerging";

const TICKETS = 50;

function Block({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="rounded-card border bg-surface">
      <h2 className="border-b px-4 py-2.5 font-semibold text-title">{title}</h2>
      <div className="px-4 py-3">{children}</div>
    </section>
  );
}

function Detail({ id, onBack, onOpen }: { id: string; onBack: () => void; onOpen: (id: string) => void }) {
  const { t, i18n } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const { unmerge } = useMerging();
  const now = useNow("minute");
  const [{ data, error, fetching }, refetch] = useQuery({
    query: ContactDetail,
    variables: { id, tickets: TICKETS },
    requestPolicy: "cache-and-network",
  });
  const [open, setOpen] = useState<"merge" | "start" | null>(null);
  const contact = data?.contact ?? null;
  if (error && !contact)
    return <Failed error={error} onRetry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!contact)
    return fetching ? (
      <div className="flex flex-col gap-3 p-6">
        <Skeleton className="h-12 w-60" />
        <Skeleton className="h-32 w-full" />
      </div>
    ) : (
      <Empty icon={<SearchX size={22} aria-hidden />} title={t("contacts.missing")} />
    );
  const update = (patch: { name?: string; note?: string }) =>
    void act(client, UpdateContact, { id: contact.id, ...patch });
  const { mergedIntoId } = contact;
  return (
    <div className="mx-auto flex w-full max-w-3xl flex-col gap-4 p-4 sm:p-6">
      <div className="flex flex-wrap items-center gap-3">
        <IconButton label={t("contacts.back")} className="lg:hidden" onClick={onBack}>
          <ArrowLeft size={17} aria-hidden />
        </IconButton>
        <Avatar id={contact.id} name={contact.name} url={contact.avatarUrl} size={44} />
        <div className="min-w-40 flex-1">
          <h1 className="sr-only">{contact.name}</h1>
          <Editable
            label={t("contact.name")}
            value={contact.name}
            onSave={(name) => name !== "" && update({ name })}
          />
          <p className="px-1.5 text-meta text-muted">
            {contact.locale ? `${languageName(contact.locale)} · ` : ""}
            {t("contact.since")} {dateTime(contact.createdAt, i18n.language)}
          </p>
        </div>
        {mergedIntoId === null && (
          <div className="flex flex-wrap gap-2">
            <Button icon={<MergeIcon size={14} aria-hidden />} onClick={() => setOpen("merge")}>
              {t("merge.open")}
            </Button>
            <Button
              look="primary"
              icon={<MessageSquarePlus size={15} aria-hidden />}
              onClick={() => setOpen("start")}
            >
              {t("start.open")}
            </Button>
          </div>
        )}
      </div>
      {mergedIntoId !== null && (
        <div
          role="status"
          className="flex flex-wrap items-center gap-3 rounded-card bg-warn-soft px-4 py-2.5 text-warn"
        >
          <span className="flex-1">{t("merge.gone")}</span>
          <Button onClick={() => onOpen(mergedIntoId)}>{t("merge.openOther")}</Button>
          <Button onClick={() => void unmerge(contact.id)}>{t("merge.undo")}</Button>
        </div>
      )}
      <Block title={t("contact.identities")}>
        {contact.identities.length === 0 ? (
          <p className="text-muted">{t("contact.noTickets")}</p>
        ) : (
          <Identities identities={contact.identities} />
        )}
      </Block>
      <Block title={t("contact.note")}>
        <Editable
          multiline
          label={t("contact.notePlaceholder")}
          value={contact.note}
          onSave={(note) => update({ note })}
        />
      </Block>
      <Block title={t("contacts.tickets")}>
        {contact.tickets.length === 0 && <p className="text-muted">{t("contact.noTickets")}</p>}
        <ul className="-mx-2 flex list-none flex-col p-0">
          {contact.tickets.map((ticket) => (
            <li key={ticket.id}>
              <Link
                to="/inbox/{-$number}"
                params={{ number: String(ticket.number) }}
                search={{}}
                className="flex min-h-10 items-center gap-2.5 rounded-control px-2 py-1 hover:bg-hover"
              >
                <ChannelIcon channel={ticket.channel} size={16} />
                <span className="min-w-0 flex-1">
                  <span className="block truncate font-medium">
                    {ticket.subject || ticket.lastMessagePreview || `#${ticket.number}`}
                  </span>
                  <span className="block text-meta text-muted">
                    #{ticket.number} · {ago(ticket.lastMessageAt, i18n.language, now)}
                  </span>
                </span>
                <StatusPill status={ticket.status} />
              </Link>
            </li>
          ))}
        </ul>
      </Block>
      {open === "merge" && <MergeDialog contact={contact} onClose={() => setOpen(null)} onMerged={onOpen} />}
      {open === "start" && <StartDialog contact={contact} onClose={() => setOpen(null)} />}
    </div>
  );
}

export function ContactsPage() {
  const { t } = useTranslation(["inbox", "common"]);
  const navigate = useNavigate();
  const { id } = useParams({ from: "/app/contacts/{-$id}" });
  const open = (next: string | undefined) => void navigate({ to: "/contacts/{-$id}", params: { id: next } });
  const Title = id ? "h2" : "h1";
  return (
    <div {...(id ? {} : { role: "main", id: "main" })} className="flex min-h-0 flex-1">
      <section
        aria-label={t("contacts.title")}
        className={cx(
          "min-h-0 w-full flex-col border-r bg-surface lg:flex lg:w-88 lg:flex-none",
          id ? "hidden" : "flex",
        )}
      >
        <div className="flex h-12 shrink-0 items-center border-b px-3">
          <Title className="font-semibold text-pane">{t("contacts.title")}</Title>
        </div>
        <ContactPicker selected={id} onPick={(contact) => open(contact.id)} />
      </section>
      <div
        {...(id ? { role: "main", id: "main" } : {})}
        className={cx("min-h-0 min-w-0 flex-1 overflow-y-auto bg-canvas", id ? "block" : "hidden lg:block")}
      >
        {id ? (
          <Detail key={id} id={id} onBack={() => open(undefined)} onOpen={open} />
        ) : (
          <Empty
            icon={<Users size={24} aria-hidden />}
            title={t("contacts.none")}
            text={t("contacts.noneText")}
          />
        )}
      </div>
    </div>
  );
}
