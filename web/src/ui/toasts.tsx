import { X } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { Button } from "./Button";
import { cx } from "./cx";
import { IconButton } from "./IconButton";

interface Toast {
  id: number;
  text: string;
  tone: "plain" | "bad";
  action?: { label: string; run: () => void } | undefined;
  liveMs: number;
}
const useToasts = create<{ toasts: Toast[] }>()(() => ({ toasts: [] }));
let nextId = 1;
const LIVE_MS = 6_000;

export function toast(
  text: string,
  options: { tone?: Toast["tone"]; action?: Toast["action"]; liveMs?: number } = {},
): number {
  const { tone = "plain", action, liveMs = tone === "bad" ? LIVE_MS * 1.5 : LIVE_MS } = options;
  const one: Toast = { id: nextId++, text, tone, action, liveMs };
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts.slice(-2), one] }));
  return one.id;
}

export function dismissToast(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((one) => one.id !== id) }));
}

/** Runs the newest toast's action: what the Z key undoes. */
export function undoLast(): void {
  const last = useToasts.getState().toasts.findLast((one) => one.action);
  if (!last) return;
  dismissToast(last.id);
  last.action?.run();
}

function ToastCard({ toast: { id, text, tone, action, liveMs } }: { toast: Toast }) {
  const { t } = useTranslation();
  useEffect(() => {
    const timer = setTimeout(() => dismissToast(id), liveMs);
    return () => clearTimeout(timer);
  }, [id, liveMs]);
  return (
    <li
      className={cx(
        "fade-in pointer-events-auto flex items-center gap-2 rounded-card border bg-surface py-1.5 pr-1.5 pl-3 shadow-[var(--shadow-pop)]",
        tone === "bad" ? "border-bad text-bad" : "border-line-strong",
      )}
    >
      <span className="min-w-0 flex-1">{text}</span>
      {action && (
        <Button
          look="quiet"
          keys="KeyZ"
          className="text-accent-text"
          onClick={() => {
            dismissToast(id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton label={t("dismiss")} onClick={() => dismissToast(id)}>
        <X size={14} aria-hidden />
      </IconButton>
    </li>
  );
}

/** Top centre: never over the composer, the offer card or the call bar. */
export function ToastLayer() {
  const toasts = useToasts((state) => state.toasts);
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 top-12 z-50 mx-auto w-[min(94vw,440px)]"
    >
      <ul className="flex list-none flex-col gap-2 p-0">
        {toasts.map((one) => (
          <ToastCard key={one.id} toast={one} />
        ))}
      </ul>
    </div>
  );
}
