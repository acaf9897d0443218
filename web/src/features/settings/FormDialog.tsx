import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Confirm, Dialog } from "@/ui/Dialog";
import type { useSubmit } from "./useSubmit";

interface Props {
  title: string;
  form: ReturnType<typeof useSubmit>;
  /** Fields that show their own refusal; every other one is said above the form. */
  known: readonly string[];
  submit?: string;
  width?: number;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** What every form in a dialog has: its refusal on top, Cancel and one main button at the end. */
export function FormDialog({ title, form, known, submit, width = 520, onSubmit, onClose, children }: Props) {
  const { t } = useTranslation();
  const refusal = form.general(known);
  return (
    <Dialog open onClose={onClose} title={title} width={width}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {refusal && (
          <p role="alert" className="rounded-control bg-bad-soft px-3 py-2 text-bad">
            {refusal}
          </p>
        )}
        {children}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button look="primary" type="submit" busy={form.busy}>
            {submit ?? t("save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Asks before something is archived, disconnected or removed; `target` is what, or null while nobody asks. */
export function Doomed<T>({
  target,
  title,
  text,
  confirm,
  onConfirm,
  onClose,
}: {
  target: T | null;
  title: (target: T) => string;
  text: string;
  confirm: string;
  onConfirm: (target: T) => void;
  onClose: () => void;
}) {
  return (
    <Confirm
      open={target !== null}
      danger
      title={target === null ? "" : title(target)}
      confirm={confirm}
      onClose={onClose}
      onConfirm={() => {
        if (target !== null) onConfirm(target);
        onClose();
      }}
    >
      {text}
    </Confirm>
  );
}
