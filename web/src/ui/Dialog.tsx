import { AlertDialog as BaseAlert } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./Button";
import { cx } from "./cx";
import { IconButton } from "./IconButton";

const BACKDROP = "fixed inset-0 z-40 bg-[oklch(0.15_0.02_268/0.45)]";
const POPUP =
  "fixed left-1/2 z-50 flex max-h-[86dvh] w-[min(94vw,var(--dialog-width))] -translate-x-1/2 flex-col overflow-hidden rounded-bubble border border-line-strong bg-surface text-text shadow-[var(--shadow-pop)] outline-none fade-in-soft";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  width?: number;
  /** The palette has its own header. */
  bare?: boolean;
  top?: boolean;
  children: ReactNode;
  footer?: ReactNode;
}

export function Dialog({ open, onClose, title, width = 480, bare, top, children, footer }: DialogProps) {
  const { t } = useTranslation();
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={BACKDROP} />
        <Base.Popup
          className={cx(POPUP, top ? "top-[12dvh]" : "top-1/2 -translate-y-1/2")}
          style={{ "--dialog-width": `${width}px` } as React.CSSProperties}
        >
          {bare ? (
            <Base.Title className="sr-only">{title}</Base.Title>
          ) : (
            <div className="flex items-center justify-between gap-3 border-b py-2.5 pr-2.5 pl-4">
              <Base.Title className="font-semibold text-pane">{title}</Base.Title>
              <Base.Close
                render={
                  <IconButton label={t("close")}>
                    <X size={16} aria-hidden />
                  </IconButton>
                }
              />
            </div>
          )}
          <div className={cx("min-h-0 overflow-auto", !bare && "p-4")}>{children}</div>
          {footer && (
            <div className="flex flex-wrap justify-end gap-2 border-t bg-subtle px-4 py-3">{footer}</div>
          )}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  title: string;
  children?: ReactNode;
  confirm: string;
  danger?: boolean;
  onConfirm: () => void;
  /** The other answer, when it is more than "not now". */
  cancel?: string;
  onCancel?: () => void;
  onClose: () => void;
}

export function Confirm({
  open,
  title,
  children,
  confirm,
  danger,
  onConfirm,
  cancel,
  onCancel,
  onClose,
}: ConfirmProps) {
  const { t } = useTranslation();
  return (
    <BaseAlert.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <BaseAlert.Portal>
        <BaseAlert.Backdrop className={BACKDROP} />
        <BaseAlert.Popup
          className={cx(POPUP, "top-1/2 -translate-y-1/2")}
          style={{ "--dialog-width": "440px" } as React.CSSProperties}
        >
          <div className="overflow-auto p-4">
            <BaseAlert.Title className="mb-2 font-semibold text-pane">{title}</BaseAlert.Title>
            <BaseAlert.Description className="text-muted" render={<div />}>
              {children}
            </BaseAlert.Description>
          </div>
          <div className="flex justify-end gap-2 border-t bg-subtle px-4 py-3">
            <Button onClick={onCancel ?? onClose}>{cancel ?? t("cancel")}</Button>
            <Button look={danger ? "danger" : "primary"} onClick={onConfirm}>
              {confirm}
            </Button>
          </div>
        </BaseAlert.Popup>
      </BaseAlert.Portal>
    </BaseAlert.Root>
  );
}
