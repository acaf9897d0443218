import { Search } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ChannelIcon } from "@/features/inbox/channels";
import { Avatar } from "@/ui/Avatar";
import { cx } from "@/ui/cx";
import { Empty, Failed, Skeleton } from "@/ui/States";
import { type ContactItem, ContactList } from "./contact.gql";

const SEARCH_MS = 250;
const PAGE = 50;

export function ContactLine({ contact }: { contact: ContactItem }) {
  const channels = [...new Set(contact.identities.map((identity) => identity.channel))];
  return (
    <>
      <Avatar id={contact.id} name={contact.name} url={contact.avatarUrl} size={32} />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">{contact.name}</span>
        <span className="block truncate text-meta text-muted">
          {contact.identities.map((identity) => identity.display || identity.handle).join(" · ")}
        </span>
      </span>
      <span className="flex shrink-0 gap-0.5">
        {channels.map((channel) => (
          <ChannelIcon key={channel} channel={channel} size={16} />
        ))}
      </span>
    </>
  );
}

/** Contacts by name or handle, a page at a time; whoever is picked is handed up. */
export function ContactPicker({
  without,
  selected,
  onPick,
  autoFocus = false,
}: {
  without?: string;
  selected?: string | undefined;
  onPick: (contact: ContactItem) => void;
  autoFocus?: boolean;
}) {
  const { t } = useTranslation(["inbox", "common"]);
  const [text, setText] = useState("");
  const [search, setSearch] = useState("");
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSearch(text.trim());
      setCursors([null]);
    }, SEARCH_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="relative p-2">
        <Search size={14} className="absolute top-4.5 left-4.5 text-muted" aria-hidden />
        <input
          // biome-ignore lint/a11y/noAutofocus: only where somebody asked to pick.
          autoFocus={autoFocus}
          type="search"
          value={text}
          aria-label={t("contacts.search")}
          placeholder={t("contacts.search")}
          onChange={(event) => setText(event.target.value)}
          className="h-8 w-full rounded-control border border-line-strong bg-surface pr-2 pl-7"
        />
      </div>
      <ul aria-label={t("contacts.list")} className="min-h-0 flex-1 list-none overflow-y-auto p-0 px-2 pb-2">
        {cursors.map((after, index) => (
          <ContactPage
            key={`${search}.${after}`}
            search={search}
            after={after}
            last={index === cursors.length - 1}
            without={without}
            selected={selected}
            onPick={onPick}
            onMore={(next) => setCursors([...cursors, next])}
          />
        ))}
      </ul>
    </div>
  );
}

function ContactPage({
  search,
  after,
  last,
  without,
  selected,
  onPick,
  onMore,
}: {
  search: string;
  after: string | null;
  last: boolean;
  without: string | undefined;
  selected: string | undefined;
  onPick: (contact: ContactItem) => void;
  onMore: (after: string) => void;
}) {
  const { t } = useTranslation(["inbox", "common"]);
  const [{ data, error }, refetch] = useQuery({
    query: ContactList,
    variables: { search: search === "" ? null : search, after, first: PAGE },
    requestPolicy: "cache-and-network",
  });
  if (error && !data)
    return (
      <li>
        <Failed error={error} onRetry={() => refetch({ requestPolicy: "network-only" })} />
      </li>
    );
  if (!data)
    return (
      <li className="flex flex-col gap-2 p-2">
        <Skeleton className="h-9 w-full" />
        <Skeleton className="h-9 w-full" />
        <Skeleton className="h-9 w-full" />
      </li>
    );
  const contacts = data.contacts.edges.map((edge) => edge.node).filter((contact) => contact.id !== without);
  const { hasNextPage, endCursor } = data.contacts.pageInfo;
  return (
    <>
      {contacts.map((contact) => (
        <li key={contact.id}>
          <button
            type="button"
            aria-current={contact.id === selected ? "true" : undefined}
            onClick={() => onPick(contact)}
            className={cx(
              "flex w-full items-center gap-2.5 rounded-control px-2 py-1.5 text-left",
              contact.id === selected ? "bg-accent-soft" : "hover:bg-hover",
            )}
          >
            <ContactLine contact={contact} />
          </button>
        </li>
      ))}
      {contacts.length === 0 && after === null && (
        <li>
          <Empty
            title={t(search === "" ? "contacts.empty" : "contacts.noMatch")}
            text={t(search === "" ? "contacts.emptyText" : "contacts.noMatchText")}
          />
        </li>
      )}
      {last && hasNextPage && endCursor && (
        <li className="p-1 text-center">
          <button
            type="button"
            onClick={() => onMore(endCursor)}
            className="h-7 rounded-control px-3 font-medium text-accent-text hover:bg-hover"
          >
            {t("contacts.more")}
          </button>
        </li>
      )}
    </>
  );
}
