import { Menu as Base } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { cx } from "./cx";
import { Keys } from "./Keys";

export interface MenuItem {
  id: string;
  label: ReactNode;
  icon?: ReactNode;
  keys?: string;
  /** Quieter, at the end of the row. */
  hint?: string;
  checked?: boolean;
  disabled?: boolean;
  danger?: boolean;
  /** A thin line above. */
  separated?: boolean;
  run: () => void;
}

interface MenuProps {
  trigger: ReactElement<Record<string, unknown>>;
  items: readonly MenuItem[];
  heading?: string;
  align?: "start" | "end";
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
}

export function Menu({ trigger, items, heading, align = "end", open, onOpenChange }: MenuProps) {
  return (
    <Base.Root
      modal={false}
      {...(open === undefined ? {} : { open })}
      {...(onOpenChange ? { onOpenChange: (next: boolean) => onOpenChange(next) } : {})}
    >
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={align} className="z-50 outline-none">
          <Base.Popup className="max-h-[min(420px,70dvh)] min-w-44 max-w-80 overflow-auto rounded-card border border-line-strong bg-surface p-1 text-text shadow-[var(--shadow-pop)] outline-none">
            {heading && <div className="px-2 pt-1 pb-1.5 text-meta text-muted">{heading}</div>}
            {items.map((item) => (
              <div key={item.id} role="none">
                {item.separated && <Base.Separator className="my-1 h-px bg-line" />}
                <Base.Item
                  disabled={item.disabled ?? false}
                  onClick={item.run}
                  className={cx(
                    "flex min-h-7 cursor-default items-center gap-2 rounded-control px-2 py-1 outline-none data-[disabled]:opacity-50 data-[highlighted]:bg-hover",
                    item.danger && "text-bad",
                  )}
                >
                  {item.icon && <span className="flex w-4 shrink-0 justify-center">{item.icon}</span>}
                  <span className="min-w-0 flex-1">{item.label}</span>
                  {item.hint && <span className="shrink-0 pl-3 text-meta text-muted">{item.hint}</span>}
                  {item.checked && <Check size={14} className="text-accent-text" aria-hidden />}
                  {item.keys && <Keys keys={item.keys} />}
                </Base.Item>
              </div>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
