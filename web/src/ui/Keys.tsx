import { isApple, keyCaps } from "@/lib/hotkeys/keys";
import { cx } from "./cx";

export function Keys({ keys, inverted }: { keys: string; inverted?: boolean }) {
  const apple = isApple();
  return (
    <span className="ml-0.5 hidden gap-0.5 sm:inline-flex" aria-hidden="true">
      {keyCaps(keys, apple).map((cap) => (
        <kbd
          key={cap}
          className={cx(
            "min-w-4 rounded border px-1 text-center font-sans text-[10.5px] leading-4",
            inverted ? "border-white/40 text-white" : "border-line-strong bg-surface text-muted",
          )}
        >
          {cap}
        </kbd>
      ))}
    </span>
  );
}
