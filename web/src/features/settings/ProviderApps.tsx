import { AppWindow, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { ChannelIcon, useChannelKinds } from "@/features/inbox/channels";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql, type ResultOf } from "@/lib/gql/graphql";
import { Button } from "@/ui/Button";
import { Input, Select } from "@/ui/Field";
import { Empty } from "@/ui/States";
import { toast } from "@/ui/toasts";
import { FormDialog } from "./FormDialog";
import { ManifestFields, split, type Values } from "./ManifestFields";
import { Card, Page, Row, Rows } from "./Page";
import { useSubmit } from "./useSubmit";

const AppItem = graphql(`
  fragment AppItem on ProviderApp { __typename id channel name baseUrl webhookUrl settings }
`);
type AppItem = ResultOf<typeof AppItem>;
export const ProviderApps = graphql(`query ProviderApps { providerApps { ...AppItem } }`, [AppItem]);
const SaveApp = graphql(
  `mutation SaveProviderApp($input: ProviderAppInput!) {
    saveProviderApp(input: $input) { __typename problem { ...ProblemItem } providerApp { ...AppItem } }
  }`,
  [ProblemItem, AppItem],
);
const AppFields = graphql(`
  query AppFields {
    channelKinds { __typename kind name appFields { __typename name label help kind required secret options } }
  }
`);

function valuesOf(settings: unknown): Values {
  return typeof settings === "object" && settings !== null ? { ...(settings as Values) } : {};
}

function AppForm({ app, onClose }: { app: AppItem | null; onClose: () => void }) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const form = useSubmit();
  const [{ data }] = useQuery({ query: AppFields });
  const able = data?.channelKinds.filter((kind) => kind.appFields.length > 0) ?? [];
  const [channel, setChannel] = useState(app?.channel ?? "");
  const kind = able.find((one) => one.kind === channel) ?? able[0];
  const [name, setName] = useState(app?.name ?? "");
  const [baseUrl, setBaseUrl] = useState(app?.baseUrl ?? "");
  const [values, setValues] = useState<Values>(valuesOf(app?.settings));
  const fields = kind?.appFields ?? [];
  const submit = async () => {
    if (!kind) return;
    const { settings, secrets } = split(fields, values);
    const saved = await form.run(SaveApp, {
      input: {
        ...(app ? { id: app.id } : {}),
        channel: kind.kind,
        name: name.trim(),
        baseUrl: baseUrl.trim() === "" ? null : baseUrl.trim(),
        settings,
        // What is left empty stays as it is on the server, which never shows a secret again.
        secrets: Object.keys(secrets).length > 0 ? secrets : null,
      },
    });
    if (!saved) return;
    toast(t("saved"));
    onClose();
  };
  return (
    <FormDialog
      title={t(app ? "apps.edit" : "apps.add")}
      form={form}
      known={["name", "baseUrl", ...fields.map((field) => field.name)]}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Select
        label={t("apps.channel")}
        value={kind?.kind ?? ""}
        disabled={app !== null}
        onChange={(event) => setChannel(event.target.value)}
      >
        {able.map((one) => (
          <option key={one.kind} value={one.kind}>
            {one.name}
          </option>
        ))}
      </Select>
      <Input
        label={t("apps.name")}
        required
        maxLength={100}
        value={name}
        error={form.errorOf("name")}
        onChange={(event) => setName(event.target.value)}
      />
      <Input
        label={t("apps.baseUrl")}
        help={t("apps.baseUrlHelp")}
        type="url"
        placeholder="https://"
        value={baseUrl}
        error={form.errorOf("baseUrl")}
        onChange={(event) => setBaseUrl(event.target.value)}
      />
      <ManifestFields
        fields={app ? fields.map((field) => (field.secret ? { ...field, required: false } : field)) : fields}
        values={values}
        form={form}
        onChange={setValues}
      />
      {app && fields.some((field) => field.secret) && <p className="text-muted">{t("apps.secretsKept")}</p>}
      {app && (
        <Input
          label={t("inboxes.webhook")}
          readOnly
          value={app.webhookUrl}
          onFocus={(event) => event.target.select()}
        />
      )}
    </FormDialog>
  );
}

export function ProviderAppsPage() {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const kinds = useChannelKinds();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: ProviderApps,
    requestPolicy: "cache-and-network",
  });
  const [edited, setEdited] = useState<AppItem | "new" | null>(null);
  return (
    <Page
      title={t("common:nav.apps")}
      text={t("apps.text")}
      loading={fetching && !data}
      error={data ? undefined : error}
      onRetry={() => refetch({ requestPolicy: "network-only" })}
      action={
        <Button look="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setEdited("new")}>
          {t("apps.add")}
        </Button>
      }
    >
      <Card>
        {data?.providerApps.length === 0 && (
          <Empty
            icon={<AppWindow size={22} aria-hidden />}
            title={t("apps.empty")}
            text={t("apps.emptyText")}
          />
        )}
        <Rows>
          {data?.providerApps.map((app) => (
            <Row
              key={app.id}
              icon={<ChannelIcon channel={app.channel} size={24} />}
              title={app.name}
              text={[kinds.get(app.channel)?.name ?? app.channel, app.baseUrl].filter(Boolean).join(" · ")}
              actions={<Button onClick={() => setEdited(app)}>{t("edit")}</Button>}
            />
          ))}
        </Rows>
      </Card>
      {edited && <AppForm app={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Page>
  );
}
