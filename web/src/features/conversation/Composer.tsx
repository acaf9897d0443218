import { ChevronDown, Lock, Paperclip, TriangleAlert, X } from "lucide-react";
import { type Ref, useImperativeHandle, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ChannelIcon, useChannelKinds } from "@/features/inbox/channels";
import { AgentNames } from "@/features/inbox/inbox.gql";
import { useViewer } from "@/lib/app";
import type { Mode } from "@/lib/drafts";
import { textLength } from "@/lib/format/length";
import type { ConversationItem, TicketRow } from "@/lib/gql/fragments";
import { useCommands } from "@/lib/hotkeys/commands";
import { dateTime, useNow } from "@/lib/time";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { IconButton } from "@/ui/IconButton";
import { Keys } from "@/ui/Keys";
import { Menu } from "@/ui/Menu";
import { refusalOf } from "./model";
import { SUGGEST_ID, SuggestBox, useSuggest } from "./SuggestBox";
import { mentionedIn } from "./suggest";
import { useDraft } from "./useDraft";
import { useSend } from "./useSend";
import { useUploads } from "./useUploads";

export interface ComposerHandle {
  focus(mode?: Mode): void;
}

interface Props {
  ticket: TicketRow;
  conversations: readonly ConversationItem[];
  colleagues: string;
  onTyping: () => void;
  onClosed: () => void;
  handle: Ref<ComposerHandle>;
}

/** Everybody but the writer can be named in a note. */
function usePeople() {
  const viewer = useViewer();
  const [{ data }] = useQuery({ query: AgentNames });
  return useMemo(
    () => (data?.agents ?? []).map((agent) => agent.user).filter((user) => user.id !== viewer.id),
    [data, viewer.id],
  );
}

