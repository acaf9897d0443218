import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useChannelKinds } from "@/features/inbox/channels";
import { useApi } from "@/lib/app";
import { submit as post } from "@/lib/gql/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Input, Select } from "@/ui/Field";
import { Empty, Failed, Skeleton } from "@/ui/States";
import { ContactLine, ContactPicker } from "./ContactPicker";
import { type ContactItem, StartConversation, StartInboxes } from "./contact.gql";

const NEW = "new";

/** Writes first: to whom, from which account, to which address; then the ticket opens with its composer. */
export function StartDialog({ contact, onClose }: { contact: ContactItem | null; onClose: () => void }) {
  const { t } = useTranslation(["inbox", "common"]);
  const [picked, setPicked] = useState(contact);
  return (
    <Dialog open onClose={onClose} title={t("start.title")} width={460}>
      {picked ? (
        <StartForm contact={picked} onClose={onClose} onBack={contact ? null : () => setPicked(null)} />
      ) : (
        <div className="-m-4 flex h-[56dvh] flex-col">
          <ContactPicker autoFocus onPick={setPicked} />
        </div>
      )}
    </Dialog>
  );
}

function StartForm({
  contact,
  onClose,
  onBack,
}: {
  contact: ContactItem;
  onClose: () => void;
  onBack: (() => void) | null;
}) {
  const { t } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const navigate = useNavigate();
  const kinds = useChannelKinds();
  const [{ data, error }, refetch] = useQuery({ query: StartInboxes, requestPolicy: "cache-and-network" });
  const able = (data?.inboxes ?? []).filter(
    (inbox) => inbox.state === "CONNECTED" && kinds.get(inbox.channel)?.canStart,
  );
  // Where the contact has an address already comes first.
  const known = (channel: string) => contact.identities.filter((identity) => identity.channel === channel);
  const [chosen, setChosen] = useState("");
  const inbox =
    able.find((one) => one.id === chosen) ?? able.find((one) => known(one.channel).length > 0) ?? able[0];
  const addresses = known(inbox?.channel ?? "");
  const [to, setTo] = useState("");
  const target =
    to !== "" && (to === NEW || addresses.some((one) => one.id === to)) ? to : (addresses[0]?.id ?? NEW);
  const [handle, setHandle] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const submit = async () => {
    if (!inbox) return;
    setBusy(true);
    const { payload, problem: refused } = await post(client, StartConversation, {
      contactId: contact.id,
      inboxId: inbox.id,
      identityId: target === NEW ? null : target,
      handle: target === NEW ? handle.trim() : null,
    });
    setBusy(false);
    setProblem(refused?.text ?? null);
    if (refused || !payload?.ticket) return;
    onClose();
    void navigate({ to: "/inbox/{-$number}", params: { number: String(payload.ticket.number) }, search: {} });
  };

  if (error && !data)
    return <Failed error={error} onRetry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton className="h-40 w-full" />;
  if (!inbox) return <Empty title={t("start.none")} text={t("start.noneText")} />;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {problem && (
        <p role="alert" className="rounded-control bg-bad-soft px-3 py-2 text-bad">
          {problem}
        </p>
      )}
      <div className="flex items-center gap-2.5 rounded-card border p-2.5">
        <ContactLine contact={contact} />
      </div>
      <Select label={t("start.from")} value={inbox.id} onChange={(event) => setChosen(event.target.value)}>
        {able.map((one) => (
          <option key={one.id} value={one.id}>
            {kinds.get(one.channel)?.name ?? one.channel} · {one.name}
          </option>
        ))}
      </Select>
      <Select label={t("start.to")} value={target} onChange={(event) => setTo(event.target.value)}>
        {addresses.map((identity) => (
          <option key={identity.id} value={identity.id}>
            {identity.display && identity.display !== identity.handle
              ? `${identity.display} · ${identity.handle}`
              : identity.handle}
          </option>
        ))}
        <option value={NEW}>{t("start.newAddress")}</option>
      </Select>
      {target === NEW && (
        <Input
          label={t("start.address", { channel: kinds.get(inbox.channel)?.name ?? inbox.channel })}
          help={t("start.addressHelp")}
          required
          autoComplete="off"
          spellCheck={false}
          value={handle}
          onChange={(event) => setHandle(event.target.value)}
        />
      )}
      <div className="flex justify-end gap-2">
        {onBack && <Button onClick={onBack}>{t("merge.another")}</Button>}
        <Button look="primary" type="submit" busy={busy}>
          {t("start.submit")}
        </Button>
      </div>
    </form>
  );
}
