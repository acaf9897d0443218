import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { MessagesSquare } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ContactPanel } from "@/features/contact/ContactPanel";
import { Conversation, type ConversationHandle } from "@/features/conversation/Conversation";
import { TicketDetail } from "@/features/conversation/conversation.gql";
import { useApi } from "@/lib/app";
import type { TicketRow } from "@/lib/gql/fragments";
import { useCommands } from "@/lib/hotkeys/commands";
import { LIST_MAX, LIST_MIN, togglePanel, usePreferences } from "@/lib/prefs";
import { cx } from "@/ui/cx";
import { Splitter } from "@/ui/Splitter";
import { Empty } from "@/ui/States";
import { QueueNames } from "./inbox.gql";
import { filterOf, type InboxSearch, VIEWS } from "./search";
import { add, clearSelection, extend, toggle } from "./selection";
import { type ListHandle, TicketList } from "./TicketList";
import { Views } from "./Views";
import { indexOf, loadedRows, rowAt, useWindows } from "./windows";

function useTitle(search: InboxSearch): string {
  const { t } = useTranslation(["inbox", "common"]);
  const [{ data }] = useQuery({ query: QueueNames, pause: !search.queue });
  if (search.queue) return data?.queues.find((queue) => queue.id === search.queue)?.name ?? t("views.queues");
  return t(`views.${search.view ?? "all"}`);
}

