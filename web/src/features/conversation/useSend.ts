import { useRouter } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useOutbox } from "@/lib/app";
import { restoreDraft } from "@/lib/drafts";
import { type Entry, newClientId } from "@/lib/outbox";
import { usePreferences } from "@/lib/prefs";
import { toast } from "@/ui/toasts";

type Words = Pick<
  Entry,
  "ticketId" | "ticketNumber" | "conversationId" | "text" | "uploads" | "seen" | "mentions"
>;

/** Sends by way of the outbox. A reply is held for some seconds in which it can be taken back, also from elsewhere. */
export function useSend() {
  const outbox = useOutbox();
  const router = useRouter();
  const { t } = useTranslation(["inbox", "common"]);

  const takeBack = (clientId: string) => {
    const entry = outbox.takeBack(clientId);
    if (!entry) {
      toast(t("composer.tooLate"), { tone: "bad" });
      return;
    }
    const { ticketId, ticketNumber, conversationId, text, uploads } = entry;
    const mode = conversationId === null ? "note" : "reply";
    restoreDraft(localStorage, ticketId, mode, { text, conversationId, uploads, at: Date.now() });
    void router.navigate({
      to: "/inbox/{-$number}",
      params: { number: String(ticketNumber) },
      search: (before) => before,
    });
  };

  const send = (words: Words) => {
    const clientId = newClientId();
    // Colleagues may read a note at once; only what leaves the house is worth a second thought.
    const holdMs = words.conversationId === null ? 0 : usePreferences.getState().undoSeconds * 1_000;
    outbox.add({ ...words, clientId, at: Date.now() }, holdMs);
    if (holdMs > 0)
      toast(t("composer.held", { number: words.ticketNumber }), {
        liveMs: holdMs,
        action: { label: t("common:undo"), run: () => takeBack(clientId) },
      });
  };
  return { send, takeBack };
}
