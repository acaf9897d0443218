import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useChannelKinds } from "@/features/inbox/channels";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { AgentItem, ProblemItem } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";
import { Avatar } from "@/ui/Avatar";
import { Input } from "@/ui/Field";
import { Card } from "./Page";

const Agents = graphql(`query Capacities { agents { ...AgentItem } }`, [AgentItem]);
const SetCapacity = graphql(
  `mutation SetCapacity($userId: ID!, $capacity: JSON!) {
    setCapacity(userId: $userId, capacity: $capacity) { __typename problem { ...ProblemItem } agent { ...AgentItem } }
  }`,
  [ProblemItem, AgentItem],
);

/** Slots of channels that are not named. */
const OTHERS = "*";
const SLOTS_MAX = 100;

function slotsOf(capacity: unknown): Record<string, number> {
  return typeof capacity === "object" && capacity !== null ? (capacity as Record<string, number>) : {};
}

function Slots({
  label,
  value,
  onSave,
}: {
  label: string;
  value: number | undefined;
  onSave: (slots: number | null) => void;
}) {
  const [text, setText] = useState<string | null>(null);
  return (
    <Input
      label={label}
      hideLabel
      type="number"
      min={0}
      max={SLOTS_MAX}
      placeholder="–"
      className="w-18"
      value={text ?? (value === undefined ? "" : String(value))}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => {
        if (text !== null && text !== String(value ?? "")) onSave(text === "" ? null : Number(text));
        setText(null);
      }}
    />
  );
}

/** How many contacts each agent works at a time, per channel; an empty field follows "other channels". */
export function Capacity() {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const kinds = [...useChannelKinds().values()];
  const [{ data }] = useQuery({ query: Agents, requestPolicy: "cache-and-network" });
  if (!data) return null;
  const columns = [
    ...kinds.map(({ kind, name }) => ({ kind, name })),
    { kind: OTHERS, name: t("capacity.others") },
  ];
  return (
    <Card title={t("capacity.title")}>
      <p className="px-4 pt-3 text-muted">{t("capacity.text")}</p>
      <div className="overflow-x-auto">
        <table className="w-full text-left">
          <thead>
            <tr className="border-b text-meta text-muted">
              <th className="px-4 py-2 font-medium">{t("skills.agent")}</th>
              {columns.map(({ kind, name }) => (
                <th key={kind} className="whitespace-nowrap px-2 py-2 font-medium">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {data.agents.map((agent) => {
              const slots = slotsOf(agent.capacity);
              return (
                <tr key={agent.userId} className="border-b last:border-b-0">
                  <th scope="row" className="px-4 py-2 font-normal">
                    <span className="flex items-center gap-2 whitespace-nowrap">
                      <Avatar id={agent.userId} name={agent.user.name} size={22} />
                      {agent.user.name}
                    </span>
                  </th>
                  {columns.map(({ kind, name }) => (
                    <td key={kind} className="px-2 py-1.5">
                      <Slots
                        label={`${agent.user.name}: ${name}`}
                        value={slots[kind]}
                        onSave={(value) => {
                          const { [kind]: _, ...rest } = slots;
                          const capacity = value === null ? rest : { ...rest, [kind]: value };
                          void act(client, SetCapacity, { userId: agent.userId, capacity });
                        }}
                      />
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
