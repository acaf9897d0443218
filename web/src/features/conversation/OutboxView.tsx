import { CircleAlert, Clock, File as FileIcon } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { newerMessages, useOutbox } from "@/lib/app";
import { restoreDraft } from "@/lib/drafts";
import { problemText } from "@/lib/gql/act";
import { useConnection } from "@/lib/gql/client";
import type { Entry } from "@/lib/outbox";
import { useNow } from "@/lib/time";
import { cx } from "@/ui/cx";
import { Confirm } from "@/ui/Dialog";
import { useSend } from "./useSend";

/** A message on its way: shown the moment it is sent, marked when it has to wait or was refused. */
export function OutboxView({ entry, head }: { entry: Entry; head: number }) {
  const { t } = useTranslation(["inbox", "common"]);
  const outbox = useOutbox();
  const offline = useConnection((state) => state.state === "lost");
  const isNewer = entry.state === "refused" && entry.problem?.code === "NEWER_MESSAGES";
  const [asked, setAsked] = useState(false);
  const { takeBack } = useSend();
  // The hold runs on this machine's clock; the tick only makes it end on screen.
  useNow("second");
  const held = entry.state === "waiting" && (entry.holdUntil ?? 0) > Date.now();
  const note = entry.conversationId === null;
  const link = "font-medium text-accent-text underline-offset-2 hover:underline";
  const newer = newerMessages.get(entry.clientId) ?? [];
  const sendAnyway = () => {
    setAsked(true);
    outbox.retry(entry.clientId, Math.max(head, ...newer.map((message) => message.position)));
  };
  const toDraft = () => {
    setAsked(true);
    const back = outbox.discard(entry.clientId);
    if (back) restoreDraft(localStorage, back.ticketId, note ? "note" : "reply", { ...back, at: Date.now() });
  };
  return (
    <li className="mt-4 flex flex-row-reverse gap-2.5" data-outbox={entry.state}>
      <span className="w-7 shrink-0" />
      <div className="flex min-w-0 max-w-[min(80%,620px)] flex-col items-end">
        <div
          className={cx(
            "whitespace-pre-wrap rounded-bubble border px-3 py-2",
            note ? "border-note-line bg-note" : "border-transparent bg-accent-soft",
          )}
        >
          {entry.text}
          {entry.uploads.map((upload) => (
            <span key={upload.id} className="mt-1 flex items-center gap-1.5 text-muted">
              <FileIcon size={13} aria-hidden /> {upload.name}
            </span>
          ))}
        </div>
        {entry.state === "refused" ? (
          <div className="mt-1 flex flex-wrap items-center justify-end gap-x-2 text-bad text-meta">
            <span className="inline-flex items-center gap-1">
              <CircleAlert size={12} aria-hidden />
              {entry.problem && problemText(entry.problem)}
            </span>
            <button
              type="button"
              className={link}
              onClick={() => (isNewer ? sendAnyway() : outbox.retry(entry.clientId))}
            >
              {t(isNewer ? "newer.send" : "message.retry")}
            </button>
            <button type="button" className={link} onClick={toDraft}>
              {t("message.toDraft")}
            </button>
            <button type="button" className={link} onClick={() => outbox.discard(entry.clientId)}>
              {t("message.discard")}
            </button>
          </div>
        ) : held ? (
          <div className="mt-1 inline-flex items-center gap-2 text-meta text-muted">
            <span className="inline-flex items-center gap-1">
              <Clock size={12} aria-hidden />
              {t("message.held")}
            </span>
            <button type="button" className={link} onClick={() => takeBack(entry.clientId)}>
              {t("common:undo")}
            </button>
          </div>
        ) : (
          <div className="mt-1 inline-flex items-center gap-1 text-meta text-muted">
            <Clock size={12} aria-hidden />
            {t(offline && entry.state === "waiting" ? "message.waiting" : "message.SENDING")}
          </div>
        )}
      </div>
      <Confirm
        open={isNewer && !asked}
        title={t("newer.title")}
        confirm={t("newer.send")}
        cancel={t("newer.edit")}
        onCancel={toDraft}
        onClose={() => setAsked(true)}
        onConfirm={sendAnyway}
      >
        <p className="mb-2">{t("newer.text")}</p>
        <ul className="flex list-none flex-col gap-1 p-0">
          {newer.map((message) => (
            <li key={message.id} className="rounded-control border bg-subtle px-2 py-1 text-text">
              <span className="font-semibold">{message.authorName}</span> {message.text}
            </li>
          ))}
        </ul>
      </Confirm>
    </li>
  );
}
