import { BellOff, ChevronDown } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ChannelIcon, useChannelKinds } from "@/features/inbox/channels";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { useConnection } from "@/lib/gql/client";
import type { AgentStatus } from "@/lib/gql/graphql";
import { useCommands } from "@/lib/hotkeys/commands";
import { clock, useNow } from "@/lib/time";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { Menu, type MenuItem } from "@/ui/Menu";
import { ConnectedChannels, OwnAgent, SetAgentState, SetChannelsOff } from "./presence.gql";

export const REASONS = ["break", "lunch", "meeting", "training", "admin"] as const;
const NOT_RESPONDING = "not_responding";

const DOTS: Record<string, string> = {
  IDLE: "bg-ok",
  OFFERED: "bg-accent",
  ON_CONTACT: "bg-accent",
  WRAP_UP: "bg-snooze",
  NOT_READY: "bg-warn",
  NOT_RESPONDING: "bg-bad",
  LOST: "bg-bad",
  OFFLINE: "bg-muted",
};

export function useOwnAgent() {
  const [{ data }] = useQuery({ query: OwnAgent, requestPolicy: "cache-and-network" });
  return data?.viewer.agent ?? null;
}

type OwnRow = NonNullable<ReturnType<typeof useOwnAgent>>;

/** A switch for each channel that brings work; with one alone, her status says the same. */
function useChannelSwitches(agent: OwnRow | null): MenuItem[] {
  const { t } = useTranslation();
  const { client } = useApi();
  const kinds = useChannelKinds();
  const [{ data }] = useQuery({ query: ConnectedChannels });
  if (!agent) return [];
  const connected = (data?.inboxes ?? []).filter((inbox) => inbox.state !== "DISCONNECTED");
  const channels = [...new Set(connected.map((inbox) => inbox.channel))].sort();
  if (channels.length < 2) return [];
  return channels.map((channel, index) => {
    const isOff = agent.channelsOff.includes(channel);
    const others = agent.channelsOff.filter((one) => one !== channel);
    return {
      id: `channel-${channel}`,
      label: kinds.get(channel)?.name ?? channel,
      icon: <ChannelIcon channel={channel} />,
      hint: t(isOff ? "presence.channelOff" : "presence.channelOn"),
      separated: index === 0,
      run: () => void act(client, SetChannelsOff, { off: isOff ? others : [...others, channel] }),
    };
  });
}

export function PresenceSwitch() {
  const { t } = useTranslation();
  const { client } = useApi();
  const agent = useOwnAgent();
  const channelSwitches = useChannelSwitches(agent);
  const now = useNow("second");
  const lost = useConnection((state) => state.state === "lost");
  const [open, setOpen] = useState(false);
  const set = (status: AgentStatus, reason?: string, whenFree = false) =>
    void act(client, SetAgentState, { status, reason: reason ?? null, whenFree });
  const afterWork: MenuItem[] = [
    {
      id: "presence.breakAfterWork",
      label: t("presence.afterWork", { what: t("reason.break") }),
      icon: <Dot tone="bg-warn" />,
      separated: true,
      checked: agent?.nextStatus === "NOT_READY",
      run: () => set("NOT_READY", "break", true),
    },
    {
      id: "presence.offlineAfterWork",
      label: t("presence.afterWork", { what: t("presence.OFFLINE") }),
      icon: <Dot tone="bg-muted" />,
      checked: agent?.nextStatus === "OFFLINE",
      run: () => set("OFFLINE", undefined, true),
    },
  ];
  useCommands(
    [
      {
        id: "presence.available",
        title: t("presence.goAvailable"),
        group: "presence",
        run: () => set("AVAILABLE"),
      },
      ...REASONS.map((reason) => ({
        id: `presence.${reason}`,
        title: `${t("presence.NOT_READY")}: ${t(`reason.${reason}`)}`,
        group: "presence" as const,
        run: () => set("NOT_READY", reason),
      })),
      {
        id: "presence.offline",
        title: t("presence.goOffline"),
        group: "presence",
        run: () => set("OFFLINE"),
      },
      ...afterWork.map(({ id, label, run }) => ({
        id,
        title: String(label),
        group: "presence" as const,
        run,
      })),
    ],
    t("presence.goAvailable"),
  );
  if (!agent) return <span className="h-8 w-36" />;
  const reason = REASONS.find((one) => one === agent.reason);
  const nextReason = REASONS.find((one) => one === agent.nextReason);
  const next =
    agent.nextStatus && (nextReason ? t(`reason.${nextReason}`) : t(`presence.${agent.nextStatus}`));
  const label = lost
    ? t("presence.reconnecting")
    : agent.status === "NOT_READY" && reason
      ? t(`reason.${reason}`)
      : agent.status === "NOT_READY" && agent.reason && agent.reason !== NOT_RESPONDING
        ? agent.reason
        : t(`presence.${agent.presence}`);
  return (
    <Menu
      open={open}
      onOpenChange={setOpen}
      heading={t("presence.title")}
      trigger={
        <button
          type="button"
          className="inline-flex h-8 shrink-0 items-center gap-2 whitespace-nowrap rounded-full border border-line-strong bg-surface px-3 hover:bg-hover"
        >
          <span
            className={cx("size-2 rounded-full", lost ? "bg-warn" : DOTS[agent.presence])}
            aria-hidden="true"
          />
          <span className="sr-only">{t("presence.title")}: </span>
          <span className="font-medium">{label}</span>
          {next && <span className="hidden text-muted sm:inline">{t("presence.then", { next })}</span>}
          <span className="hidden text-muted sm:inline">{clock(now - Date.parse(agent.statusSince))}</span>
          <ChevronDown size={13} className="text-muted" aria-hidden />
        </button>
      }
      items={[
        {
          id: "available",
          label: t("presence.AVAILABLE"),
          icon: <Dot tone="bg-ok" />,
          checked: agent.status === "AVAILABLE" && !agent.nextStatus,
          run: () => set("AVAILABLE"),
        },
        ...REASONS.map((one, index) => ({
          id: one,
          label: t(`reason.${one}`),
          icon: <Dot tone="bg-warn" />,
          separated: index === 0,
          checked: agent.status === "NOT_READY" && agent.reason === one,
          run: () => set("NOT_READY", one),
        })),
        {
          id: "offline",
          label: t("presence.OFFLINE"),
          icon: <Dot tone="bg-muted" />,
          separated: true,
          checked: agent.status === "OFFLINE",
          run: () => set("OFFLINE"),
        },
        ...(agent.load > 0 && agent.status !== "OFFLINE" ? afterWork : []),
        ...channelSwitches,
      ]}
    />
  );
}

function Dot({ tone }: { tone: string }) {
  return <span className={cx("size-2 rounded-full", tone)} />;
}

/** An offer went unanswered: nothing more is offered until she says she is back. One click says it. */
export function NotRespondingBar() {
  const { t } = useTranslation();
  const { client } = useApi();
  const agent = useOwnAgent();
  if (agent?.status !== "NOT_READY" || agent.reason !== NOT_RESPONDING) return null;
  return (
    <div
      role="alert"
      className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-bad-soft px-4 py-1.5 text-bad"
    >
      <BellOff size={16} aria-hidden />
      <span className="min-w-0 flex-1">{t("presence.notRespondingText")}</span>
      <Button onClick={() => void act(client, SetAgentState, { status: "AVAILABLE", reason: null })}>
        {t("presence.return")}
      </Button>
    </div>
  );
}
