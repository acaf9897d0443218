import { X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { TicketActions } from "@/features/inbox/actions";
import type { TicketRow } from "@/lib/gql/fragments";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Input } from "@/ui/Field";
import { IconButton } from "@/ui/IconButton";
import { Pill } from "@/ui/Pill";

export function Tags({ ticket, actions }: { ticket: TicketRow; actions: TicketActions }) {
  const { t } = useTranslation(["inbox", "common"]);
  return (
    <ul className="flex list-none flex-wrap gap-1 p-0">
      {ticket.tags.map((tag) => (
        <li key={tag}>
          <Pill className="py-0 pr-0">
            {tag}
            <IconButton
              label={t("tags.remove", { tag })}
              className="size-6"
              onClick={() => void actions.removeTag(ticket, tag)}
            >
              <X size={12} aria-hidden />
            </IconButton>
          </Pill>
        </li>
      ))}
    </ul>
  );
}

export function TagDialog({
  open,
  onClose,
  ticket,
  actions,
}: {
  open: boolean;
  onClose: () => void;
  ticket: TicketRow;
  actions: TicketActions;
}) {
  const { t } = useTranslation(["inbox", "common"]);
  const [tag, setTag] = useState("");
  return (
    <Dialog open={open} onClose={onClose} title={t("command.tag")} width={380}>
      <div className="flex flex-col gap-3">
        <Tags ticket={ticket} actions={actions} />
        <form
          className="flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            const clean = tag.trim();
            if (clean === "") return;
            void actions.addTag(ticket, clean);
            setTag("");
          }}
        >
          <div className="flex-1">
            <Input
              label={t("tags.new")}
              value={tag}
              maxLength={64}
              onChange={(event) => setTag(event.target.value)}
            />
          </div>
          <Button look="primary" type="submit" className="h-8">
            {t("common:add")}
          </Button>
        </form>
      </div>
    </Dialog>
  );
}
