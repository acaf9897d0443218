import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowUp, ArrowUpDown, ListFilter, Search, X } from "lucide-react";
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useViewer } from "@/lib/app";
import type { TicketRow } from "@/lib/gql/fragments";
import { usePreferences } from "@/lib/prefs";
import { atLeast } from "@/lib/roles";
import { useNow } from "@/lib/time";
import { IconButton } from "@/ui/IconButton";
import { Menu } from "@/ui/Menu";
import { Empty, Failed } from "@/ui/States";
import { BulkBar } from "./BulkBar";
import { useChannelKinds } from "./channels";
import { type InboxSearch, PRIORITIES, SORTS } from "./search";
import { extend, toggle, useSelection } from "./selection";
import { RowSkeleton, TicketRowView } from "./TicketRowView";
import {
  indexOf,
  type ListQuery,
  loadedRows,
  rowAt,
  type useWindows,
  type Windows,
  windowsFor,
} from "./windows";

export interface ListHandle {
  reveal(index: number): void;
  focus(): void;
}

interface Props {
  windows: ReturnType<typeof useWindows>;
  query: ListQuery;
  search: InboxSearch;
  selected: number | null;
  onSearch: (search: InboxSearch) => void;
  onOpen: (ticket: TicketRow) => void;
  onMove: (step: 1 | -1) => void;
  onEnter: () => void;
  handle: Ref<ListHandle>;
  title: string;
}

function SearchField({
  search,
  onSearch,
  close,
}: {
  search: InboxSearch;
  onSearch: Props["onSearch"];
  close: () => void;
}) {
  const { t } = useTranslation(["inbox", "common"]);
  const [text, setText] = useState(search.q ?? "");
  const latest = useRef({ search, onSearch });
  latest.current = { search, onSearch };
  useEffect(() => {
    const { search: now, onSearch: change } = latest.current;
    if (text === (now.q ?? "")) return;
    const timer = setTimeout(() => {
      const { q: _, ...rest } = latest.current.search;
      change(text === "" ? rest : { ...rest, q: text });
    }, 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className="flex items-center gap-1 border-b bg-surface px-2 py-1.5">
      <div className="relative flex-1">
        <Search size={14} className="absolute top-2 left-2 text-muted" aria-hidden />
        <input
          // biome-ignore lint/a11y/noAutofocus: opened by the person who asked to search.
          autoFocus
          type="search"
          value={text}
          aria-label={t("list.search")}
          placeholder={t("list.search")}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            setText("");
            const { q: _, ...rest } = search;
            onSearch(rest);
            close();
          }}
          className="h-7 w-full rounded-control border border-line-strong bg-surface pr-2 pl-7"
        />
      </div>
      <IconButton
        label={t("list.searchClose")}
        onClick={() => {
          const { q: _, ...rest } = search;
          onSearch(rest);
          close();
        }}
      >
        <X size={15} aria-hidden />
      </IconButton>
    </div>
  );
}

function FilterMenu({ search, onSearch }: Pick<Props, "search" | "onSearch">) {
  const { t } = useTranslation(["inbox", "common"]);
  const kinds = useChannelKinds();
  const active = Boolean(search.priority || search.channel || search.tag);
  const toggle = <K extends "priority" | "channel" | "tag">(key: K, value: InboxSearch[K]) => {
    const { [key]: old, ...rest } = search;
    onSearch((old === value ? rest : { ...rest, [key]: value }) as InboxSearch);
  };
  return (
    <Menu
      trigger={
        <IconButton label={t("list.filter")} pressed={active}>
          <ListFilter size={16} aria-hidden />
        </IconButton>
      }
      items={[
        ...PRIORITIES.map((priority) => ({
          id: priority,
          label: `${t("list.priority")}: ${t(`priority.${priority}`)}`,
          checked: search.priority === priority,
          run: () => toggle("priority", priority),
        })),
        ...[...kinds.values()].map((kind, index) => ({
          id: kind.kind,
          label: kind.name,
          checked: search.channel === kind.kind,
          separated: index === 0,
          run: () => toggle("channel", kind.kind),
        })),
        ...(active
          ? [
              {
                id: "clear",
                label: t("list.clearFilter"),
                separated: true,
                run: () => {
                  const { priority: _p, channel: _c, tag: _t, ...rest } = search;
                  onSearch(rest);
                },
              },
            ]
          : []),
      ]}
    />
  );
}

