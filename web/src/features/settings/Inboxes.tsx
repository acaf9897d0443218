import { Link } from "@tanstack/react-router";
import { Plug, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ChannelIcon, type ChannelKind, useChannelKinds } from "@/features/inbox/channels";
import { QueueNames } from "@/features/inbox/inbox.gql";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql, type InboxState, type ResultOf } from "@/lib/gql/graphql";
import { ago, useNow } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Input, Select } from "@/ui/Field";
import { Pill, type Tone } from "@/ui/Pill";
import { Empty } from "@/ui/States";
import { toast } from "@/ui/toasts";
import { Doomed, FormDialog } from "./FormDialog";
import { ManifestFields, split, type Values } from "./ManifestFields";
import { Card, Page, Row, Rows } from "./Page";
import { ProviderApps } from "./ProviderApps";
import { useSubmit } from "./useSubmit";

const InboxItem = graphql(`
  fragment InboxItem on Inbox {
    __typename id channel name account address state problem sessionProblem webhookUrl lastInboundAt lastOutboundAt
    queue { __typename id name }
  }
`);
const Inboxes = graphql(`query Inboxes { inboxes { ...InboxItem } }`, [InboxItem]);
type InboxItem = ResultOf<typeof InboxItem>;
const Connect = graphql(
  `mutation ConnectInbox($input: ConnectInboxInput!) {
    connectInbox(input: $input) { __typename authorizeUrl problem { ...ProblemItem } inbox { ...InboxItem } }
  }`,
  [ProblemItem, InboxItem],
);
const Reconnect = graphql(
  `mutation ReconnectInbox($id: ID!, $secrets: JSON!) {
    reconnectInbox(id: $id, secrets: $secrets) { __typename authorizeUrl problem { ...ProblemItem } inbox { ...InboxItem } }
  }`,
  [ProblemItem, InboxItem],
);
const Update = graphql(
  `mutation UpdateInbox($id: ID!, $name: String, $queueId: ID) {
    updateInbox(id: $id, name: $name, queueId: $queueId) { __typename problem { ...ProblemItem } inbox { ...InboxItem } }
  }`,
  [ProblemItem, InboxItem],
);
const Check = graphql(
  `mutation CheckInbox($id: ID!) { checkInbox(id: $id) { __typename problem { ...ProblemItem } inbox { ...InboxItem } } }`,
  [ProblemItem, InboxItem],
);
const Disconnect = graphql(
  `mutation DisconnectInbox($id: ID!) { disconnectInbox(id: $id) { __typename problem { ...ProblemItem } inbox { ...InboxItem } } }`,
  [ProblemItem, InboxItem],
);

const TONES: Record<InboxState, Tone> = {
  CONNECTING: "neutral",
  CONNECTED: "ok",
  NEEDS_RECONNECT: "bad",
  DISCONNECTED: "neutral",
};

