import { Link, Outlet } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useViewer } from "@/lib/app";
import { atLeast } from "@/lib/roles";
import { useNow } from "@/lib/time";
import { ADMIN, OWN } from "./pages";

export function SettingsFrame() {
  const { t } = useTranslation();
  const viewer = useViewer();
  useNow("minute");
  const link = ([to, key]: (typeof OWN)[number] | (typeof ADMIN)[number]) => (
    <li key={to}>
      <Link
        to={to}
        className="flex h-7 items-center whitespace-nowrap rounded-control px-2 text-muted hover:bg-hover hover:text-text aria-[current=page]:bg-accent-soft aria-[current=page]:font-semibold aria-[current=page]:text-accent-text"
      >
        {t(`nav.${key}`)}
      </Link>
    </li>
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col sm:flex-row">
      <nav
        aria-label={t("rail.settings")}
        className="shrink-0 overflow-x-auto border-b bg-canvas p-2 sm:w-51 sm:border-r sm:border-b-0 sm:pt-3"
      >
        <ul className="flex list-none gap-px p-0 sm:flex-col">
          {OWN.map(link)}
          {atLeast(viewer.role, "ADMIN") && (
            <li className="mx-2 hidden pt-3 pb-1 font-semibold text-meta text-muted sm:block">
              {viewer.tenant.name}
            </li>
          )}
          {atLeast(viewer.role, "ADMIN") && ADMIN.map(link)}
        </ul>
      </nav>
      <main id="main" className="min-h-0 min-w-0 flex-1 overflow-y-auto bg-canvas">
        <Outlet />
      </main>
    </div>
  );
}
