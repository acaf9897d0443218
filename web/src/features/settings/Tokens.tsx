import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";
import { dateTime } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CheckBox, Input } from "@/ui/Field";
import { Pill } from "@/ui/Pill";
import { Empty } from "@/ui/States";
import { toast } from "@/ui/toasts";
import { Card, Page, Row, Rows } from "./Page";
import { useSubmit } from "./useSubmit";

const SCOPES = ["READ", "WRITE", "ADMIN"] as const;
type Scope = (typeof SCOPES)[number];

const Tokens = graphql(`
  query Tokens { apiTokens { __typename id name scopes createdAt lastUsedAt expiresAt revokedAt } }
`);
const CreateToken = graphql(
  `mutation CreateToken($name: String!, $scopes: [TokenScope!]!, $expiresAt: DateTime) {
    createApiToken(name: $name, scopes: $scopes, expiresAt: $expiresAt) {
      __typename secret problem { ...ProblemItem } apiToken { __typename id name }
    }
  }`,
  [ProblemItem],
);
const RevokeToken = graphql(
  `mutation RevokeToken($id: ID!) { revokeApiToken(id: $id) { __typename problem { ...ProblemItem } apiToken { __typename id revokedAt } } }`,
  [ProblemItem],
);

export function TokensPage() {
  const { t, i18n } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const form = useSubmit();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: Tokens,
    requestPolicy: "cache-and-network",
  });
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(["READ"]));
  const [secret, setSecret] = useState<string | null>(null);
  const live = data?.apiTokens.filter((token) => token.revokedAt === null);
  return (
    <Page
      title={t("common:nav.tokens")}
      text={t("tokens.text")}
      loading={fetching && !data}
      error={data ? undefined : error}
      onRetry={() => refetch({ requestPolicy: "network-only" })}
    >
      <Card title={t("tokens.new")}>
        <form
          className="flex flex-wrap items-end gap-4 p-4"
          onSubmit={async (event) => {
            event.preventDefault();
            const made = await form.run(CreateToken, { name: name.trim(), scopes: [...scopes] });
            if (!made) return;
            setSecret(made.secret);
            setName("");
          }}
        >
          <div className="min-w-52 flex-1">
            <Input
              label={t("tokens.name")}
              required
              maxLength={80}
              value={name}
              error={form.errorOf("name") ?? form.general(["name"])}
              onChange={(event) => setName(event.target.value)}
            />
          </div>
          <fieldset className="flex h-8 items-center gap-4">
            <legend className="sr-only">{t("tokens.scopes")}</legend>
            {SCOPES.map((scope) => (
              <CheckBox
                key={scope}
                label={t(`scope.${scope}`)}
                checked={scopes.has(scope)}
                onChange={(event) => {
                  const next = new Set(scopes);
                  if (event.target.checked) next.add(scope);
                  else next.delete(scope);
                  setScopes(next);
                }}
              />
            ))}
          </fieldset>
          <Button look="primary" type="submit" busy={form.busy} disabled={scopes.size === 0} className="h-8">
            {t("tokens.create")}
          </Button>
        </form>
      </Card>
      <Card>
        {live?.length === 0 && <Empty icon={<KeyRound size={22} aria-hidden />} title={t("tokens.empty")} />}
        <Rows>
          {live?.map((token) => (
            <Row
              key={token.id}
              title={
                <>
                  {token.name}
                  {token.scopes.map((scope) => (
                    <Pill key={scope}>{t(`scope.${scope}`)}</Pill>
                  ))}
                </>
              }
              text={
                token.lastUsedAt
                  ? t("tokens.lastUsed", { time: dateTime(token.lastUsedAt, i18n.language) })
                  : t("tokens.neverUsed")
              }
              actions={
                <Button look="danger" onClick={() => void act(client, RevokeToken, { id: token.id })}>
                  {t("tokens.revoke")}
                </Button>
              }
            />
          ))}
        </Rows>
      </Card>
      <Dialog
        open={secret !== null}
        onClose={() => setSecret(null)}
        title={t("tokens.secretTitle")}
        footer={
          <Button
            look="primary"
            onClick={async () => {
              await navigator.clipboard?.writeText(secret ?? "").catch(() => undefined);
              toast(t("tokens.copied"));
            }}
          >
            {t("tokens.copy")}
          </Button>
        }
      >
        <p className="mb-3 text-muted">{t("tokens.secretText")}</p>
        <code className="block select-all break-all rounded-control border bg-subtle p-3">{secret}</code>
      </Dialog>
    </Page>
  );
}
