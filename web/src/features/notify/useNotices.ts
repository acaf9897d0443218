import { useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useOwnAgent } from "@/features/presence/PresenceSwitch";
import { useApi, useViewer } from "@/lib/app";
import { ticketIds } from "@/lib/gql/cache";
import { serverNow } from "@/lib/gql/client";
import { notifySystem, ring } from "@/lib/notify";
import { followLead } from "@/lib/notify/leader";
import { toast } from "@/ui/toasts";
import { type Event, Rules } from "./rules";

const SOFT_APART_MS = 5_000;

function numberOf(event: Exclude<Event, { kind: "offer" }>): number | undefined {
  if ("number" in event) return event.number;
  for (const [number, id] of ticketIds) if (id === event.ticketId) return number;
}

/** Sounds, notifications and toasts for what happens to an agent while she does something else. */
export function useNotices(): void {
  const { t } = useTranslation();
  const api = useApi();
  const viewer = useViewer();
  const router = useRouter();
  const away = useOwnAgent()?.status === "NOT_READY";
  useEffect(followLead, []);
  useEffect(() => {
    const rules = new Rules({ id: viewer.id, name: viewer.name }, serverNow());
    let softAt = 0;
    const soft = () => {
      if (Date.now() - softAt < SOFT_APART_MS) return;
      softAt = Date.now();
      ring("soft");
    };
    return api.onChange((change) => {
      const event = rules.judge(change);
      if (!event) return;
      if (event.kind === "offer") {
        if (!away) ring("offer");
        notifySystem({ tag: event.id, title: t("notice.offer"), body: t("notice.offerText"), onClick() {} });
        return;
      }
      const number = numberOf(event);
      const open = () =>
        number !== undefined &&
        void router.navigate({
          to: "/inbox/{-$number}",
          params: { number: String(number) },
          search: (before) => before,
        });
      const reading =
        document.hasFocus() && number !== undefined && router.state.location.pathname === `/inbox/${number}`;
      if (reading) return;
      soft();
      const title =
        event.kind === "mention"
          ? t("notice.mention", { name: event.author })
          : t(`notice.${event.kind}`, { number });
      notifySystem({ tag: event.ticketId, title, body: event.text, onClick: open });
      if (event.kind !== "reply")
        toast(title, number === undefined ? {} : { action: { label: t("notice.open"), run: open } });
    });
  }, [api, viewer.id, viewer.name, router, away, t]);
}
