import { type RefObject, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/ui/cx";
import { type Asked, accept, askedAt, type Suggestion, suggestionsFor } from "./suggest";

const NO_EMOJI: readonly Suggestion[] = [];
let emoji: Promise<readonly Suggestion[]> | null = null;

/** The faces come when the first colon asks for them. */
function useEmoji(wanted: boolean): readonly Suggestion[] {
  const [all, setAll] = useState(NO_EMOJI);
  useEffect(() => {
    if (!wanted) return;
    emoji ??= import("./emoji").then((module) => module.EMOJI);
    void emoji.then(setAll);
  }, [wanted]);
  return all;
}

export const SUGGEST_ID = "composer-suggestions";

/** Watches the word before the caret of a text field; its keys go first to the open list. */
export function useSuggest(
  area: RefObject<HTMLTextAreaElement | null>,
  people: readonly Suggestion[] | null,
  onText: (text: string) => void,
) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [active, setActive] = useState(0);
  const faces = useEmoji(asked?.sign === ":");
  const source = asked === null ? null : asked.sign === "@" ? people : faces;
  const found = asked && source ? suggestionsFor(asked.query, source) : [];
  const current = found[Math.min(active, found.length - 1)];

  const look = () => {
    const element = area.current;
    if (!element) return;
    const next = askedAt(element.value, element.selectionStart);
    if (next?.start !== asked?.start || next?.query !== asked?.query) setActive(0);
    setAsked(next);
  };
  const choose = (chosen: Suggestion) => {
    const element = area.current;
    if (!element || !asked) return;
    const done = accept(element.value, element.selectionStart, asked, chosen);
    onText(done.text);
    setAsked(null);
    requestAnimationFrame(() => {
      element.focus();
      element.setSelectionRange(done.caret, done.caret);
    });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (found.length === 0 || event.nativeEvent.isComposing) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (!plain) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((Math.min(active, found.length - 1) + step + found.length) % found.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && current) choose(current);
    else if (event.key === "Escape") setAsked(null);
    else return;
    event.preventDefault();
  };
  return { found, current, look, choose, onKeyDown, close: () => setAsked(null), setActive };
}

export function SuggestBox({ suggest }: { suggest: ReturnType<typeof useSuggest> }) {
  const { t } = useTranslation(["inbox", "common"]);
  const { found, current, choose, setActive } = suggest;
  if (found.length === 0) return null;
  return (
    <>
      <span role="status" className="sr-only">
        {t("composer.suggestions", { count: found.length })}
      </span>
      <div
        id={SUGGEST_ID}
        role="listbox"
        aria-label={t("composer.suggestionList")}
        className="absolute bottom-full left-2 z-20 mb-1 max-h-64 w-64 overflow-y-auto rounded-card border border-line-strong bg-surface p-1 shadow-[var(--shadow-pop)]"
      >
        {found.map((one, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the text field handles the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the text field (aria-activedescendant).
          <div
            key={one.id}
            id={`${SUGGEST_ID}-${one.id}`}
            role="option"
            aria-selected={one === current}
            onPointerMove={() => setActive(index)}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => choose(one)}
            className={cx(
              "flex min-h-7 cursor-pointer items-center rounded-control px-2",
              one === current && "bg-accent-soft text-accent-text",
            )}
          >
            <span className="truncate">{one.label}</span>
          </div>
        ))}
      </div>
    </>
  );
}
