import {
  Ban,
  Check,
  CheckCheck,
  CircleAlert,
  CircleHelp,
  Clock,
  File as FileIcon,
  Lock,
  MessageSquareDashed,
  Trash2,
} from "lucide-react";
import { memo, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { ChannelIcon, useChannelKinds } from "@/features/inbox/channels";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import type { ConversationItem, MessageItem } from "@/lib/gql/fragments";
import type { MessageState } from "@/lib/gql/graphql";
import { dateTime, timeOfDay } from "@/lib/time";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Confirm } from "@/ui/Dialog";
import { CancelMessage, DeleteMessage, EditMessage, MarkMessageSent, RetryMessage } from "./conversation.gql";
import { HtmlBody, isRich } from "./HtmlBody";
import { Linked } from "./Linked";

const STATE_ICONS: Partial<Record<MessageState, typeof Check>> = {
  QUEUED: Clock,
  SENDING: Clock,
  SENT: Check,
  DELIVERED: CheckCheck,
  READ: CheckCheck,
  FAILED: CircleAlert,
  UNKNOWN: CircleHelp,
  CANCELLED: Ban,
};

export function StateLine({
  state,
  problem,
  children,
}: {
  state: MessageState;
  problem?: string | null;
  children?: ReactNode;
}) {
  const { t } = useTranslation(["inbox", "common"]);
  const Icon = STATE_ICONS[state];
  if (!Icon) return null;
  const tone =
    state === "FAILED"
      ? "text-bad"
      : state === "UNKNOWN"
        ? "text-warn"
        : state === "READ"
          ? "text-accent-text"
          : "text-muted";
  return (
    <div className={cx("mt-1 flex flex-wrap items-center justify-end gap-x-2 gap-y-1 text-meta", tone)}>
      <span className="inline-flex items-center gap-1">
        <Icon size={12} aria-hidden />
        {t(`message.${state as "SENT"}`)}
        {problem ? ` — ${problem}` : ""}
      </span>
      {children}
    </div>
  );
}

function Attachments({ message }: { message: MessageItem }) {
  const { t, i18n } = useTranslation(["inbox", "common"]);
  if (message.attachments.length === 0) return null;
  const kb = new Intl.NumberFormat(i18n.language, {
    style: "unit",
    unit: "kilobyte",
    maximumFractionDigits: 0,
  });
  return (
    <div className="mt-1 flex flex-wrap gap-1.5">
      {message.attachments.map((one) => {
        if (
          one.state === "READY" &&
          one.url &&
          one.mediaType.startsWith("image/") &&
          one.mediaType !== "image/svg+xml"
        )
          return (
            <a
              key={one.id}
              href={one.url}
              target="_blank"
              rel="noreferrer"
              className="block overflow-hidden rounded-card border"
            >
              <img
                src={one.url}
                alt={one.name || t("message.image")}
                width={240}
                height={160}
                loading="lazy"
                className="h-40 w-60 bg-subtle object-cover"
              />
            </a>
          );
        if (one.state === "READY" && one.url && one.mediaType.startsWith("audio/"))
          return (
            // biome-ignore lint/a11y/useMediaCaption: what a customer recorded has no captions.
            <audio key={one.id} controls preload="none" src={one.url} className="h-9 max-w-full" />
          );
        const label =
          one.state === "READY"
            ? kb.format((one.sizeBytes ?? 0) / 1024)
            : t(`attachment.${one.state as "PENDING"}`);
        const inner = (
          <>
            <FileIcon size={14} className="shrink-0 text-muted" aria-hidden />
            <span className="min-w-0 truncate">{one.name || t("message.file")}</span>
            <span className="shrink-0 text-meta text-muted">{one.problem ?? label}</span>
          </>
        );
        const box =
          "inline-flex max-w-full items-center gap-1.5 rounded-control border bg-surface px-2 py-1 text-text";
        return one.state === "READY" && one.url ? (
          <a key={one.id} href={one.url} download={one.name} className={cx(box, "hover:bg-hover")}>
            {inner}
          </a>
        ) : (
          <span key={one.id} className={box}>
            {inner}
          </span>
        );
      })}
    </div>
  );
}

function Body({ message }: { message: MessageItem }) {
  const { t } = useTranslation(["inbox", "common"]);
  if (message.deletedAt)
    return (
      <span className="inline-flex items-center gap-1.5 text-muted">
        <Trash2 size={13} aria-hidden />
        {t("message.deleted")}
      </span>
    );
  if (message.kind === "UNSUPPORTED")
    return (
      <span className="inline-flex items-center gap-1.5 text-muted">
        <MessageSquareDashed size={14} aria-hidden />
        {message.text || t("message.unsupported")}
      </span>
    );
  if (message.html && isRich(message.html)) return <HtmlBody html={message.html} text={message.text} />;
  return (
    <span className="whitespace-pre-wrap">
      <Linked text={message.text} />
    </span>
  );
}

function OwnActions({ message }: { message: MessageItem }) {
  const { t } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const { id } = message;
  const link = "font-medium text-accent-text underline-offset-2 hover:underline";
  if (message.state === "FAILED")
    return (
      <button type="button" className={link} onClick={() => void act(client, RetryMessage, { id })}>
        {t("message.retry")}
      </button>
    );
  if (message.state === "UNKNOWN")
    return (
      <>
        <button type="button" className={link} onClick={() => void act(client, RetryMessage, { id })}>
          {t("message.sendAgain")}
        </button>
        <button type="button" className={link} onClick={() => void act(client, MarkMessageSent, { id })}>
          {t("message.markSent")}
        </button>
      </>
    );
  if (message.state === "QUEUED")
    return (
      <button type="button" className={link} onClick={() => void act(client, CancelMessage, { id })}>
        {t("message.cancel")}
      </button>
    );
  return null;
}

