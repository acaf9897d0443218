import { useNavigate } from "@tanstack/react-router";
import { Hash, Search } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ContactList } from "@/features/contact/contact.gql";
import { QueueNames } from "@/features/inbox/inbox.gql";
import { allCommands, type CommandGroup, useRegistry } from "@/lib/hotkeys/commands";
import { score } from "@/lib/search/match";
import { cx } from "@/ui/cx";
import { Dialog } from "@/ui/Dialog";
import { Keys } from "@/ui/Keys";

interface Row {
  id: string;
  title: string;
  group: string;
  keys: string | undefined;
  run: () => void;
}
const SHOWN = 60;
/** With nothing typed: what is nearest to the work first. */
const ORDER: readonly CommandGroup[] = ["offer", "ticket", "composer", "list", "go", "presence", "app"];

export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open={open} onClose={onClose} title={t("palette.title")} bare top width={560}>
      <PaletteBody onClose={onClose} />
    </Dialog>
  );
}

const FIND_MS = 200;

/** Queues, and people whose name or handle is being typed. */
function usePlaces(query: string): Row[] {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [search, setSearch] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSearch(query.trim()), FIND_MS);
    return () => clearTimeout(timer);
  }, [query]);
  const [queues] = useQuery({ query: QueueNames });
  const [people] = useQuery({
    query: ContactList,
    variables: { search, after: null, first: 5 },
    pause: search.length < 2,
  });
  if (query.trim() === "") return [];
  const found: Row[] = (queues.data?.queues ?? [])
    .filter((queue) => queue.archivedAt === null && score(query, queue.name) > 0)
    .map((queue) => ({
      id: queue.id,
      title: queue.name,
      group: t("palette.queue"),
      keys: undefined,
      run: () =>
        void navigate({
          to: "/inbox/{-$number}",
          params: { number: undefined },
          search: { queue: queue.id },
        }),
    }));
  const contacts = search.length < 2 ? [] : (people.data?.contacts.edges ?? []);
  for (const { node } of contacts)
    found.push({
      id: node.id,
      title: node.name,
      group: t("rail.contacts"),
      keys: undefined,
      run: () => void navigate({ to: "/contacts/{-$id}", params: { id: node.id } }),
    });
  return found;
}

function PaletteBody({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const owners = useRegistry((state) => state.owners);
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const places = usePlaces(query);
  const commands = useMemo(() => {
    const found: Row[] = allCommands(owners)
      .filter((command) => command.listed !== false)
      .map((command) => ({
        id: command.id,
        title: command.title,
        group: t(`palette.group.${command.group}`),
        keys: command.keys?.[0],
        run: command.run,
        rank:
          query.trim() === ""
            ? ORDER.length - ORDER.indexOf(command.group)
            : score(query, `${command.title} ${command.hint ?? ""}`),
      }))
      .filter((row) => row.rank > 0)
      .sort((a, b) => b.rank - a.rank)
      .slice(0, SHOWN);
    const go = (id: string, title: string, search: { q?: string }, number?: string): Row => ({
      id,
      title,
      group: t("palette.group.go"),
      keys: undefined,
      run: () => void navigate({ to: "/inbox/{-$number}", params: { number }, search }),
    });
    const number = /^#?(\d{1,9})$/.exec(query.trim())?.[1];
    if (number) found.unshift(go("ticket", t("palette.openTicket", { number }), {}, number));
    else if (query.trim() !== "")
      found.push(go("search", t("palette.searchFor", { query: query.trim() }), { q: query.trim() }));
    return found;
  }, [owners, query, t, navigate]);
  const rows = [...commands, ...places];
  const current = rows[Math.min(active, rows.length - 1)];
  const run = (row: Row | undefined) => {
    if (!row) return;
    onClose();
    // After the dialog gave the focus back, so that a command may move it.
    requestAnimationFrame(() => row.run());
  };
  return (
    <div className="flex min-h-0 flex-col">
      <div className="flex items-center gap-2 border-b px-3">
        <Search size={16} className="text-muted" aria-hidden />
        <input
          // biome-ignore lint/a11y/noAutofocus: the palette is opened to type in.
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={current ? `palette-${current.id}` : undefined}
          aria-label={t("palette.placeholder")}
          placeholder={t("palette.placeholder")}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          onKeyDown={(event) => {
            if (event.nativeEvent.isComposing) return;
            const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
            if (step !== 0 && rows.length > 0) {
              event.preventDefault();
              const next = (Math.min(active, rows.length - 1) + step + rows.length) % rows.length;
              setActive(next);
              document.getElementById(`palette-${rows[next]?.id}`)?.scrollIntoView({ block: "nearest" });
            } else if (event.key === "Enter") {
              event.preventDefault();
              run(current);
            }
          }}
          className="h-11 min-w-0 flex-1 bg-transparent text-title outline-none"
        />
      </div>
      <div
        id="palette-list"
        role="listbox"
        aria-label={t("palette.title")}
        className="max-h-[52dvh] overflow-y-auto p-1.5"
      >
        {rows.length === 0 && <p className="p-4 text-center text-muted">{t("palette.nothing")}</p>}
        {rows.map((row, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above handles the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the combobox (aria-activedescendant).
          <div
            key={row.id}
            id={`palette-${row.id}`}
            role="option"
            aria-selected={row === current}
            onPointerMove={() => setActive(index)}
            onClick={() => run(row)}
            className={cx(
              "flex min-h-8 cursor-pointer items-center gap-2 rounded-control px-2.5 py-1",
              row === current && "bg-accent-soft text-accent-text",
            )}
          >
            {row.id === "ticket" && <Hash size={14} aria-hidden />}
            <span className="min-w-0 flex-1 truncate">{row.title}</span>
            <span className="text-meta text-muted">{row.group}</span>
            {row.keys && <Keys keys={row.keys} />}
          </div>
        ))}
      </div>
    </div>
  );
}
