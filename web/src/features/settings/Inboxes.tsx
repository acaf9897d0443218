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
import { Confirm, Dialog } from "@/ui/Dialog";
import { CheckBox, Input, Select, TextArea } from "@/ui/Field";
import { Pill, type Tone } from "@/ui/Pill";
import { Empty } from "@/ui/States";
import { toast } from "@/ui/toasts";
import { Card, Page, Row, Rows } from "./Page";
import { useSubmit } from "./useSubmit";

const InboxItem = graphql(`
  fragment InboxItem on Inbox {
    __typename id channel name account address state problem sessionProblem webhookUrl lastInboundAt lastOutboundAt
    queue { __typename id name }
  }
`);
const Inboxes = graphql(`query Inboxes { inboxes { ...InboxItem } }`, [InboxItem]);
type InboxItem = ResultOf<typeof InboxItem>;
const ProviderApps = graphql(`query ProviderApps { providerApps { __typename id channel name } }`);
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

type Values = Record<string, string | boolean>;

/** Settings and secrets go apart: the server seals the latter and never shows them again. */
function split(fields: ChannelKind["fields"], values: Values) {
  const settings: Record<string, string | number | boolean> = {};
  const secrets: Record<string, string | number | boolean> = {};
  for (const field of fields) {
    const value = values[field.name];
    if (value === undefined || value === "") continue;
    (field.secret ? secrets : settings)[field.name] = field.kind === "number" ? Number(value) : value;
  }
  return { settings, secrets };
}

function ManifestField({
  field,
  value,
  error,
  onChange,
}: {
  field: ChannelKind["fields"][number];
  value: string | boolean | undefined;
  error: string | null;
  onChange: (value: string | boolean) => void;
}) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  if (field.kind === "boolean" || field.kind === "bool")
    return (
      <CheckBox
        label={field.label}
        help={field.help}
        checked={value === true}
        onChange={(event) => onChange(event.target.checked)}
      />
    );
  const text = typeof value === "string" ? value : "";
  const shared = { label: field.label, help: field.help || undefined, required: field.required, error };
  if (field.options.length > 0)
    return (
      <Select {...shared} value={text} onChange={(event) => onChange(event.target.value)}>
        <option value="">{t("choose")}</option>
        {field.options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </Select>
    );
  if (field.kind === "multiline" || field.kind === "textarea")
    return <TextArea {...shared} value={text} onChange={(event) => onChange(event.target.value)} />;
  const type = field.secret
    ? "password"
    : field.kind === "url"
      ? "url"
      : field.kind === "number"
        ? "number"
        : field.kind === "email"
          ? "email"
          : "text";
  return (
    <Input
      {...shared}
      type={type}
      autoComplete="off"
      spellCheck={false}
      value={text}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

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
  const known = ["name", "queueId", ...kind.fields.map((field) => field.name)];
  return (
    <Dialog open onClose={onClose} title={t("inboxes.connectTitle", { name: kind.name })} width={520}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {form.general(known) && (
          <p role="alert" className="rounded-control bg-bad-soft px-3 py-2 text-bad">
            {form.general(known)}
          </p>
        )}
        <Input
          label={t("inboxes.name")}
          required
          value={name}
          error={form.errorOf("name")}
          onChange={(event) => setName(event.target.value)}
        />
        <Select
          label={t("inboxes.queue")}
          required
          value={queueId || (active[0]?.id ?? "")}
          error={form.errorOf("queueId")}
          onChange={(event) => setQueueId(event.target.value)}
        >
          {active.map((queue) => (
            <option key={queue.id} value={queue.id}>
              {queue.name}
            </option>
          ))}
        </Select>
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
        {kind.fields.map((field) => (
          <ManifestField
            key={field.name}
            field={field}
            value={values[field.name]}
            error={form.errorOf(field.name)}
            onChange={(value) => setValues({ ...values, [field.name]: value })}
          />
        ))}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button look="primary" type="submit" busy={form.busy}>
            {t("inboxes.connect")}
          </Button>
        </div>
      </form>
    </Dialog>
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
  const known = fields.map((field) => field.name);
  return (
    <Dialog open onClose={onClose} title={t("inboxes.reconnectTitle", { name: inbox.name })}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {form.general(known) && (
          <p role="alert" className="rounded-control bg-bad-soft px-3 py-2 text-bad">
            {form.general(known)}
          </p>
        )}
        {inbox.problem && <p className="text-muted">{inbox.problem}</p>}
        {fields.map((field) => (
          <ManifestField
            key={field.name}
            field={field}
            value={values[field.name]}
            error={form.errorOf(field.name)}
            onChange={(value) => setValues({ ...values, [field.name]: value })}
          />
        ))}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button look="primary" type="submit" busy={form.busy}>
            {t("inboxes.reconnect")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function EditDialog({ inbox, onClose }: { inbox: InboxItem; onClose: () => void }) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const [queues] = useQuery({ query: QueueNames });
  const form = useSubmit();
  const [name, setName] = useState(inbox.name);
  const [queueId, setQueueId] = useState(inbox.queue.id);
  return (
    <Dialog open onClose={onClose} title={t("edit")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={async (event) => {
          event.preventDefault();
          if (await form.run(Update, { id: inbox.id, name, queueId })) onClose();
        }}
      >
        <Input
          label={t("inboxes.name")}
          required
          value={name}
          error={form.errorOf("name") ?? form.general(["name"])}
          onChange={(event) => setName(event.target.value)}
        />
        <Select
          label={t("inboxes.queue")}
          value={queueId}
          onChange={(event) => setQueueId(event.target.value)}
        >
          {queues.data?.queues.map((queue) => (
            <option key={queue.id} value={queue.id}>
              {queue.name}
            </option>
          ))}
        </Select>
        {inbox.webhookUrl && (
          <Input
            label={t("inboxes.webhook")}
            readOnly
            value={inbox.webhookUrl}
            onFocus={(event) => event.target.select()}
          />
        )}
        <div className="flex justify-end">
          <Button look="primary" type="submit" busy={form.busy}>
            {t("common:save")}
          </Button>
        </div>
      </form>
    </Dialog>
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
      <Confirm
        open={open?.what === "disconnect"}
        danger
        title={t("inboxes.disconnectTitle", { name: open?.what === "disconnect" ? open.inbox.name : "" })}
        confirm={t("inboxes.disconnect")}
        onClose={close}
        onConfirm={() => {
          if (open?.what === "disconnect") void act(client, Disconnect, { id: open.inbox.id });
          close();
        }}
      >
        {t("inboxes.disconnectText")}
      </Confirm>
    </Page>
  );
}
