import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ChannelIcon, useChannelKinds } from "@/features/inbox/channels";
import { PriorityPill } from "@/features/inbox/StatusPill";
import { useApi, useViewer } from "@/lib/app";
import { isPassing, problemText } from "@/lib/gql/act";
import type { ResultOf } from "@/lib/gql/graphql";
import { useCommands } from "@/lib/hotkeys/commands";
import { clock, useNow } from "@/lib/time";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/toasts";
import { AcceptOffer, DeclineOffer, Offers } from "./offers.gql";
import { ruleOf } from "./reason";

type Offer = ResultOf<typeof Offers>["offers"][number];

/** Says why an offer vanished when somebody else, or the clock, decided. */
function useLostOffers(): void {
  const api = useApi();
  const viewer = useViewer();
  const { t } = useTranslation();
  useEffect(
    () =>
      api.onChange((change) => {
        if (
          change.__typename !== "OfferImage" ||
          change.userId !== viewer.id ||
          change.offerState !== "WITHDRAWN"
        )
          return;
        toast(t(change.endReason?.includes("taken") ? "offer.taken" : "offer.withdrawn"));
      }),
    [api, viewer.id, t],
  );
}

function isTyping(): boolean {
  return /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
}

export function OfferLayer() {
  const [{ data }] = useQuery({ query: Offers, requestPolicy: "cache-and-network" });
  const now = useNow("second");
  useLostOffers();
  const open =
    data?.offers.filter((offer) => offer.state === "OFFERED" && Date.parse(offer.expiresAt) > now) ?? [];
  const offer = open[0];
  return offer ? <OfferCard key={offer.id} offer={offer} now={now} more={open.length - 1} /> : null;
}

const AGAIN_AFTER_MS = [250, 500, 1_000, 2_000];

function OfferCard({ offer, now, more }: { offer: Offer; now: number; more: number }) {
  const { t } = useTranslation();
  const { client } = useApi();
  const navigate = useNavigate();
  const kind = useChannelKinds().get(offer.ticket.channel);
  const [busy, setBusy] = useState(false);
  const accept = useRef<HTMLButtonElement>(null);
  const { ticket } = offer;
  const total = Math.max(1, Date.parse(offer.expiresAt) - Date.parse(offer.createdAt));
  const left = Math.max(0, Date.parse(offer.expiresAt) - now);
  const seconds = Math.ceil(left / 1_000);

  useEffect(() => {
    if (!isTyping() && !document.querySelector("[role=dialog],[role=menu]"))
      accept.current?.focus({ preventScroll: true });
  }, []);

  // Not optimistic: the server arbitrates, and the loser must hear it.
  const answer = async (accepting: boolean) => {
    if (busy) return;
    setBusy(true);
    const ask = () =>
      accepting
        ? client.mutation(AcceptOffer, { id: offer.id }).toPromise()
        : client.mutation(DeclineOffer, { id: offer.id, reason: null }).toPromise();
    let result = await ask();
    // An offer has seconds, so a server that stumbles is asked again instead of the agent.
    for (const pause of AGAIN_AFTER_MS) {
      if (!isPassing(result.error)) break;
      await new Promise((resolve) => setTimeout(resolve, pause));
      result = await ask();
    }
    setBusy(false);
    const payload =
      result.data && ("acceptOffer" in result.data ? result.data.acceptOffer : result.data.declineOffer);
    if (payload && !payload.problem) {
      if (accepting)
        void navigate({
          to: "/inbox/{-$number}",
          params: { number: String(ticket.number) },
          search: (old) => old,
        });
      return;
    }
    const code = payload?.problem?.code;
    if (code === "ALREADY_TAKEN") toast(t("offer.taken"), { tone: "bad" });
    else if (code === "EXPIRED") toast(t("offer.expired"), { tone: "bad" });
    else toast(payload?.problem ? problemText(payload.problem) : t("error.network"), { tone: "bad" });
  };

  useCommands(
    [
      {
        id: "offer.accept",
        title: t("offer.accept"),
        group: "offer",
        keys: ["Alt+KeyA"],
        run: () => void answer(true),
      },
      {
        id: "offer.decline",
        title: t("offer.decline"),
        group: "offer",
        keys: ["Alt+KeyX"],
        run: () => void answer(false),
      },
    ],
    `${offer.id}.${t("offer.accept")}`,
  );

  return (
    <div
      role="alertdialog"
      aria-labelledby="offer-title"
      aria-describedby="offer-text"
      className="fade-in fixed bottom-3 left-3 z-40 max-sm:top-14 max-sm:bottom-auto w-[min(340px,calc(100vw-24px))] rounded-bubble border border-line-strong bg-surface p-4 shadow-[var(--shadow-pop)]"
    >
      <div className="flex gap-3">
        <Avatar
          id={ticket.contact.id}
          name={ticket.contact.name}
          url={ticket.contact.avatarUrl}
          size={44}
          badge={<ChannelIcon channel={ticket.channel} size={18} />}
        />
        <div className="min-w-0 flex-1">
          <h2 id="offer-title" className="font-semibold text-pane">
            {t("offer.title", { name: ticket.contact.name })}
          </h2>
          <p id="offer-text" className="text-muted">
            {kind?.name ?? ticket.channel} · {ticket.queue.name}
            {ticket.waitingSince &&
              ` · ${t("offer.waited", { time: clock(now - Date.parse(ticket.waitingSince)) })}`}
          </p>
        </div>
      </div>
      <div className="mt-3 h-1 overflow-hidden rounded-full bg-hover" aria-hidden="true">
        <div
          className="h-full origin-left bg-ok transition-transform duration-1000 ease-linear"
          style={{ transform: `scaleX(${left / total})` }}
        />
      </div>
      <p role="timer" aria-live="off" className="mt-1 text-right text-meta text-muted">
        {t("offer.left", { count: seconds })}
      </p>
      <div className="mt-1 flex flex-col gap-1 rounded-control bg-subtle px-3 py-2">
        <div className="flex items-center gap-1.5">
          <span className="min-w-0 flex-1 truncate">{ticket.lastMessagePreview || ticket.subject}</span>
          {ticket.priority !== "NORMAL" && <PriorityPill priority={ticket.priority} />}
        </div>
        <p className="text-meta text-muted">
          #{ticket.number} · {t("offer.why")} {t(`rule.${ruleOf(offer.reason)}`)}
        </p>
      </div>
      <div className="mt-3 grid grid-cols-2 gap-2">
        <Button ref={accept} look="ok" large keys="Alt+KeyA" busy={busy} onClick={() => void answer(true)}>
          {t("offer.accept")}
        </Button>
        <Button large keys="Alt+KeyX" busy={busy} onClick={() => void answer(false)}>
          {t("offer.decline")}
        </Button>
      </div>
      {more > 0 && (
        <p className="mt-2 text-center text-meta text-muted">{t("offer.more", { count: more })}</p>
      )}
    </div>
  );
}
