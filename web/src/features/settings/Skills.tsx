import { GraduationCap } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { AgentItem, ProblemItem } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { Input, Select } from "@/ui/Field";
import { Empty } from "@/ui/States";
import { Card, Page, Row, Rows } from "./Page";
import { useSubmit } from "./useSubmit";

export const Skills = graphql(`query Skills { skills { __typename id name archivedAt } }`);
const Proficiencies = graphql(`query Proficiencies { agents { ...AgentItem } }`, [AgentItem]);
const SaveSkill = graphql(
  `mutation SaveSkill($id: ID, $name: String!) { saveSkill(id: $id, name: $name) { __typename problem { ...ProblemItem } skill { __typename id name archivedAt } } }`,
  [ProblemItem],
);
const ArchiveSkill = graphql(
  `mutation ArchiveSkill($id: ID!) { archiveSkill(id: $id) { __typename problem { ...ProblemItem } skill { __typename id archivedAt } } }`,
  [ProblemItem],
);
const SetProficiencies = graphql(
  `mutation SetProficiencies($userId: ID!, $proficiencies: [ProficiencyInput!]!) {
    setProficiencies(userId: $userId, proficiencies: $proficiencies) { __typename problem { ...ProblemItem } agent { ...AgentItem } }
  }`,
  [ProblemItem, AgentItem],
);

export function SkillsPage() {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const form = useSubmit();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: Skills,
    requestPolicy: "cache-and-network",
  });
  const [agents] = useQuery({ query: Proficiencies, requestPolicy: "cache-and-network" });
  const [name, setName] = useState("");
  const skills = data?.skills.filter((skill) => skill.archivedAt === null) ?? [];
  return (
    <Page
      title={t("common:nav.skills")}
      text={t("skills.text")}
      loading={fetching && !data}
      error={data ? undefined : error}
      onRetry={() => refetch({ requestPolicy: "network-only" })}
    >
      <Card>
        <form
          className="flex items-end gap-2 border-b p-4"
          onSubmit={async (event) => {
            event.preventDefault();
            if (await form.run(SaveSkill, { name: name.trim() })) setName("");
          }}
        >
          <div className="flex-1">
            <Input
              label={t("skills.new")}
              required
              maxLength={60}
              value={name}
              error={form.errorOf("name") ?? form.general(["name"])}
              onChange={(event) => setName(event.target.value)}
            />
          </div>
          <Button look="primary" type="submit" busy={form.busy} className="h-8">
            {t("common:add")}
          </Button>
        </form>
        {skills.length === 0 && (
          <Empty icon={<GraduationCap size={22} aria-hidden />} title={t("skills.empty")} />
        )}
        <Rows>
          {skills.map((skill) => (
            <Row
              key={skill.id}
              title={skill.name}
              actions={
                <Button look="danger" onClick={() => void act(client, ArchiveSkill, { id: skill.id })}>
                  {t("archive")}
                </Button>
              }
            />
          ))}
        </Rows>
      </Card>
      {skills.length > 0 && (
        <Card title={t("skills.levels")}>
          <div className="overflow-x-auto">
            <table className="w-full text-left">
              <thead>
                <tr className="border-b text-meta text-muted">
                  <th className="px-4 py-2 font-medium">{t("skills.agent")}</th>
                  {skills.map((skill) => (
                    <th key={skill.id} className="px-2 py-2 font-medium">
                      {skill.name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {agents.data?.agents.map((agent) => (
                  <tr key={agent.userId} className="border-b last:border-b-0">
                    <th scope="row" className="px-4 py-2 font-normal">
                      <span className="flex items-center gap-2">
                        <Avatar id={agent.userId} name={agent.user.name} size={22} />
                        {agent.user.name}
                      </span>
                    </th>
                    {skills.map((skill) => (
                      <td key={skill.id} className="px-2 py-1.5">
                        <Select
                          label={`${agent.user.name}: ${skill.name}`}
                          hideLabel
                          value={String(
                            agent.proficiencies.find((one) => one.skillId === skill.id)?.level ?? 0,
                          )}
                          onChange={(event) => {
                            const level = Number(event.target.value);
                            const rest = agent.proficiencies
                              .filter((one) => one.skillId !== skill.id)
                              .map(({ skillId, level: old }) => ({ skillId, level: old }));
                            void act(client, SetProficiencies, {
                              userId: agent.userId,
                              proficiencies: level === 0 ? rest : [...rest, { skillId: skill.id, level }],
                            });
                          }}
                        >
                          <option value="0">–</option>
                          {[1, 2, 3, 4, 5].map((level) => (
                            <option key={level}>{level}</option>
                          ))}
                        </Select>
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Card>
      )}
    </Page>
  );
}