function EditForm({ message, onDone }: { message: MessageItem; onDone: () => void }) {
  const { t } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const [text, setText] = useState(message.text);
  return (
    <form
      className="flex w-full min-w-60 flex-col gap-1.5"
      onSubmit={async (event) => {
        event.preventDefault();
        if (await act(client, EditMessage, { id: message.id, text })) onDone();
      }}
    >
      <textarea
        // biome-ignore lint/a11y/noAutofocus: opened by the person who asked to edit.
        autoFocus
        aria-label={t("message.edit")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="field-sizing-content min-h-16 rounded-control border border-line-strong bg-surface p-2"
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{t("common:cancel")}</Button>
        <Button look="primary" type="submit" disabled={text.trim() === ""}>
          {t("common:save")}
        </Button>
      </div>
    </form>
  );
}

interface Props {
  message: MessageItem;
  continues: boolean;
  conversation: ConversationItem | undefined;
  quoted: MessageItem | undefined;
  language: string;
  own: boolean;
}

export const MessageView = memo(function MessageView({
  message,
  continues,
  conversation,
  quoted,
  language,
  own,
}: Props) {
  const { t } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const kind = useChannelKinds().get(conversation?.inbox.channel ?? "");
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState(false);

  if (message.kind === "SYSTEM")
    return (
      <li className="flex justify-center py-1 text-center text-meta text-muted">
        {message.text} · {timeOfDay(message.sentAt, language)}
      </li>
    );
  const note = message.kind === "NOTE";
  const outbound = message.direction === "OUTBOUND" && !note;
  const settled = ["SENT", "DELIVERED", "READ"].includes(message.state);
  const changeable = own && outbound && settled && !message.deletedAt;
  const author =
    message.author === "OUTSIDE_AGENT"
      ? t("message.outside", { name: message.authorName })
      : message.authorName;
  return (
    <li className={cx("group flex gap-2.5", outbound && "flex-row-reverse", continues ? "mt-1" : "mt-4")}>
      {continues ? (
        <span className="w-7 shrink-0" />
      ) : (
        <Avatar id={message.authorUserId ?? message.authorName} name={message.authorName} size={28} />
      )}
      <div
        className={cx("flex min-w-0 max-w-[min(80%,620px)] flex-col", outbound ? "items-end" : "items-start")}
      >
        {!continues && (
          <div className="mb-1 flex flex-wrap items-center gap-x-1.5 text-meta text-muted">
            <span className="font-semibold text-text">{author}</span>
            {note && (
              <span className="inline-flex items-center gap-1 font-medium text-warn">
                <Lock size={11} aria-hidden />
                {t("message.note")}
              </span>
            )}
            {!note && conversation && (
              <span className="inline-flex items-center gap-1">
                <ChannelIcon channel={conversation.inbox.channel} size={12} />
                {kind?.name ?? conversation.inbox.channel}
              </span>
            )}
            <time dateTime={message.sentAt} title={dateTime(message.sentAt, language)}>
              {timeOfDay(message.sentAt, language)}
            </time>
          </div>
        )}
        <div
          className={cx(
            "min-w-0 max-w-full rounded-bubble border px-3 py-2",
            note
              ? "border-note-line bg-note"
              : outbound
                ? "border-transparent bg-accent-soft"
                : "border-line bg-surface",
          )}
        >
          {quoted && (
            <blockquote className="mb-1 truncate border-line-strong border-l-2 pl-2 text-meta text-muted">
              {quoted.text}
            </blockquote>
          )}
          {editing ? (
            <EditForm message={message} onDone={() => setEditing(false)} />
          ) : (
            <Body message={message} />
          )}
          {!message.deletedAt && <Attachments message={message} />}
        </div>
        {message.reactions.length > 0 && (
          <div className="mt-1 flex gap-1">
            {message.reactions.map((reaction) => (
              <span
                key={reaction.emoji + reaction.by}
                title={reaction.by}
                className="rounded-full border bg-surface px-1.5 text-meta"
              >
                {reaction.emoji}
              </span>
            ))}
          </div>
        )}
        {message.editedAt && !message.deletedAt && (
          <span className="mt-0.5 text-meta text-muted">{t("message.edited")}</span>
        )}
        {outbound && !message.deletedAt && (
          <StateLine state={message.state} problem={message.problem}>
            <OwnActions message={message} />
            {changeable && (kind?.canEdit || kind?.canDelete) && (
              <span className="order-first flex gap-2 opacity-0 focus-within:opacity-100 group-hover:opacity-100">
                {kind.canEdit && (
                  <button
                    type="button"
                    className="text-muted underline-offset-2 hover:underline"
                    onClick={() => setEditing(true)}
                  >
                    {t("message.edit")}
                  </button>
                )}
                {kind.canDelete && (
                  <button
                    type="button"
                    className="text-muted underline-offset-2 hover:underline"
                    onClick={() => setDeleting(true)}
                  >
                    {t("message.delete")}
                  </button>
                )}
              </span>
            )}
          </StateLine>
        )}
      </div>
      <Confirm
        open={deleting}
        danger
        title={t("message.deleteTitle")}
        confirm={t("message.delete")}
        onClose={() => setDeleting(false)}
        onConfirm={() => {
          setDeleting(false);
          void act(client, DeleteMessage, { id: message.id });
        }}
      >
        {t("message.deleteText")}
      </Confirm>
    </li>
  );
});
