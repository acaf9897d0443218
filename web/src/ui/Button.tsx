import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { cx } from "./cx";
import { Keys } from "./Keys";

type Look = "primary" | "plain" | "quiet" | "danger" | "ok";
const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-white hover:brightness-110 border-transparent",
  ok: "bg-ok-solid text-white hover:brightness-110 border-transparent",
  plain: "bg-surface text-text border-line-strong hover:bg-hover",
  quiet: "bg-transparent text-text border-transparent hover:bg-hover",
  danger: "bg-surface text-bad border-line-strong hover:bg-bad-soft",
};

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  large?: boolean;
  icon?: ReactNode;
  keys?: string | undefined;
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({
  look = "plain",
  large,
  icon,
  keys,
  busy,
  className,
  children,
  disabled,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      aria-busy={busy || undefined}
      disabled={disabled || busy}
      className={cx(
        "inline-flex shrink-0 items-center justify-center gap-1.5 whitespace-nowrap rounded-control border px-2.5 font-medium transition-[background-color,filter] duration-150 disabled:opacity-55",
        large ? "h-9 text-title" : "h-7 text-ui",
        LOOKS[look],
        className,
      )}
      {...rest}
    >
      {icon}
      {children}
      {keys && <Keys keys={keys} inverted={look === "primary" || look === "ok"} />}
    </button>
  );
}
