import { WifiOff } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useOutboxEntries } from "@/lib/app";
import { useConnection } from "@/lib/gql/client";

const PATIENCE_MS = 2_000;

/** Short drops pass unseen; longer ones are said, with what is waiting to be sent. */
export function ReconnectBar() {
  const { t } = useTranslation();
  const open = useConnection((state) => state.state === "open");
  const waiting = useOutboxEntries().filter((entry) => entry.state !== "refused").length;
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (open) return setShown(false);
    const timer = setTimeout(() => setShown(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [open]);
  if (!shown) return null;
  return (
    <div
      role="status"
      className="flex shrink-0 items-center gap-2 border-b bg-warn-soft px-4 py-1.5 font-medium text-warn"
    >
      <WifiOff size={15} aria-hidden />
      <span>
        {t("reconnecting.text")} {waiting > 0 && t("reconnecting.waiting", { count: waiting })}
      </span>
    </div>
  );
}
