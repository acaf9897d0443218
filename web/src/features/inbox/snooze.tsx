import { CalendarClock } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { serverNow } from "@/lib/gql/client";
import { snoozeChoices, soon } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Input } from "@/ui/Field";
import type { MenuItem } from "@/ui/Menu";

/** The menu of ends people mean, and last a time of her own. */
export function useSnoozeItems(onPick: (until: Date) => void, onCustom: () => void): MenuItem[] {
  const { t, i18n } = useTranslation(["inbox", "common"]);
  const now = serverNow();
  return [
    ...snoozeChoices(now).map(({ id, until }) => ({
      id,
      label: t(`snooze.${id}`),
      hint: soon(until.getTime(), i18n.language, now),
      run: () => onPick(until),
    })),
    {
      id: "custom",
      label: t("snooze.custom"),
      icon: <CalendarClock size={14} aria-hidden />,
      separated: true,
      run: onCustom,
    },
  ];
}

/** `2026-11-21T14:05`: what a date field understands, in local time. */
function fieldTime(at: number): string {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

export function SnoozeDialog({ onPick, onClose }: { onPick: (until: Date) => void; onClose: () => void }) {
  const { t } = useTranslation(["inbox", "common"]);
  const [value, setValue] = useState(() => fieldTime(serverNow() + 86_400_000));
  const [past, setPast] = useState(false);
  return (
    <Dialog open onClose={onClose} title={t("snooze.customTitle")} width={360}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const until = new Date(value);
          if (!(until.getTime() > serverNow())) return setPast(true);
          onPick(until);
          onClose();
        }}
      >
        <Input
          label={t("snooze.until")}
          type="datetime-local"
          required
          min={fieldTime(serverNow())}
          value={value}
          error={past ? t("snooze.past") : null}
          onChange={(event) => {
            setPast(false);
            setValue(event.target.value);
          }}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button look="primary" type="submit">
            {t("command.snooze")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
