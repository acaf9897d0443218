//! One tooltip for the whole page: a dozen instances cost more script per ticket change than the timeline.
import { useEffect, useState } from "react";
import { Keys } from "./Keys";

export function tipProps(text: string, keys?: string | undefined) {
  return { "data-tip": text, ...(keys ? { "data-tip-keys": keys } : {}) };
}

interface Shown {
  text: string;
  keys: string | undefined;
  left: number;
  top: number;
  above: boolean;
}

function place(element: HTMLElement): Shown {
  const box = element.getBoundingClientRect();
  const above = box.bottom + 40 > window.innerHeight;
  return {
    text: element.dataset.tip ?? "",
    keys: element.dataset.tipKeys,
    left: Math.min(Math.max(box.left + box.width / 2, 70), window.innerWidth - 70),
    top: above ? box.top - 6 : box.bottom + 6,
    above,
  };
}

export function TipLayer() {
  const [shown, setShown] = useState<Shown | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hide = () => {
      clearTimeout(timer);
      setShown(null);
    };
    const over = (event: Event) => {
      const target = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-tip]") : null;
      clearTimeout(timer);
      if (!target) return setShown(null);
      timer = setTimeout(() => target.isConnected && setShown(place(target)), 350);
    };
    const focus = (event: Event) => {
      const target = event.target;
      if (target instanceof HTMLElement && target.dataset.tip && target.matches(":focus-visible"))
        setShown(place(target));
    };
    document.addEventListener("pointerover", over);
    document.addEventListener("pointerdown", hide);
    document.addEventListener("focusin", focus);
    document.addEventListener("focusout", hide);
    document.addEventListener("keydown", hide);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("pointerover", over);
      document.removeEventListener("pointerdown", hide);
      document.removeEventListener("focusin", focus);
      document.removeEventListener("focusout", hide);
      document.removeEventListener("keydown", hide);
    };
  }, []);
  if (!shown) return null;
  return (
    <div
      role="presentation"
      className="pointer-events-none fixed z-60 flex items-center gap-1 whitespace-nowrap rounded-control border border-line-strong bg-surface px-2 py-1 text-meta text-text shadow-[var(--shadow-pop)]"
      style={{
        left: shown.left,
        top: shown.top,
        transform: `translate(-50%, ${shown.above ? "-100%" : "0"})`,
      }}
    >
      {shown.text}
      {shown.keys && <Keys keys={shown.keys} />}
    </div>
  );
}
