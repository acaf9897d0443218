import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { languageName, languages } from "@/lib/i18n";
import { usePreferences } from "@/lib/prefs";

export function LanguageSelect() {
  const { i18n, t } = useTranslation("auth");
  return (
    <select
      aria-label={t("language")}
      value={i18n.language}
      onChange={({ target: { value } }) => {
        usePreferences.setState({ language: value });
        void i18n.changeLanguage(value);
      }}
      className="h-8 rounded-control border border-line-strong bg-surface px-2"
    >
      {languages().map((tag) => (
        <option key={tag} value={tag}>
          {languageName(tag)}
        </option>
      ))}
    </select>
  );
}

export function AuthFrame({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  return (
    <main id="main" className="flex min-h-dvh flex-col items-center overflow-y-auto bg-canvas px-4 py-[8dvh]">
      <div className="w-full max-w-100">
        <div className="mb-6 flex items-center gap-2.5">
          <img src="/favicon.svg" alt="" width={32} height={32} />
          <span className="flex-1 font-semibold text-page">Meari</span>
          <LanguageSelect />
        </div>
        <div className="rounded-bubble border bg-surface p-6">
          <h1 className="mb-1 font-semibold text-page">{title}</h1>
          {text && <p className="mb-4 text-muted">{text}</p>}
          {children}
        </div>
      </div>
    </main>
  );
}