export function Composer({ ticket, conversations, colleagues, onTyping, onClosed, handle }: Props) {
  const { t, i18n } = useTranslation(["inbox", "common"]);
  const { send: post } = useSend();
  const kinds = useChannelKinds();
  const now = useNow("minute");
  const [mode, setMode] = useState<Mode>("reply");
  const { draft, change, flush } = useDraft(ticket.id, mode);
  const area = useRef<HTMLTextAreaElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const [dropping, setDropping] = useState(false);

  const conversation = conversations.find((one) => one.id === draft?.conversationId) ?? conversations[0];
  const kind = kinds.get(conversation?.inbox.channel ?? "");
  const refusal = conversation ? refusalOf(conversation, now) : null;
  const blocked = mode === "reply" && (!conversation || refusal !== null);
  const text = draft?.text ?? "";
  const uploads = draft?.uploads ?? [];
  const max = mode === "reply" ? kind?.textMax : undefined;
  const length = max === undefined ? 0 : textLength(text, kind?.textUnit ?? "chars");
  const tooLong = max !== undefined && length > max;
  const empty = text.trim() === "" && uploads.length === 0;
  const uploading = useUploads(kind, uploads, (next) => change({ uploads: next }));
  const mayAttach = mode === "reply" && !blocked && kind?.canAttach === true;
  const people = usePeople();
  const names = useMemo(
    () => people.map(({ id, name }) => ({ id, label: name, insert: `@${name} ` })),
    [people],
  );
  const suggest = useSuggest(area, mode === "note" ? names : null, (value) => change({ text: value }));

  useImperativeHandle(handle, () => ({
    focus(next) {
      if (next) setMode(next);
      area.current?.focus();
    },
  }));

  const send = (andClose: boolean) => {
    if (blocked || tooLong || empty || uploading.busy) return;
    post({
      ticketId: ticket.id,
      ticketNumber: ticket.number,
      conversationId: mode === "note" ? null : (conversation?.id ?? null),
      text: text.trim(),
      uploads,
      seen: ticket.messageHead,
      mentions: mode === "note" ? mentionedIn(text, people) : [],
    });
    change({ text: "", uploads: [] });
    // Taking it back gives it to the stored draft, which must not still hold what was sent.
    flush();
    suggest.close();
    if (andClose) onClosed();
  };

  useCommands(
    [
      {
        id: "composer.reply",
        title: t("command.reply"),
        group: "composer",
        keys: ["KeyR"],
        run: () => {
          setMode("reply");
          area.current?.focus();
        },
      },
      {
        id: "composer.note",
        title: t("command.note"),
        group: "composer",
        keys: ["KeyN"],
        run: () => {
          setMode("note");
          area.current?.focus();
        },
      },
      {
        id: "composer.send",
        title: t("command.send"),
        group: "composer",
        keys: ["Mod+Enter"],
        run: () => send(false),
      },
      {
        id: "composer.sendClose",
        title: t("command.sendClose"),
        group: "composer",
        keys: ["Mod+Shift+Enter"],
        run: () => send(true),
      },
      {
        id: "composer.channel",
        title: t("command.channel"),
        group: "composer",
        keys: ["Mod+Shift+KeyK"],
        run: () => {
          const at = conversations.findIndex((one) => one.id === conversation?.id);
          const next = conversations[(at + 1) % Math.max(1, conversations.length)];
          if (next) change({ conversationId: next.id });
        },
      },
    ],
    t("command.reply"),
  );

  const tab = (value: Mode, label: string, keys: string) => (
    <button
      type="button"
      role="tab"
      id={`composer-${value}`}
      aria-selected={mode === value}
      aria-controls="composer-panel"
      tabIndex={mode === value ? 0 : -1}
      onClick={() => setMode(value)}
      onKeyDown={(event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        const other = value === "reply" ? "note" : "reply";
        setMode(other);
        document.getElementById(`composer-${other}`)?.focus();
      }}
      className={cx(
        "inline-flex h-7 items-center gap-1 whitespace-nowrap rounded-control px-2",
        mode === value ? "bg-hover font-semibold" : "text-muted hover:text-text",
      )}
    >
      {value === "note" && <Lock size={12} aria-hidden />}
      {label}
      <Keys keys={keys} />
    </button>
  );

  const name = ticket.contact.name;
  return (
    <section
      aria-label={t("composer.label")}
      className={cx(
        "mx-3 mb-3 rounded-card border",
        mode === "note" ? "border-note-line bg-note" : "border-line-strong bg-surface",
        dropping && "outline-2 outline-accent",
      )}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        // Also when nothing can be attached: the browser would leave the page to show the file.
        event.preventDefault();
        event.dataTransfer.dropEffect = mayAttach ? "copy" : "none";
        setDropping(mayAttach);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={(event) => {
        setDropping(false);
        if (event.dataTransfer.files.length === 0) return;
        event.preventDefault();
        if (mayAttach) void uploading.attach([...event.dataTransfer.files]);
      }}
    >
      <div className="flex flex-wrap items-center gap-1 px-2 pt-2">
        <div role="tablist" aria-label={t("composer.mode")} className="flex gap-1">
          {tab("reply", t("composer.reply"), "KeyR")}
          {tab("note", t("composer.note"), "KeyN")}
        </div>
        {mode === "reply" && conversation && (
          <Menu
            align="start"
            heading={t("composer.via")}
            trigger={
              <button
                type="button"
                className="inline-flex h-7 min-w-0 items-center gap-1.5 rounded-control px-2 hover:bg-hover"
              >
                <ChannelIcon channel={conversation.inbox.channel} size={16} />
                <span className="max-w-44 truncate">{kind?.name ?? conversation.inbox.channel}</span>
                <ChevronDown size={13} className="text-muted" aria-hidden />
              </button>
            }
            items={conversations.map((one) => ({
              id: one.id,
              label: `${kinds.get(one.inbox.channel)?.name ?? one.inbox.channel} · ${one.identity.display || one.identity.handle} · ${one.inbox.name}`,
              icon: <ChannelIcon channel={one.inbox.channel} size={14} />,
              checked: one.id === conversation.id,
              run: () => change({ conversationId: one.id }),
            }))}
          />
        )}
        <span className="ml-auto min-w-0 truncate px-1 text-meta text-muted" aria-live="polite">
          {colleagues}
        </span>
      </div>
      <div role="tabpanel" id="composer-panel" aria-labelledby={`composer-${mode}`} className="relative">
        <SuggestBox suggest={suggest} />
        {blocked ? (
          <div
            role="status"
            className="m-2 flex items-start gap-2 rounded-control bg-warn-soft px-3 py-2 text-warn"
          >
            <TriangleAlert size={16} className="mt-0.5 shrink-0" aria-hidden />
            <div>
              <p className="font-medium">{t(refusal ? `refusal.${refusal}` : "refusal.none")}</p>
              <p>
                {refusal === "window_closed" && conversation?.replyUntil
                  ? t("refusal.since", { time: dateTime(conversation.replyUntil, i18n.language) })
                  : (conversation?.inbox.problem ?? "")}{" "}
                {t("refusal.note")}
              </p>
            </div>
          </div>
        ) : (
          <textarea
            ref={area}
            value={text}
            rows={3}
            aria-label={
              mode === "note"
                ? t("composer.notePlaceholder")
                : t("composer.placeholder", { name, channel: kind?.name ?? "" })
            }
            placeholder={
              mode === "note"
                ? t("composer.notePlaceholder")
                : t("composer.placeholder", { name, channel: kind?.name ?? "" })
            }
            aria-invalid={tooLong || undefined}
            aria-autocomplete="list"
            aria-controls={suggest.found.length > 0 ? SUGGEST_ID : undefined}
            aria-activedescendant={suggest.current ? `${SUGGEST_ID}-${suggest.current.id}` : undefined}
            onChange={(event) => {
              change({ text: event.target.value });
              suggest.look();
              if (mode === "reply") onTyping();
            }}
            onSelect={suggest.look}
            onKeyDown={suggest.onKeyDown}
            onBlur={suggest.close}
            onPaste={(event) => {
              if (event.clipboardData.files.length > 0 && mayAttach) {
                event.preventDefault();
                void uploading.attach([...event.clipboardData.files]);
              }
            }}
            className="field-sizing-content block max-h-[40dvh] min-h-18 w-full resize-none bg-transparent px-3 py-2 text-title outline-none"
          />
        )}
        {uploads.length > 0 && (
          <ul className="flex list-none flex-wrap gap-1.5 px-3 pb-1">
            {uploads.map((upload) => (
              <li
                key={upload.id}
                className="inline-flex items-center gap-1 rounded-control border bg-subtle py-0.5 pl-2"
              >
                <span className="max-w-40 truncate">{upload.name}</span>
                <IconButton
                  label={t("composer.removeFile", { name: upload.name })}
                  className="size-6"
                  onClick={() => change({ uploads: uploads.filter((one) => one.id !== upload.id) })}
                >
                  <X size={13} aria-hidden />
                </IconButton>
              </li>
            ))}
          </ul>
        )}
        <div className="flex items-center gap-1 px-2 pb-2">
          {mode === "reply" && kind?.canAttach && (
            <>
              <input
                ref={file}
                type="file"
                multiple
                hidden
                accept={kind.attachmentTypes.join()}
                onChange={(event) => {
                  void uploading.attach([...(event.target.files ?? [])]);
                  event.target.value = "";
                }}
              />
              <IconButton
                label={t("composer.attach")}
                disabled={blocked}
                onClick={() => file.current?.click()}
              >
                <Paperclip size={16} aria-hidden />
              </IconButton>
            </>
          )}
          {uploading.busy && <span className="text-meta text-muted">{t("composer.uploading")}</span>}
          <span className="flex-1" />
          {max !== undefined && !blocked && text !== "" && (
            <span
              className={cx(
                "px-1 text-meta",
                tooLong ? "font-semibold text-bad" : length > max * 0.85 ? "text-warn" : "text-muted",
              )}
            >
              <span className="sr-only">{t("composer.length")} </span>
              {length.toLocaleString(i18n.language)} / {max.toLocaleString(i18n.language)}
            </span>
          )}
          <Button
            look="primary"
            keys="Mod+Enter"
            disabled={blocked || tooLong || empty || uploading.busy}
            onClick={() => send(false)}
          >
            {mode === "note" ? t("composer.saveNote") : t("composer.send")}
          </Button>
        </div>
      </div>
    </section>
  );
}