/** J and K land on loaded timelines: the neighbours of the open ticket are fetched while it is read. */
function usePrefetch(neighbours: readonly (TicketRow | undefined)[]): void {
  const { client } = useApi();
  const numbers = neighbours.flatMap((ticket) => (ticket ? [ticket.number] : []));
  const key = numbers.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` is the numbers by value.
  useEffect(() => {
    const timer = setTimeout(() => {
      for (const number of numbers) void client.query(TicketDetail, { number }).toPromise();
    }, 200);
    return () => clearTimeout(timer);
  }, [client, key]);
}

export function InboxPage() {
  const { t } = useTranslation(["inbox", "common"]);
  const navigate = useNavigate();
  const search = useSearch({ from: "/app/inbox/{-$number}" });
  const params = useParams({ from: "/app/inbox/{-$number}" });
  const selected = params.number === undefined ? null : Number(params.number);
  const { client } = useApi();
  const listWidth = usePreferences((state) => state.listWidth);
  const query = useMemo(
    () => ({ filter: filterOf(search), sort: search.sort ?? ("NEWEST" as const), search: search.q ?? null }),
    [search],
  );
  const windows = useWindows(client, query);
  const snapshot = windows[1];
  const list = useRef<ListHandle>(null);
  const conversation = useRef<ConversationHandle>(null);
  const title = useTitle(search);
  const index = selected === null ? -1 : indexOf(snapshot, selected);
  const lastIndex = useRef(0);
  if (index >= 0) lastIndex.current = index;
  usePrefetch(
    index >= 0 ? [rowAt(snapshot, index + 1), rowAt(snapshot, index - 1), rowAt(snapshot, index + 2)] : [],
  );

  const open = useCallback(
    (number: number | null, replace = false) =>
      void navigate({
        to: "/inbox/{-$number}",
        params: { number: number === null ? undefined : String(number) },
        search,
        replace,
      }),
    [navigate, search],
  );
  const setSearch = (next: InboxSearch) =>
    void navigate({
      to: "/inbox/{-$number}",
      params: { number: params.number },
      search: next,
      replace: true,
    });
  const move = (step: 1 | -1) => {
    // A ticket that left the view (closed, moved) leaves a gap: J goes to what took its place.
    const to =
      index >= 0
        ? index + step
        : selected === null
          ? 0
          : step === 1
            ? lastIndex.current
            : lastIndex.current - 1;
    const ticket = rowAt(snapshot, Math.max(0, to));
    if (!ticket) return;
    list.current?.reveal(Math.max(0, to));
    open(ticket.number, selected !== null);
  };
  const current = rowAt(snapshot, Math.max(0, index)) ?? null;
  const moveSelecting = (step: 1 | -1) => {
    const next = rowAt(snapshot, Math.max(0, index + step));
    if (current && index >= 0) add([current]);
    if (next) add([next]);
    move(step);
  };
  // What is ticked belongs to the list it was ticked in.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another query is another list.
  useEffect(() => clearSelection, [query]);
  const cycleView = (step: 1 | -1) => {
    const at = VIEWS.indexOf(search.view ?? "all");
    const view = VIEWS[(at + step + VIEWS.length) % VIEWS.length];
    void navigate({
      to: "/inbox/{-$number}",
      params: { number: undefined },
      search: view && view !== "all" ? { view } : {},
    });
  };
  const focusConversation = () => conversation.current?.focus();

  useCommands(
    [
      { id: "list.next", title: t("command.next"), group: "list", keys: ["KeyJ"], run: () => move(1) },
      {
        id: "list.previous",
        title: t("command.previous"),
        group: "list",
        keys: ["KeyK"],
        run: () => move(-1),
      },
      {
        id: "list.open",
        title: t("command.open"),
        group: "list",
        keys: ["Enter"],
        listed: false,
        run: () => (selected === null ? move(1) : focusConversation()),
      },
      {
        id: "list.back",
        title: t("command.back"),
        group: "list",
        keys: ["Escape"],
        listed: false,
        run: () => {
          if (window.innerWidth < 1024) open(null);
          list.current?.focus();
        },
      },
      {
        id: "list.search",
        title: t("command.search"),
        group: "list",
        keys: ["Slash"],
        run: () => document.querySelector<HTMLElement>("[data-search]")?.click(),
      },
      {
        id: "list.select",
        title: t("command.select"),
        group: "list",
        keys: ["KeyX"],
        run: () => current && toggle(current),
      },
      {
        id: "list.selectTo",
        title: t("command.selectTo"),
        group: "list",
        keys: ["Shift+KeyX"],
        run: () => current && extend(loadedRows(snapshot), current),
      },
      {
        id: "list.selectNext",
        title: t("command.selectNext"),
        group: "list",
        keys: ["Shift+KeyJ"],
        run: () => moveSelecting(1),
      },
      {
        id: "list.selectPrevious",
        title: t("command.selectPrevious"),
        group: "list",
        keys: ["Shift+KeyK"],
        run: () => moveSelecting(-1),
      },
      {
        id: "list.selectAll",
        title: t("command.selectAll"),
        group: "list",
        keys: ["Shift+KeyA"],
        run: () => add(loadedRows(snapshot)),
      },
      {
        id: "list.viewPrevious",
        title: t("command.viewPrevious"),
        group: "list",
        keys: ["BracketLeft"],
        run: () => cycleView(-1),
      },
      {
        id: "list.viewNext",
        title: t("command.viewNext"),
        group: "list",
        keys: ["BracketRight"],
        run: () => cycleView(1),
      },
      {
        id: "list.panel",
        title: t("command.panel"),
        group: "list",
        keys: ["Backslash"],
        run: togglePanel,
      },
      {
        id: "list.density",
        title: t("command.density"),
        group: "list",
        run: () =>
          usePreferences.setState((state) => ({
            density: state.density === "compact" ? "comfortable" : "compact",
          })),
      },
      ...VIEWS.map((view) => ({
        id: `view.${view}`,
        title: `${t("command.goView")} ${t(`views.${view}`)}`,
        group: "go" as const,
        run: () =>
          void navigate({
            to: "/inbox/{-$number}",
            params: { number: undefined },
            search: view === "all" ? {} : { view },
          }),
      })),
    ],
    t("command.next"),
  );

  const hasTicket = selected !== null;
  // An open conversation is what the page is about; without one the list is.
  const main = hasTicket ? {} : { role: "main", id: "main" };
  return (
    <div {...main} className="flex min-h-0 flex-1">
      <aside
        className={cx("w-51 shrink-0 border-r bg-canvas", hasTicket ? "hidden lg:flex" : "hidden sm:flex")}
      >
        <Views search={search} />
      </aside>
      <section
        aria-label={title}
        className={cx(
          "relative min-h-0 min-w-0 flex-col lg:flex lg:w-(--list-width) lg:flex-none lg:border-r",
          hasTicket ? "hidden" : "flex flex-1",
        )}
        style={{ "--list-width": `${listWidth}px` } as React.CSSProperties}
      >
        <div className="border-b bg-surface p-2 sm:hidden">
          <MobileViews
            search={search}
            onPick={(next) =>
              void navigate({ to: "/inbox/{-$number}", params: { number: undefined }, search: next })
            }
          />
        </div>
        <TicketList
          windows={windows}
          query={query}
          search={search}
          selected={selected}
          onSearch={setSearch}
          onOpen={(ticket) => open(ticket.number, hasTicket)}
          onMove={move}
          onEnter={focusConversation}
          handle={list}
          title={title}
        />
        <Splitter
          label={t("list.resize")}
          value={listWidth}
          min={LIST_MIN}
          max={LIST_MAX}
          onChange={(width) => usePreferences.setState({ listWidth: width })}
        />
      </section>
      {hasTicket ? (
        <>
          <Conversation
            key={selected}
            number={selected}
            onBack={() => open(null)}
            onAdvance={() => move(1)}
            handle={conversation}
          />
          <ContactPanel number={selected} onOpen={(number) => open(number)} />
        </>
      ) : (
        <div className="hidden min-w-0 flex-1 bg-canvas lg:block">
          <Empty
            icon={<MessagesSquare size={24} aria-hidden />}
            title={t("conversation.none")}
            text={t("conversation.noneText")}
          />
        </div>
      )}
    </div>
  );
}

function MobileViews({ search, onPick }: { search: InboxSearch; onPick: (search: InboxSearch) => void }) {
  const { t } = useTranslation(["inbox", "common"]);
  const [{ data }] = useQuery({ query: QueueNames });
  return (
    <select
      aria-label={t("views.title")}
      className="h-9 w-full rounded-control border border-line-strong bg-surface px-2"
      value={search.queue ? `queue:${search.queue}` : (search.view ?? "all")}
      onChange={({ target: { value } }) => {
        if (value.startsWith("queue:")) onPick({ queue: value.slice(6) });
        else onPick(value === "all" ? {} : { view: VIEWS.find((view) => view === value) ?? "all" });
      }}
    >
      {VIEWS.map((view) => (
        <option key={view} value={view}>
          {t(`views.${view}`)}
        </option>
      ))}
      {data?.queues.map((queue) => (
        <option key={queue.id} value={`queue:${queue.id}`}>
          {queue.name}
        </option>
      ))}
    </select>
  );
}