/** The provider's own consent page takes over from here; only web addresses may be followed. */
function follow(url: string | null): void {
  if (url && /^https?:\/\//.test(url)) window.location.assign(url);
}

function ConnectDialog({ kind, onClose }: { kind: ChannelKind; onClose: () => void }) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const [queues] = useQuery({ query: QueueNames });
  const [apps] = useQuery({ query: ProviderApps, pause: !kind.usesProviderApp });
  const form = useSubmit();
  const [values, setValues] = useState<Values>({});
  const [name, setName] = useState(kind.name);
  const active = queues.data?.queues.filter((queue) => queue.archivedAt === null) ?? [];
  const [queueId, setQueueId] = useState("");
  const [providerAppId, setProviderAppId] = useState("");
  const fitting = apps.data?.providerApps.filter((one) => one.channel === kind.kind) ?? [];
  const submit = async () => {
    const { settings, secrets } = split(kind.fields, values);
    const payload = await form.run(Connect, {
      input: {
        channel: kind.kind,
        name,
        queueId: queueId || (active[0]?.id ?? ""),
        settings,
        secrets,
        ...(providerAppId ? { providerAppId } : {}),
      },
    });
    if (!payload) return;
    follow(payload.authorizeUrl);
    toast(t("inboxes.connected", { name }));
    onClose();
  };
  return (
    <FormDialog
      title={t("inboxes.connectTitle", { name: kind.name })}
      form={form}
      known={["name", "queueId", ...kind.fields.map((field) => field.name)]}
      submit={t("inboxes.connect")}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Input
        label={t("inboxes.name")}
        required
        value={name}
        error={form.errorOf("name")}
        onChange={(event) => setName(event.target.value)}
      />
      <QueueSelect
        value={queueId || (active[0]?.id ?? "")}
        error={form.errorOf("queueId")}
        queues={active}
        onChange={setQueueId}
      />
      {fitting.length > 0 && (
        <Select
          label={t("inboxes.providerApp")}
          value={providerAppId}
          onChange={(event) => setProviderAppId(event.target.value)}
        >
          <option value="">{t("choose")}</option>
          {fitting.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </Select>
      )}
      {kind.usesProviderApp && apps.data && fitting.length === 0 && (
        <p className="rounded-control bg-warn-soft px-3 py-2 text-warn">
          {t("inboxes.needsApp")}{" "}
          <Link to="/settings/apps" className="underline">
            {t("common:nav.apps")}
          </Link>
        </p>
      )}
      <ManifestFields fields={kind.fields} values={values} form={form} onChange={setValues} />
    </FormDialog>
  );
}

function QueueSelect({
  value,
  queues,
  error,
  onChange,
}: {
  value: string;
  queues: readonly { id: string; name: string }[];
  error?: string | null;
  onChange: (id: string) => void;
}) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  return (
    <Select
      label={t("inboxes.queue")}
      required
      value={value}
      error={error}
      onChange={(event) => onChange(event.target.value)}
    >
      {queues.map((queue) => (
        <option key={queue.id} value={queue.id}>
          {queue.name}
        </option>
      ))}
    </Select>
  );
}

function ReconnectDialog({
  inbox,
  kind,
  onClose,
}: {
  inbox: InboxItem;
  kind: ChannelKind;
  onClose: () => void;
}) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const form = useSubmit();
  const [values, setValues] = useState<Values>({});
  const fields = kind.fields.filter((field) => field.secret);
  const submit = async () => {
    const payload = await form.run(Reconnect, { id: inbox.id, secrets: split(fields, values).secrets });
    if (!payload) return;
    follow(payload.authorizeUrl);
    onClose();
  };
  return (
    <FormDialog
      title={t("inboxes.reconnectTitle", { name: inbox.name })}
      form={form}
      known={fields.map((field) => field.name)}
      submit={t("inboxes.reconnect")}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      {inbox.problem && <p className="text-muted">{inbox.problem}</p>}
      <ManifestFields fields={fields} values={values} form={form} onChange={setValues} />
    </FormDialog>
  );
}

function EditDialog({ inbox, onClose }: { inbox: InboxItem; onClose: () => void }) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const [queues] = useQuery({ query: QueueNames });
  const form = useSubmit();
  const [name, setName] = useState(inbox.name);
  const [queueId, setQueueId] = useState(inbox.queue.id);
  const submit = async () => {
    if (await form.run(Update, { id: inbox.id, name, queueId })) onClose();
  };
  return (
    <FormDialog
      title={t("edit")}
      form={form}
      known={["name"]}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Input
        label={t("inboxes.name")}
        required
        value={name}
        error={form.errorOf("name")}
        onChange={(event) => setName(event.target.value)}
      />
      <QueueSelect value={queueId} queues={queues.data?.queues ?? []} onChange={setQueueId} />
      {inbox.webhookUrl && (
        <Input
          label={t("inboxes.webhook")}
          readOnly
          value={inbox.webhookUrl}
          onFocus={(event) => event.target.select()}
        />
      )}
    </FormDialog>
  );
}

type Open =
  | { what: "connect"; kind: ChannelKind }
  | { what: "reconnect" | "edit" | "disconnect"; inbox: InboxItem }
  | { what: "choose" }
  | null;

