//! Translations are JSON files loaded at run time, so that a new language needs no build.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const NAMESPACES = ["common", "inbox", "auth", "settings"] as const;
const FALLBACK = "en";

const loaders = {
  type: "backend" as const,
  init() {},
  read(language: string, namespace: string, done: (error: Error | null, data: object | null) => void) {
    fetch(`/locales/${language}/${namespace}.json`)
      .then((response) =>
        response.ok ? response.json() : Promise.reject(new Error(String(response.status))),
      )
      .then(
        (data: object) => done(null, data),
        (error: Error) => done(error, null),
      );
  },
};

let found: readonly string[] = [FALLBACK];

/** Languages this installation has files for; asked before the first screen, so that no list of them grows later. */
export const languages = (): readonly string[] => found;

export async function findLanguages(): Promise<readonly string[]> {
  try {
    const response = await fetch("/locales/index.json");
    if (response.ok) found = (await response.json()) as string[];
  } catch {
    // Without the list the app still speaks its own language.
  }
  return found;
}

export function preferredLanguage(
  chosen: string | null,
  wanted: readonly string[],
  available: readonly string[],
): string {
  for (const tag of chosen === null ? wanted : [chosen, ...wanted]) {
    const exact = available.find((one) => one.toLowerCase() === tag.toLowerCase());
    const base = available.find((one) => one === tag.split("-")[0]);
    if (exact ?? base) return (exact ?? base) as string;
  }
  return FALLBACK;
}

/** The language's own name for itself: a list of languages is for people who read only one of them. */
export function languageName(tag: string): string {
  return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
}

export async function startI18n(language: string): Promise<void> {
  await i18next
    .use(loaders)
    .use(initReactI18next)
    .init({
      lng: language,
      fallbackLng: FALLBACK,
      ns: [...NAMESPACES],
      defaultNS: "common",
      interpolation: { escapeValue: false },
      react: { useSuspense: false },
      returnNull: false,
    });
  document.documentElement.lang = i18next.language;
  i18next.on("languageChanged", (tag) => {
    document.documentElement.lang = tag;
  });
}
