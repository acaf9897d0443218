import { SearchX } from "lucide-react";
import { type Ref, useEffect, useImperativeHandle, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useTicketActions } from "@/features/inbox/actions";
import { useOutboxEntries, useViewer } from "@/lib/app";
import { ticketIds } from "@/lib/gql/cache";
import { Button } from "@/ui/Button";
import { Empty, Failed, Skeleton } from "@/ui/States";
import { Composer, type ComposerHandle } from "./Composer";
import { TicketHead } from "./conversation.gql";
import { useColleagues, useTellPresence } from "./signals";
import { TicketHeader } from "./TicketHeader";
import { Timeline } from "./Timeline";
import { usePages } from "./usePages";

export interface ConversationHandle {
  focus(): void;
}
interface Props {
  number: number;
  onBack: () => void;
  onAdvance: () => void;
  handle: Ref<ConversationHandle>;
}

const READ_AFTER_MS = 1_000;

/** Read means: on a focused screen for a second, not merely rendered. */
function useMarkRead(
  id: string | undefined,
  head: number,
  unread: number,
  mark: (id: string, position: number) => void,
): void {
  const latest = useRef(mark);
  latest.current = mark;
  useEffect(() => {
    if (!id || unread === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const start = () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible" && document.hasFocus())
        timer = setTimeout(() => latest.current(id, head), READ_AFTER_MS);
    };
    start();
    window.addEventListener("focus", start);
    window.addEventListener("blur", start);
    document.addEventListener("visibilitychange", start);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("focus", start);
      window.removeEventListener("blur", start);
      document.removeEventListener("visibilitychange", start);
    };
  }, [id, head, unread]);
}

function TimelineSkeleton() {
  return (
    <div className="mx-auto flex w-full max-w-3xl flex-1 flex-col gap-5 p-6">
      <Skeleton className="h-12 w-3/5 rounded-bubble" />
      <Skeleton className="h-12 w-1/2 self-end rounded-bubble" />
      <Skeleton className="h-20 w-2/3 rounded-bubble" />
      <Skeleton className="h-12 w-2/5 self-end rounded-bubble" />
    </div>
  );
}

export function Conversation({ number, onBack, onAdvance, handle }: Props) {
  const { t } = useTranslation(["inbox", "common"]);
  const viewer = useViewer();
  const actions = useTicketActions();
  const [head] = useQuery({ query: TicketHead, variables: { number }, requestPolicy: "cache-only" });
  const pages = usePages(number);
  const ticket = pages.ticket ?? head.data?.ticket ?? null;
  const entries = useOutboxEntries();
  const own = useMemo(() => entries.filter((entry) => entry.ticketId === ticket?.id), [entries, ticket?.id]);
  const colleagues = useColleagues(ticket?.id);
  const tellTyping = useTellPresence(ticket?.id);
  const composer = useRef<ComposerHandle>(null);
  useImperativeHandle(handle, () => ({ focus: () => composer.current?.focus() }));
  useMarkRead(
    pages.ticket?.id,
    pages.ticket?.messageHead ?? 0,
    pages.ticket?.unread ?? 0,
    (id, position) => void actions.markRead(id, position),
  );
  useEffect(() => {
    if (ticket) ticketIds.set(ticket.number, ticket.id);
  }, [ticket]);

  const frame = "flex min-h-0 min-w-0 flex-1 flex-col bg-canvas";
  if (pages.error && !pages.ticket)
    return (
      <main id="main" className={frame}>
        <Failed error={pages.error} onRetry={pages.retry} />
      </main>
    );
  if (!ticket && !pages.fetching)
    return (
      <main id="main" className={frame}>
        <Empty
          icon={<SearchX size={22} aria-hidden />}
          title={t("conversation.missing", { number })}
          text={t("conversation.missingText")}
          action={<Button onClick={onBack}>{t("command.back")}</Button>}
        />
      </main>
    );
  const typing = colleagues.filter((one) => one.typing).map((one) => one.userName);
  return (
    <main id="main" className={frame}>
      {ticket && (
        <TicketHeader
          ticket={ticket}
          actions={actions}
          watching={colleagues.filter((one) => one.focused)}
          onBack={onBack}
          onAdvance={onAdvance}
        />
      )}
      {pages.ticket ? (
        <>
          <Timeline
            ticket={pages.ticket}
            messages={pages.messages}
            entries={own}
            conversations={pages.ticket.conversations}
            viewerId={viewer.id}
            hasOlder={pages.hasOlder}
            loadingOlder={pages.loadingOlder}
            onOlder={pages.loadOlder}
          />
          <Composer
            ticket={pages.ticket}
            conversations={pages.ticket.conversations}
            colleagues={typing.length > 0 ? t("composer.replying", { names: typing.join(", ") }) : ""}
            onTyping={tellTyping}
            onClosed={() => {
              if (ticket && ticket.status !== "CLOSED") void actions.toggleClosed(ticket);
              onAdvance();
            }}
            handle={composer}
          />
        </>
      ) : (
        <TimelineSkeleton />
      )}
    </main>
  );
}
