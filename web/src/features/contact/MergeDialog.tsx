import { ArrowLeftRight, CircleAlert, CircleCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ContactLine, ContactPicker } from "./ContactPicker";
import type { ContactItem } from "./contact.gql";
import { evidence, speaksFor } from "./evidence";
import { useMerging } from "./useMerging";

/** Two steps: who it might be, then what speaks for it. Nothing is lost: a merge can be taken back. */
export function MergeDialog({
  contact,
  onClose,
  onMerged,
}: {
  contact: ContactItem;
  onClose: () => void;
  onMerged: (into: string) => void;
}) {
  const { t } = useTranslation(["inbox", "common"]);
  const { merge } = useMerging();
  const [other, setOther] = useState<ContactItem | null>(null);
  const [swapped, setSwapped] = useState(false);
  const [busy, setBusy] = useState(false);
  const [into, from] = swapped ? [other, contact] : [contact, other];
  const submit = async () => {
    if (!into || !from) return;
    setBusy(true);
    const done = await merge(into.id, from.id);
    setBusy(false);
    if (!done) return;
    onMerged(into.id);
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("merge.title", { name: contact.name })}
      width={480}
      footer={
        other && (
          <>
            <Button onClick={() => setOther(null)}>{t("merge.another")}</Button>
            <Button look="primary" busy={busy} onClick={() => void submit()}>
              {t("merge.submit")}
            </Button>
          </>
        )
      }
    >
      {!other || !into || !from ? (
        <div className="-m-4 flex h-[56dvh] flex-col">
          <ContactPicker autoFocus without={contact.id} onPick={setOther} />
        </div>
      ) : (
        <div className="flex flex-col gap-4">
          {(["stays", "goes"] as const).map((role) => (
            <section key={role}>
              <h3 className="mb-1 font-semibold text-meta text-muted">{t(`merge.${role}`)}</h3>
              <div className="flex items-center gap-2.5 rounded-card border p-2.5">
                <ContactLine contact={role === "stays" ? into : from} />
              </div>
            </section>
          ))}
          <div>
            <Button icon={<ArrowLeftRight size={14} aria-hidden />} onClick={() => setSwapped(!swapped)}>
              {t("merge.swap")}
            </Button>
          </div>
          <section>
            <h3 className="mb-1 font-semibold text-meta text-muted">{t("merge.evidence")}</h3>
            <ul className="flex list-none flex-col gap-1 p-0">
              {evidence(contact, other).map((one) => (
                <li key={one.kind + one.value} className="flex items-start gap-2">
                  {speaksFor(one) ? (
                    <CircleCheck size={15} className="mt-0.5 shrink-0 text-ok" aria-hidden />
                  ) : (
                    <CircleAlert size={15} className="mt-0.5 shrink-0 text-warn" aria-hidden />
                  )}
                  <span>
                    {t(`merge.${one.kind}`)} <span className="text-muted">{one.value}</span>
                  </span>
                </li>
              ))}
            </ul>
          </section>
          <p className="text-muted">{t("merge.text")}</p>
        </div>
      )}
    </Dialog>
  );
}