function NothingHere({ search }: { search: InboxSearch }) {
  const { t } = useTranslation(["inbox", "common"]);
  const viewer = useViewer();
  const narrowed = Boolean(search.q || search.priority || search.channel || search.tag);
  if (narrowed) return <Empty title={t("list.noMatch")} text={t("list.noMatchText")} />;
  const mayConnect = !search.view && !search.queue && atLeast(viewer.role, "ADMIN");
  return (
    <Empty
      title={t("list.empty")}
      text={t("list.emptyText")}
      action={
        mayConnect && (
          <Link to="/settings/inboxes" className="font-medium text-accent-text underline">
            {t("list.connect")}
          </Link>
        )
      }
    />
  );
}

/** Nothing moves under a pointer that rests on the list, nor under an eye that has scrolled down. */
function useHold(windows: Windows, picking: boolean) {
  const hovering = useRef(false);
  const scrolled = useRef(false);
  const decide = useRef(() => {});
  decide.current = () => windows.hold(hovering.current || scrolled.current || picking);
  // biome-ignore lint/correctness/useExhaustiveDependencies: decided anew for another list and when picking begins or ends.
  useEffect(() => decide.current(), [windows, picking]);
  useEffect(() => {
    // Who types has let go of the mouse, wherever it lies.
    const onKey = () => {
      hovering.current = false;
      decide.current();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return {
    onPointerMove: (event: React.PointerEvent) => {
      if (event.pointerType !== "mouse" || hovering.current) return;
      hovering.current = true;
      decide.current();
    },
    onPointerLeave: () => {
      hovering.current = false;
      decide.current();
    },
    onScroll: (event: React.UIEvent<HTMLElement>) => {
      const now = event.currentTarget.scrollTop > 0;
      if (now === scrolled.current) return;
      scrolled.current = now;
      decide.current();
    },
  };
}

export function TicketList({
  windows: [windows, snapshot],
  query,
  search,
  selected,
  onSearch,
  onOpen,
  onMove,
  onEnter,
  handle,
  title,
}: Props) {
  const { t, i18n } = useTranslation(["inbox", "common"]);
  const compact = usePreferences((state) => state.density === "compact");
  const now = useNow("minute");
  const scroller = useRef<HTMLDivElement>(null);
  const [searching, setSearching] = useState(Boolean(search.q));
  const total = snapshot.total ?? (snapshot.error ? 0 : 8);
  const virtual = useVirtualizer({
    count: Math.min(total, 10_100),
    getScrollElement: () => scroller.current,
    estimateSize: () => (compact ? 57 : 77),
    overscan: 6,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (snapshot.total !== null) windows.show(windowsFor(first, last, snapshot.total));
  }, [windows, first, last, snapshot.total]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights change with the density only.
  useEffect(() => virtual.measure(), [compact]);
  useEffect(() => {
    if (search.q) setSearching(true);
  }, [search.q]);
  useImperativeHandle(handle, () => ({
    reveal: (index) => virtual.scrollToIndex(index, { align: "auto" }),
    focus: () => scroller.current?.focus(),
  }));
  // The page is about the open ticket, if there is one.
  const Title = selected === null ? "h1" : "h2";
  const selectedIndex = selected === null ? -1 : indexOf(snapshot, selected);
  const picked = useSelection((state) => state.picked);
  const picking = picked.size > 0;
  const hold = useHold(windows, picking);
  const pick = (ticket: TicketRow, ranged: boolean) =>
    ranged ? extend(loadedRows(snapshot), ticket) : toggle(ticket);
  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col bg-surface">
      <header className="flex h-12 shrink-0 items-center gap-1 border-b pr-2 pl-3">
        <Title className="min-w-0 truncate font-semibold text-pane">{title}</Title>
        <span className="ml-1 flex-1 text-meta text-muted">
          {snapshot.total !== null &&
            `${snapshot.total.toLocaleString(i18n.language)}${snapshot.totalIsCapped ? "+" : ""}`}
        </span>
        <IconButton
          label={t("list.search")}
          keys="Slash"
          data-search=""
          pressed={searching}
          onClick={() => setSearching(true)}
        >
          <Search size={16} aria-hidden />
        </IconButton>
        <Menu
          trigger={
            <IconButton label={t("list.sort")}>
              <ArrowUpDown size={16} aria-hidden />
            </IconButton>
          }
          items={SORTS.map((sort) => ({
            id: sort,
            label: t(`sort.${sort}`),
            checked: (search.sort ?? "NEWEST") === sort,
            run: () => onSearch({ ...search, sort }),
          }))}
        />
        <FilterMenu search={search} onSearch={onSearch} />
      </header>
      <BulkBar query={query} total={snapshot.total ?? 0} />
      {searching && <SearchField search={search} onSearch={onSearch} close={() => setSearching(false)} />}
      <div className="relative">
        {snapshot.pending > 0 && (
          <button
            type="button"
            onClick={() => {
              scroller.current?.scrollTo({ top: 0 });
              windows.letGo();
            }}
            className="-translate-x-1/2 absolute top-2 left-1/2 z-10 inline-flex h-7 items-center gap-1 whitespace-nowrap rounded-full border border-line-strong bg-surface px-3 font-medium text-accent-text shadow-[var(--shadow-pop)] hover:bg-hover"
          >
            <ArrowUp size={13} aria-hidden />
            {t("list.pending", { count: snapshot.pending })}
          </button>
        )}
      </div>
      {/* The grid keeps the focus and names the active row, so that a recycled row never drops it. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a virtual list cannot be a table. */}
      <div
        ref={scroller}
        role="grid"
        tabIndex={0}
        aria-label={title}
        aria-rowcount={snapshot.total ?? -1}
        aria-multiselectable="true"
        {...hold}
        aria-activedescendant={
          selectedIndex >= 0 && selectedIndex >= first && selectedIndex <= last
            ? `row-${selectedIndex}`
            : undefined
        }
        className="min-h-0 flex-1 overflow-y-auto focus-visible:outline-offset-[-2px]"
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            onMove(event.key === "ArrowDown" ? 1 : -1);
          } else if (event.key === "Enter") {
            event.preventDefault();
            onEnter();
          }
        }}
      >
        {snapshot.error && snapshot.total === null ? (
          <Failed error={snapshot.error} onRetry={() => windows.retry()} />
        ) : snapshot.total === 0 ? (
          <NothingHere search={search} />
        ) : (
          <div role="presentation" className="relative" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const ticket = rowAt(snapshot, item.index);
              const isSelected = ticket !== undefined && ticket.number === selected;
              return (
                // biome-ignore lint/a11y/useFocusableInteractive: focus stays on the grid (aria-activedescendant).
                // biome-ignore lint/a11y/useSemanticElements: a virtual list cannot be a table.
                // biome-ignore lint/a11y/useKeyWithClickEvents: the grid above handles the keys.
                <div
                  key={item.key}
                  id={`row-${item.index}`}
                  role="row"
                  aria-rowindex={item.index + 1}
                  aria-selected={picking ? ticket !== undefined && picked.has(ticket.id) : isSelected}
                  aria-current={isSelected ? "true" : undefined}
                  className="group absolute inset-x-0 cursor-pointer"
                  style={{ height: item.size, transform: `translateY(${item.start}px)` }}
                  onClick={(event) => {
                    if (!ticket) return;
                    if (event.shiftKey || event.ctrlKey || event.metaKey) pick(ticket, event.shiftKey);
                    else onOpen(ticket);
                  }}
                >
                  {/* biome-ignore lint/a11y/useSemanticElements: see above. */}
                  {/* biome-ignore lint/a11y/useFocusableInteractive: see above. */}
                  <div role="gridcell" className="h-full">
                    {ticket ? (
                      <TicketRowView
                        ticket={ticket}
                        selected={isSelected}
                        picked={picked.has(ticket.id)}
                        picking={picking}
                        onPick={pick}
                        compact={compact}
                        now={now}
                        language={i18n.language}
                      />
                    ) : (
                      <RowSkeleton />
                    )}
                  </div>
                </div>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}
