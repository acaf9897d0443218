import { Link, Outlet, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { Inbox, LogOut, Search, Settings, Users } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { TicketCounts } from "@/features/inbox/inbox.gql";
import { useNotices } from "@/features/notify/useNotices";
import { OfferLayer } from "@/features/offers/OfferCard";
import { NotRespondingBar, PresenceSwitch } from "@/features/presence/PresenceSwitch";
import { settingsFor } from "@/features/settings/pages";
import { useOutboxEntries, useViewer, WorldProvider } from "@/lib/app";
import { signOut, switchTenant } from "@/lib/gql/session";
import { listenForKeys, useCommands } from "@/lib/hotkeys/commands";
import { languageName, languages } from "@/lib/i18n";
import { usePreferences } from "@/lib/prefs";
import { Avatar } from "@/ui/Avatar";
import { cx } from "@/ui/cx";
import { Keys } from "@/ui/Keys";
import { Menu } from "@/ui/Menu";
import { tipProps } from "@/ui/Tip";
import { toast, undoLast } from "@/ui/toasts";
import { ReconnectBar } from "./ReconnectBar";

const Palette = lazy(() =>
  import("@/features/palette/Palette").then((module) => ({ default: module.Palette })),
);
const Help = lazy(() => import("@/features/palette/Help").then((module) => ({ default: module.Help })));

const StartDialog = lazy(() =>
  import("@/features/contact/StartDialog").then((module) => ({ default: module.StartDialog })),
);

const THEMES = ["system", "light", "dark"] as const;

function Rail() {
  const { t, i18n } = useTranslation();
  const viewer = useViewer();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const theme = usePreferences((state) => state.theme);
  const item = (active: boolean) =>
    cx(
      "flex size-9 items-center justify-center rounded-card text-[oklch(0.82_0.02_268)] hover:bg-white/10 hover:text-white focus-visible:outline-white",
      active && "bg-white/15 text-white",
    );
  return (
    <nav
      aria-label={t("rail.label")}
      className="order-last flex shrink-0 items-center justify-around gap-2 bg-rail px-2 py-1.5 sm:order-first sm:w-14 sm:flex-col sm:justify-start sm:px-0 sm:py-3"
    >
      <span
        className="mb-2 hidden size-8 items-center justify-center rounded-card bg-accent font-bold text-pane text-white sm:flex"
        aria-hidden="true"
      >
        {viewer.tenant.name.slice(0, 1).toUpperCase()}
      </span>
      <Link
        to="/inbox/{-$number}"
        params={{ number: undefined }}
        search={{}}
        aria-label={t("rail.inbox")}
        className={item(path.startsWith("/inbox"))}
        {...tipProps(t("rail.inbox"), "KeyG KeyI")}
      >
        <Inbox size={19} aria-hidden />
      </Link>
      <Link
        to="/contacts/{-$id}"
        params={{ id: undefined }}
        aria-label={t("rail.contacts")}
        className={item(path.startsWith("/contacts"))}
        {...tipProps(t("rail.contacts"), "KeyG KeyC")}
      >
        <Users size={19} aria-hidden />
      </Link>
      <Link
        to="/settings"
        aria-label={t("rail.settings")}
        className={item(path.startsWith("/settings"))}
        {...tipProps(t("rail.settings"), "KeyG KeyS")}
      >
        <Settings size={19} aria-hidden />
      </Link>
      <span className="hidden flex-1 sm:block" />
      <Menu
        align="start"
        heading={`${viewer.name} · ${viewer.tenant.name}`}
        trigger={
          <button
            type="button"
            aria-label={t("rail.account", { name: viewer.name })}
            className="rounded-full focus-visible:outline-white"
          >
            <Avatar id={viewer.id} name={viewer.name} size={34} />
          </button>
        }
        items={[
          ...THEMES.map((one) => ({
            id: `theme-${one}`,
            label: t(`theme.${one}`),
            checked: theme === one,
            run: () => usePreferences.setState({ theme: one }),
          })),
          ...languages().map((tag, index) => ({
            id: `lang-${tag}`,
            label: languageName(tag),
            separated: index === 0,
            checked: i18n.language === tag,
            run: () => {
              usePreferences.setState({ language: tag });
              void i18n.changeLanguage(tag);
            },
          })),
          ...viewer.tenants
            .filter((tenant) => tenant.id !== viewer.tenant.id)
            .map((tenant, index) => ({
              id: tenant.id,
              label: t("rail.switchTo", { name: tenant.name }),
              separated: index === 0,
              run: () => void switchTenant(tenant.id),
            })),
          {
            id: "out",
            label: t("rail.signOut"),
            icon: <LogOut size={14} aria-hidden />,
            separated: true,
            run: () => void signOut(),
          },
        ]}
      />
    </nav>
  );
}

/** "(3) Inbox": what waits for me, readable from another tab. */
function useDocumentTitle(): void {
  const { t } = useTranslation();
  const [{ data }] = useQuery({ query: TicketCounts, requestPolicy: "cache-only" });
  const mine = data?.ticketCounts.mine ?? 0;
  useEffect(() => {
    document.title = mine > 0 ? `(${mine}) ${t("rail.inbox")} · Meari` : `${t("rail.inbox")} · Meari`;
  }, [mine, t]);
}

/** A reply that was refused after its ticket was left would otherwise wait there unseen. */
function useRefusals(): void {
  const { t } = useTranslation();
  const router = useRouter();
  const entries = useOutboxEntries();
  const told = useRef(new Set<string>());
  useEffect(() => {
    for (const entry of entries) {
      if (entry.state !== "refused" || told.current.has(entry.clientId)) continue;
      told.current.add(entry.clientId);
      const number = String(entry.ticketNumber);
      if (router.state.location.pathname === `/inbox/${number}`) continue;
      const open = () =>
        void router.navigate({ to: "/inbox/{-$number}", params: { number }, search: (before) => before });
      toast(t("notice.refused", { number }), {
        tone: "bad",
        liveMs: 15_000,
        action: { label: t("notice.open"), run: open },
      });
    }
  }, [entries, router, t]);
}

function Frame() {
  const { t, i18n } = useTranslation(["common", "inbox"]);
  const navigate = useNavigate();
  const viewer = useViewer();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [starting, setStarting] = useState(false);
  useEffect(listenForKeys, []);
  useDocumentTitle();
  useNotices();
  useRefusals();
  const cycleTheme = () =>
    usePreferences.setState(({ theme }) => ({
      theme: THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system",
    }));
  useCommands(
    [
      {
        id: "app.palette",
        title: t("palette.title"),
        group: "app",
        keys: ["Mod+KeyK"],
        listed: false,
        run: () => setPalette((open) => !open),
      },
      {
        id: "app.help",
        title: t("help.title"),
        group: "app",
        keys: ["Shift+Slash"],
        run: () => setHelp(true),
      },
      { id: "app.undo", title: t("undo"), group: "app", keys: ["KeyZ"], listed: false, run: undoLast },
      { id: "app.theme", title: t("theme.switch"), group: "app", run: cycleTheme },
      {
        id: "app.language",
        title: t("language.switch"),
        hint: "language 언어 한국어 English",
        group: "app",
        run: () => {
          const tag = i18n.language === "ko" ? "en" : "ko";
          usePreferences.setState({ language: tag });
          void i18n.changeLanguage(tag);
        },
      },
      {
        id: "app.sound",
        title: t("sound.switch"),
        group: "app",
        run: () => usePreferences.setState(({ sound }) => ({ sound: !sound })),
      },
      { id: "app.signOut", title: t("rail.signOut"), group: "app", run: () => void signOut() },
      {
        id: "go.inbox",
        title: t("rail.inbox"),
        group: "go",
        keys: ["KeyG KeyI"],
        run: () => void navigate({ to: "/inbox/{-$number}", params: { number: undefined }, search: {} }),
      },
      {
        id: "go.contacts",
        title: t("rail.contacts"),
        group: "go",
        keys: ["KeyG KeyC"],
        run: () => void navigate({ to: "/contacts/{-$id}", params: { id: undefined } }),
      },
      {
        id: "go.start",
        title: t("inbox:start.title"),
        hint: "new compose 새 대화 작성",
        group: "go",
        run: () => setStarting(true),
      },
      {
        id: "go.settings",
        title: t("rail.settings"),
        group: "go",
        keys: ["KeyG KeyS"],
        run: () => void navigate({ to: "/settings/profile" }),
      },
      ...settingsFor(viewer.role).map(([to, key]) => ({
        id: `go.${key}`,
        title: t(`nav.${key}`),
        hint: t("rail.settings"),
        group: "go" as const,
        run: () => void navigate({ to }),
      })),
    ],
    i18n.language + t("undo"),
  );
  return (
    <div className="flex h-dvh flex-col sm:flex-row">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:bg-surface focus:px-3 focus:py-1"
      >
        {t("skip")}
      </a>
      <Rail />
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <header className="flex h-11 shrink-0 items-center justify-between gap-3 border-b bg-surface px-3">
          <button
            type="button"
            onClick={() => setPalette(true)}
            className="flex h-7 min-w-0 max-w-80 flex-1 items-center gap-2 rounded-control border border-line-strong bg-subtle px-2 text-muted hover:bg-hover"
          >
            <Search size={14} className="shrink-0" aria-hidden />
            <span className="min-w-0 flex-1 truncate text-left">{t("palette.open")}</span>
            <Keys keys="Mod+KeyK" />
          </button>
          <PresenceSwitch />
        </header>
        <ReconnectBar />
        <NotRespondingBar />
        <Outlet />
      </div>
      <OfferLayer />
      <Suspense>
        {palette && <Palette open onClose={() => setPalette(false)} />}
        {starting && <StartDialog contact={null} onClose={() => setStarting(false)} />}
        {help && <Help open onClose={() => setHelp(false)} />}
      </Suspense>
    </div>
  );
}

export function Shell() {
  return (
    <WorldProvider>
      <Frame />
    </WorldProvider>
  );
}
