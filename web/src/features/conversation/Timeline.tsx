import { ArrowDown } from "lucide-react";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConversationItem, MessageItem, TicketRow } from "@/lib/gql/fragments";
import type { Entry } from "@/lib/outbox";
import { dayLabel, useNow } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Empty, Skeleton } from "@/ui/States";
import { MessageView } from "./MessageView";
import { timeline } from "./model";
import { OutboxView } from "./OutboxView";

interface Props {
  ticket: TicketRow;
  messages: readonly MessageItem[];
  entries: readonly Entry[];
  conversations: readonly ConversationItem[];
  viewerId: string;
  hasOlder: boolean;
  loadingOlder: boolean;
  onOlder: () => void;
}

const NEAR = 80;

export function Timeline({
  ticket,
  messages,
  entries,
  conversations,
  viewerId,
  hasOlder,
  loadingOlder,
  onOlder,
}: Props) {
  const { t, i18n } = useTranslation(["inbox", "common"]);
  const now = useNow("minute");
  const scroller = useRef<HTMLDivElement>(null);
  // The line stays where it was when the ticket was opened, although reading moves the cursor.
  const [readAtOpen] = useState(ticket.unread > 0 ? ticket.readPosition : null);
  const items = useMemo(() => timeline(messages, readAtOpen, entries), [messages, readAtOpen, entries]);
  const byId = useMemo(() => new Map(messages.map((message) => [message.id, message])), [messages]);
  const conversationById = useMemo(() => new Map(conversations.map((one) => [one.id, one])), [conversations]);
  const newest = messages.reduce((top, message) => Math.max(top, message.position), 0) + entries.length;
  const oldest = messages.reduce((low, message) => Math.min(low, message.position), Number.MAX_SAFE_INTEGER);
  const atBottom = useRef(true);
  const anchor = useRef({ height: 0, oldest });
  const opened = useRef(false);
  // Who sends something sees it go.
  const sending = useRef(entries.length);
  const [missed, setMissed] = useState(0);
  const seen = useRef(newest);
  const [announcement, setAnnouncement] = useState("");

  const toBottom = () => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
    setMissed(0);
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when what is shown changed, which `items` says.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || items.length === 0) return;
    if (!opened.current) {
      opened.current = true;
      const line = element.querySelector<HTMLElement>("[data-new-line]");
      if (line) element.scrollTop = Math.max(0, line.offsetTop - 60);
      else toBottom();
      atBottom.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
    } else if (oldest < anchor.current.oldest) {
      // Older messages appeared above: what was being read stays under the eye.
      element.scrollTop += element.scrollHeight - anchor.current.height;
    } else if (atBottom.current || entries.length > sending.current) toBottom();
    sending.current = entries.length;
    anchor.current = { height: element.scrollHeight, oldest };
  }, [items]);

  useEffect(() => {
    if (newest <= seen.current) return;
    const fresh = newest - seen.current;
    seen.current = newest;
    if (!atBottom.current) setMissed((count) => count + fresh);
    const last = messages.reduce<MessageItem | null>(
      (top, one) => (top && top.position > one.position ? top : one),
      null,
    );
    if (last?.direction === "INBOUND")
      setAnnouncement(t("timeline.announce", { name: last.authorName, text: last.text }));
  }, [newest, messages, t]);

  // Pictures and late fonts change heights after layout; whoever was at the bottom stays there.
  useEffect(() => {
    const element = scroller.current?.firstElementChild;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (atBottom.current && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={t("timeline.label")}
        className="h-full overflow-y-auto px-4 pb-4 [overflow-anchor:none] focus-visible:outline-offset-[-2px]"
        onScroll={(event) => {
          const element = event.currentTarget;
          atBottom.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
          if (atBottom.current) setMissed(0);
          if (element.scrollTop < 200 && hasOlder) onOlder();
        }}
      >
        <ol className="mx-auto flex max-w-3xl list-none flex-col p-0">
          {hasOlder && (
            <li className="flex justify-center pt-3">
              {loadingOlder ? (
                <Skeleton className="h-7 w-40" />
              ) : (
                <Button look="quiet" onClick={onOlder}>
                  {t("timeline.older")}
                </Button>
              )}
            </li>
          )}
          {items.length === 0 && <Empty title={t("timeline.empty")} />}
          {items.map((item) => {
            if (item.kind === "day")
              return (
                <li key={item.key} className="mt-4 flex items-center gap-3 text-meta text-muted">
                  <span className="h-px flex-1 bg-line" />
                  <span className="inline-block first-letter:uppercase">
                    {dayLabel(item.at, i18n.language, now)}
                  </span>
                  <span className="h-px flex-1 bg-line" />
                </li>
              );
            if (item.kind === "new")
              return (
                <li
                  key={item.key}
                  data-new-line=""
                  className="mt-3 flex items-center gap-3 font-semibold text-bad text-meta"
                >
                  <span className="h-px flex-1 bg-bad" />
                  {t("timeline.new")}
                  <span className="h-px flex-1 bg-bad" />
                </li>
              );
            if (item.kind === "outbox")
              return <OutboxView key={item.key} entry={item.entry} head={ticket.messageHead} />;
            const { message } = item;
            return (
              <MessageView
                key={item.key}
                message={message}
                continues={item.continues}
                conversation={conversationById.get(message.conversationId ?? "")}
                quoted={message.quotedId ? byId.get(message.quotedId) : undefined}
                language={i18n.language}
                own={message.authorUserId === viewerId}
              />
            );
          })}
        </ol>
      </div>
      <div className="sr-only" aria-live="polite">
        {announcement}
      </div>
      {missed > 0 && (
        <button
          type="button"
          onClick={toBottom}
          className="-translate-x-1/2 absolute bottom-3 left-1/2 inline-flex items-center gap-1 rounded-full border border-line-strong bg-surface px-3 py-1 font-medium text-accent-text shadow-[var(--shadow-pop)]"
        >
          <ArrowDown size={14} aria-hidden />
          {t("timeline.missed", { count: missed })}
        </button>
      )}
    </div>
  );
}
