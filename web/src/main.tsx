import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { refresh, useSession } from "@/lib/gql/session";
import { findLanguages, preferredLanguage, startI18n } from "@/lib/i18n";
import { followTheme, usePreferences } from "@/lib/prefs";
import { router } from "./router";
import "./styles/app.css";

async function start(): Promise<void> {
  followTheme();
  void refresh();
  const chosen = usePreferences.getState().language;
  const available = await findLanguages();
  await startI18n(preferredLanguage(chosen, navigator.languages, available));
  const root = document.getElementById("root");
  if (root) createRoot(root).render(<RouterProvider router={router} />);
  void import("./styles/fonts");
  // Until she chooses on this machine, the language is the one of her account.
  useSession.subscribe(async ({ viewer }, before) => {
    if (!viewer || before.viewer || usePreferences.getState().language !== null) return;
    const { default: i18next } = await import("i18next");
    const tag = preferredLanguage(null, [viewer.locale, ...navigator.languages], available);
    if (tag !== i18next.language) void i18next.changeLanguage(tag);
  });
}

void start();
