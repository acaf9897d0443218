import { AgentItem, ProblemItem } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";

export const OwnAgent = graphql(`query OwnAgent { viewer { __typename id agent { ...AgentItem } } }`, [
  AgentItem,
]);
export const SetAgentState = graphql(
  `mutation SetAgentState($status: AgentStatus!, $reason: String) {
    setAgentState(status: $status, reason: $reason) { __typename problem { ...ProblemItem } agent { ...AgentItem } }
  }`,
  [AgentItem, ProblemItem],
);
