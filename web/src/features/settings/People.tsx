import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useApi, useViewer } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql, type Role } from "@/lib/gql/graphql";
import { atLeast, ROLES } from "@/lib/roles";
import { dateTime } from "@/lib/time";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { Input, Select } from "@/ui/Field";
import { Pill } from "@/ui/Pill";
import { toast } from "@/ui/toasts";
import { Card, Page, Row, Rows } from "./Page";
import { useSubmit } from "./useSubmit";

export const Members = graphql(
  `query Members { members { __typename role since user { __typename id name email } } }`,
);
const Invitations = graphql(`
  query Invitations { invitations { __typename id email role createdAt expiresAt acceptedAt revokedAt } }
`);
const Invite = graphql(
  `mutation Invite($email: String!, $role: Role!) {
    invite(email: $email, role: $role) { __typename problem { ...ProblemItem } invitation { __typename id email role } }
  }`,
  [ProblemItem],
);
const Revoke = graphql(
  `mutation RevokeInvitation($id: ID!) { revokeInvitation(id: $id) { __typename problem { ...ProblemItem } invitation { __typename id revokedAt } } }`,
  [ProblemItem],
);
const SetRole = graphql(
  `mutation SetRole($userId: ID!, $role: Role!) {
    setRole(userId: $userId, role: $role) { __typename problem { ...ProblemItem } member { __typename role user { __typename id } } }
  }`,
  [ProblemItem],
);
const Remove = graphql(
  `mutation RemoveMember($userId: ID!) { removeMember(userId: $userId) { __typename problem { ...ProblemItem } member { __typename role user { __typename id } } } }`,
  [ProblemItem],
);

export function PeoplePage() {
  const { t, i18n } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const viewer = useViewer();
  const form = useSubmit();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: Members,
    requestPolicy: "cache-and-network",
  });
  const [invitations] = useQuery({ query: Invitations, requestPolicy: "cache-and-network" });
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("AGENT");
  const [removing, setRemoving] = useState<{ id: string; name: string } | null>(null);
  const owns = atLeast(viewer.role, "OWNER");
  const roles = ROLES.filter((one) => owns || !atLeast(one, "ADMIN"));
  const open =
    invitations.data?.invitations.filter((one) => one.acceptedAt === null && one.revokedAt === null) ?? [];
  return (
    <Page
      title={t("common:nav.people")}
      text={t("people.text")}
      loading={fetching && !data}
      error={data ? undefined : error}
      onRetry={() => refetch({ requestPolicy: "network-only" })}
    >
      <Card title={t("people.invite")}>
        <form
          className="flex flex-wrap items-end gap-2 p-4"
          onSubmit={async (event) => {
            event.preventDefault();
            if (!(await form.run(Invite, { email: email.trim(), role }))) return;
            toast(t("people.invited", { email: email.trim() }));
            setEmail("");
          }}
        >
          <div className="min-w-52 flex-1">
            <Input
              label={t("people.email")}
              type="email"
              required
              value={email}
              error={form.errorOf("email") ?? form.general(["email"])}
              onChange={(event) => setEmail(event.target.value)}
            />
          </div>
          <Select
            label={t("people.role")}
            value={role}
            onChange={(event) => setRole(event.target.value as Role)}
          >
            {roles.map((one) => (
              <option key={one} value={one}>
                {t(`role.${one}`)}
              </option>
            ))}
          </Select>
          <Button look="primary" type="submit" busy={form.busy} className="h-8">
            {t("people.send")}
          </Button>
        </form>
        {open.length > 0 && (
          <div className="border-t">
            <Rows>
              {open.map((one) => (
                <Row
                  key={one.id}
                  title={
                    <>
                      {one.email}
                      <Pill>{t(`role.${one.role}`)}</Pill>
                    </>
                  }
                  text={t("people.expires", { time: dateTime(one.expiresAt, i18n.language) })}
                  actions={
                    <Button onClick={() => void act(client, Revoke, { id: one.id })}>
                      {t("people.revoke")}
                    </Button>
                  }
                />
              ))}
            </Rows>
          </div>
        )}
      </Card>
      <Card title={t("people.members")}>
        <Rows>
          {data?.members.map((member) => {
            const { user } = member;
            const self = user.id === viewer.id;
            const mayChange = !self && (owns || !atLeast(member.role, "ADMIN"));
            return (
              <Row
                key={user.id}
                icon={<Avatar id={user.id} name={user.name} size={28} />}
                title={user.name}
                text={user.email}
                actions={
                  mayChange ? (
                    <>
                      <Select
                        label={t("people.roleOf", { name: user.name })}
                        hideLabel
                        value={member.role}
                        onChange={(event) =>
                          void act(client, SetRole, { userId: user.id, role: event.target.value as Role })
                        }
                      >
                        {roles.map((one) => (
                          <option key={one} value={one}>
                            {t(`role.${one}`)}
                          </option>
                        ))}
                      </Select>
                      <Button look="danger" className="h-8" onClick={() => setRemoving(user)}>
                        {t("remove")}
                      </Button>
                    </>
                  ) : (
                    <Pill>{t(`role.${member.role}`)}</Pill>
                  )
                }
              />
            );
          })}
        </Rows>
      </Card>
      <Confirm
        open={removing !== null}
        danger
        title={t("people.removeTitle", { name: removing?.name ?? "" })}
        confirm={t("remove")}
        onClose={() => setRemoving(null)}
        onConfirm={() => {
          if (removing) void act(client, Remove, { userId: removing.id });
          setRemoving(null);
        }}
      >
        {t("people.removeText")}
      </Confirm>
    </Page>
  );
}
