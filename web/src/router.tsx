import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Navigate,
  Outlet,
  redirect,
  useRouterState,
} from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { InvitationPage, loadSetup, ResetPage, SetupPage, SignInPage, useSetup } from "@/features/auth/pages";
import { InboxPage } from "@/features/inbox/InboxPage";
import { parseSearch } from "@/features/inbox/search";
import { Shell } from "@/features/shell/Shell";
import { refresh, useSession } from "@/lib/gql/session";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/States";
import { TipLayer } from "@/ui/Tip";
import { ToastLayer } from "@/ui/toasts";

const PUBLIC = ["/sign-in", "/invitation", "/reset-password"];

function Root() {
  const { t } = useTranslation();
  const status = useSession((state) => state.status);
  const location = useRouterState({ select: (state) => state.location });
  const setup = useSetup((state) => state.setup);
  useEffect(loadSetup, []);
  const isPublic = PUBLIC.includes(location.pathname);
  let content = <Outlet />;
  if (setup?.needed && status !== "signedIn") content = <SetupPage />;
  else if (status === "unreachable")
    content = (
      <main id="main" className="h-dvh">
        <Empty
          title={t("error.network")}
          text={t("error.unreachable")}
          action={
            <Button
              look="primary"
              onClick={() => {
                loadSetup();
                void refresh();
              }}
            >
              {t("retry")}
            </Button>
          }
        />
      </main>
    );
  else if (status === "starting" && !isPublic)
    content = <main id="main" aria-busy="true" className="h-dvh" />;
  else if (status === "anonymous" && !isPublic)
    content = <Navigate to="/sign-in" search={{ from: location.href }} replace />;
  return (
    <>
      {content}
      <ToastLayer />
      <TipLayer />
    </>
  );
}

const rootRoute = createRootRoute({
  component: Root,
  notFoundComponent: () => <NotFound />,
});
const signIn = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (raw): { from?: string } => (typeof raw.from === "string" ? { from: raw.from } : {}),
  component: SignInPage,
});
const invitation = createRoute({
  getParentRoute: () => rootRoute,
  path: "/invitation",
  component: InvitationPage,
});
const reset = createRoute({
  getParentRoute: () => rootRoute,
  path: "/reset-password",
  component: ResetPage,
});
const app = createRoute({ getParentRoute: () => rootRoute, id: "app", component: Shell });
const home = createRoute({
  getParentRoute: () => app,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/inbox/{-$number}", params: { number: undefined }, search: {} });
  },
});
const inbox = createRoute({
  getParentRoute: () => app,
  path: "/inbox/{-$number}",
  validateSearch: parseSearch,
  component: InboxPage,
});
const contacts = createRoute({
  getParentRoute: () => app,
  path: "/contacts/{-$id}",
  component: lazyRouteComponent(() => import("@/features/contact/ContactsPage"), "ContactsPage"),
});
const settings = createRoute({
  getParentRoute: () => app,
  path: "/settings",
  component: lazyRouteComponent(() => import("@/features/settings/SettingsFrame"), "SettingsFrame"),
});
const settingsHome = createRoute({
  getParentRoute: () => settings,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/settings/profile" });
  },
});
const profile = createRoute({
  getParentRoute: () => settings,
  path: "profile",
  component: lazyRouteComponent(() => import("@/features/settings/Profile"), "ProfilePage"),
});
const inboxes = createRoute({
  getParentRoute: () => settings,
  path: "inboxes",
  component: lazyRouteComponent(() => import("@/features/settings/Inboxes"), "InboxesPage"),
});
const queues = createRoute({
  getParentRoute: () => settings,
  path: "queues",
  component: lazyRouteComponent(() => import("@/features/settings/Queues"), "QueuesPage"),
});
const skills = createRoute({
  getParentRoute: () => settings,
  path: "skills",
  component: lazyRouteComponent(() => import("@/features/settings/Skills"), "SkillsPage"),
});
const people = createRoute({
  getParentRoute: () => settings,
  path: "people",
  component: lazyRouteComponent(() => import("@/features/settings/People"), "PeoplePage"),
});
const tokens = createRoute({
  getParentRoute: () => settings,
  path: "tokens",
  component: lazyRouteComponent(() => import("@/features/settings/Tokens"), "TokensPage"),
});
const deadLetters = createRoute({
  getParentRoute: () => settings,
  path: "dead-letters",
  component: lazyRouteComponent(() => import("@/features/settings/DeadLetters"), "DeadLettersPage"),
});
const apps = createRoute({
  getParentRoute: () => settings,
  path: "apps",
  component: lazyRouteComponent(() => import("@/features/settings/ProviderApps"), "ProviderAppsPage"),
});
const teams = createRoute({
  getParentRoute: () => settings,
  path: "teams",
  component: lazyRouteComponent(() => import("@/features/settings/Teams"), "TeamsPage"),
});
const audit = createRoute({
  getParentRoute: () => settings,
  path: "audit",
  component: lazyRouteComponent(() => import("@/features/settings/Audit"), "AuditPage"),
});

function NotFound() {
  const { t } = useTranslation();
  return (
    <main id="main" className="h-dvh">
      <Empty
        title={t("notFound")}
        action={
          <a href="/inbox" className="text-accent-text underline">
            {t("rail.inbox")}
          </a>
        }
      />
    </main>
  );
}

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    signIn,
    invitation,
    reset,
    app.addChildren([
      home,
      inbox,
      contacts,
      settings.addChildren([
        settingsHome,
        profile,
        inboxes,
        apps,
        queues,
        skills,
        people,
        teams,
        tokens,
        audit,
        deadLetters,
      ]),
    ]),
  ]),
  defaultPreload: "intent",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
