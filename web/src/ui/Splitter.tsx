import { useRef } from "react";

interface SplitterProps {
  label: string;
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
}

/** Drags with a pointer and steps with arrow keys. */
export function Splitter({ label, value, min, max, onChange }: SplitterProps) {
  const from = useRef<{ x: number; value: number } | null>(null);
  const set = (next: number) => onChange(Math.round(Math.min(max, Math.max(min, next))));
  return (
    // biome-ignore lint/a11y/useSemanticElements: a window splitter is a focusable separator; <hr> cannot be one.
    <div
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      className="-right-1 absolute inset-y-0 z-10 hidden w-2 cursor-col-resize touch-none hover:bg-accent/25 focus-visible:bg-accent/40 lg:block"
      onPointerDown={(event) => {
        from.current = { x: event.clientX, value };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (from.current) set(from.current.value + event.clientX - from.current.x);
      }}
      onPointerUp={() => {
        from.current = null;
      }}
      onKeyDown={(event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        set(value + (event.key === "ArrowLeft" ? -16 : 16));
      }}
    />
  );
}
