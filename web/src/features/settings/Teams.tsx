import { Plus, UsersRound } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql, type ResultOf } from "@/lib/gql/graphql";
import { Button } from "@/ui/Button";
import { CheckBox, Input } from "@/ui/Field";
import { Empty } from "@/ui/States";
import { Doomed, FormDialog } from "./FormDialog";
import { Card, Page, Row, Rows } from "./Page";
import { Members } from "./People";
import { useSubmit } from "./useSubmit";

const Teams = graphql(`query Teams { teams { __typename id name members } }`);
type Team = ResultOf<typeof Teams>["teams"][number];
const SaveTeam = graphql(
  `mutation SaveTeam($id: ID, $name: String!, $members: [ID!]!) {
    saveTeam(id: $id, name: $name, members: $members) { __typename problem { ...ProblemItem } team { __typename id name members } }
  }`,
  [ProblemItem],
);
const DeleteTeam = graphql(
  `mutation DeleteTeam($id: ID!) { deleteTeam(id: $id) { __typename problem { ...ProblemItem } team { __typename id } } }`,
  [ProblemItem],
);

function TeamForm({ team, onClose }: { team: Team | null; onClose: () => void }) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const form = useSubmit();
  const [people] = useQuery({ query: Members });
  const [name, setName] = useState(team?.name ?? "");
  const [members, setMembers] = useState<ReadonlySet<string>>(new Set(team?.members));
  const submit = async () => {
    const saved = await form.run(SaveTeam, {
      id: team?.id ?? null,
      name: name.trim(),
      members: [...members],
    });
    if (saved) onClose();
  };
  return (
    <FormDialog
      title={t(team ? "teams.edit" : "teams.add")}
      form={form}
      known={["name"]}
      width={420}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Input
        label={t("teams.name")}
        required
        maxLength={80}
        value={name}
        error={form.errorOf("name")}
        onChange={(event) => setName(event.target.value)}
      />
      <fieldset className="flex flex-col gap-1.5">
        <legend className="mb-1 font-medium">{t("teams.members")}</legend>
        {people.data?.members.map(({ user }) => (
          <CheckBox
            key={user.id}
            label={user.name}
            checked={members.has(user.id)}
            onChange={(event) => {
              const next = new Set(members);
              if (event.target.checked) next.add(user.id);
              else next.delete(user.id);
              setMembers(next);
            }}
          />
        ))}
      </fieldset>
    </FormDialog>
  );
}

export function TeamsPage() {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const [{ data, error, fetching }, refetch] = useQuery({ query: Teams, requestPolicy: "cache-and-network" });
  const [people] = useQuery({ query: Members });
  const names = new Map(people.data?.members.map(({ user }) => [user.id, user.name]));
  const [edited, setEdited] = useState<Team | "new" | null>(null);
  const [doomed, setDoomed] = useState<Team | null>(null);
  return (
    <Page
      title={t("common:nav.teams")}
      text={t("teams.text")}
      loading={fetching && !data}
      error={data ? undefined : error}
      onRetry={() => refetch({ requestPolicy: "network-only" })}
      action={
        <Button look="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setEdited("new")}>
          {t("teams.add")}
        </Button>
      }
    >
      <Card>
        {data?.teams.length === 0 && (
          <Empty icon={<UsersRound size={22} aria-hidden />} title={t("teams.empty")} />
        )}
        <Rows>
          {data?.teams.map((team) => (
            <Row
              key={team.id}
              title={team.name}
              text={team.members.flatMap((id) => names.get(id) ?? []).join(", ") || t("teams.nobody")}
              actions={
                <>
                  <Button onClick={() => setEdited(team)}>{t("edit")}</Button>
                  <Button look="danger" onClick={() => setDoomed(team)}>
                    {t("teams.delete")}
                  </Button>
                </>
              }
            />
          ))}
        </Rows>
      </Card>
      {edited && <TeamForm team={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      <Doomed
        target={doomed}
        title={({ name }) => t("teams.deleteTitle", { name })}
        text={t("teams.deleteText")}
        confirm={t("teams.delete")}
        onClose={() => setDoomed(null)}
        onConfirm={({ id }) => void act(client, DeleteTeam, { id })}
      />
    </Page>
  );
}