export function InboxesPage() {
  const { t, i18n } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const now = useNow("minute");
  const kinds = useChannelKinds();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: Inboxes,
    requestPolicy: "cache-and-network",
  });
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  return (
    <Page
      title={t("common:nav.inboxes")}
      text={t("inboxes.text")}
      loading={fetching && !data}
      error={data ? undefined : error}
      onRetry={() => refetch({ requestPolicy: "network-only" })}
      action={
        <Button
          look="primary"
          icon={<Plus size={15} aria-hidden />}
          onClick={() => setOpen({ what: "choose" })}
        >
          {t("inboxes.add")}
        </Button>
      }
    >
      <Card>
        {data?.inboxes.length === 0 && (
          <Empty
            icon={<Plug size={22} aria-hidden />}
            title={t("inboxes.empty")}
            text={t("inboxes.emptyText")}
          />
        )}
        <Rows>
          {data?.inboxes.map((inbox) => {
            const kind = kinds.get(inbox.channel);
            const broken = inbox.state === "NEEDS_RECONNECT" || inbox.state === "DISCONNECTED";
            return (
              <Row
                key={inbox.id}
                icon={<ChannelIcon channel={inbox.channel} size={24} />}
                title={
                  <>
                    {inbox.name}
                    <Pill tone={TONES[inbox.state]}>{t(`inboxState.${inbox.state}`)}</Pill>
                  </>
                }
                text={
                  <>
                    {kind?.name ?? inbox.channel} · {inbox.address} · {inbox.queue.name}
                    {inbox.lastInboundAt &&
                      ` · ${t("inboxes.lastIn", { time: ago(inbox.lastInboundAt, i18n.language, now) })}`}
                    {inbox.problem && <p className="text-bad">{inbox.problem}</p>}
                    {inbox.sessionProblem && <p className="text-warn">{inbox.sessionProblem}</p>}
                  </>
                }
                actions={
                  <>
                    {broken && kind && (
                      <Button look="primary" onClick={() => setOpen({ what: "reconnect", inbox })}>
                        {t("inboxes.reconnect")}
                      </Button>
                    )}
                    {!broken && (
                      <Button onClick={() => void act(client, Check, { id: inbox.id })}>
                        {t("inboxes.check")}
                      </Button>
                    )}
                    <Button onClick={() => setOpen({ what: "edit", inbox })}>{t("edit")}</Button>
                    {inbox.state !== "DISCONNECTED" && (
                      <Button look="danger" onClick={() => setOpen({ what: "disconnect", inbox })}>
                        {t("inboxes.disconnect")}
                      </Button>
                    )}
                  </>
                }
              />
            );
          })}
        </Rows>
      </Card>
      <Dialog open={open?.what === "choose"} onClose={close} title={t("inboxes.choose")} width={520}>
        <ul className="grid list-none grid-cols-2 gap-2 p-0">
          {[...kinds.values()].map((kind) => (
            <li key={kind.kind}>
              <button
                type="button"
                onClick={() => setOpen({ what: "connect", kind })}
                className="flex w-full items-center gap-3 rounded-card border border-line-strong p-3 text-left font-medium hover:bg-hover"
              >
                <ChannelIcon channel={kind.kind} size={28} />
                {kind.name}
              </button>
            </li>
          ))}
        </ul>
      </Dialog>
      {open?.what === "connect" && <ConnectDialog kind={open.kind} onClose={close} />}
      {open?.what === "edit" && <EditDialog inbox={open.inbox} onClose={close} />}
      {open?.what === "reconnect" && kinds.get(open.inbox.channel) && (
        <ReconnectDialog
          inbox={open.inbox}
          kind={kinds.get(open.inbox.channel) as ChannelKind}
          onClose={close}
        />
      )}
      <Doomed
        target={open?.what === "disconnect" ? open.inbox : null}
        title={({ name }) => t("inboxes.disconnectTitle", { name })}
        text={t("inboxes.disconnectText")}
        confirm={t("inboxes.disconnect")}
        onClose={close}
        onConfirm={({ id }) => void act(client, Disconnect, { id })}
      />
    </Page>
  );
}
