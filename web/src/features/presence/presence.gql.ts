import { AgentItem, ProblemItem } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";

export const OwnAgent = graphql(`query OwnAgent { viewer { __typename id agent { ...AgentItem } } }`, [
  AgentItem,
]);
export const SetAgentState = graphql(
  `mutation SetAgentState($status: AgentStatus!, $reason: String, $whenFree: Boolean! = false) {
    setAgentState(status: $status, reason: $reason, whenFree: $whenFree) { __typename problem { ...ProblemItem } agent { ...AgentItem } }
  }`,
  [AgentItem, ProblemItem],
);
export const SetChannelsOff = graphql(
  `mutation SetChannelsOff($off: [String!]!) {
    setChannelsOff(off: $off) { __typename problem { ...ProblemItem } agent { ...AgentItem } }
  }`,
  [AgentItem, ProblemItem],
);
/** The channels that bring work at all. */
export const ConnectedChannels = graphql(
  `query ConnectedChannels { inboxes { __typename id channel state } }`,
);
