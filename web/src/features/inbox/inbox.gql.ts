import { ProblemItem, TicketRow } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";

export const TicketWindow = graphql(
  `query TicketWindow($filter: TicketFilter, $sort: TicketSort, $search: String, $offset: Int!, $first: Int!) {
    tickets(filter: $filter, sort: $sort, search: $search, first: $first, offset: $offset) {
      __typename total totalIsCapped
      edges { __typename node { ...TicketRow } }
    }
  }`,
  [TicketRow],
);

export const TicketCounts = graphql(`
  query TicketCounts {
    ticketCounts { __typename all mine unassigned open pending snoozed closed queues { __typename queueId open } }
  }
`);

export const QueueNames = graphql(`query QueueNames { queues { __typename id name color archivedAt } }`);
export const AgentNames = graphql(`
  query AgentNames { agents { __typename userId status reason presence load statusSince user { __typename id name } } }
`);
export const ChannelKinds = graphql(`
  query ChannelKinds {
    channelKinds {
      __typename kind name icon usesOAuth usesProviderApp textMax textUnit replyWindowHours canEdit canDelete canReact
      canQuote canAttach canStart attachmentMaxBytes attachmentTypes
      fields { __typename name label help kind required secret options }
    }
  }
`);

export const SetStatus = graphql(
  `mutation SetStatus($id: ID!, $status: TicketStatus!, $snoozeUntil: DateTime) {
    setTicketStatus(id: $id, status: $status, snoozeUntil: $snoozeUntil) {
      __typename problem { ...ProblemItem } ticket { __typename id status snoozedUntil closedAt updatedAt version }
    }
  }`,
  [ProblemItem],
);
export const SetPriority = graphql(
  `mutation SetPriority($id: ID!, $priority: Priority!) {
    setTicketPriority(id: $id, priority: $priority) {
      __typename problem { ...ProblemItem } ticket { __typename id priority version }
    }
  }`,
  [ProblemItem],
);
export const SetTags = graphql(
  `mutation SetTags($id: ID!, $add: [String!], $remove: [String!]) {
    setTicketTags(id: $id, add: $add, remove: $remove) {
      __typename problem { ...ProblemItem } ticket { __typename id tags version }
    }
  }`,
  [ProblemItem],
);
export const SetSubject = graphql(
  `mutation SetSubject($id: ID!, $subject: String!) {
    setTicketSubject(id: $id, subject: $subject) {
      __typename problem { ...ProblemItem } ticket { __typename id subject version }
    }
  }`,
  [ProblemItem],
);
export const MarkRead = graphql(
  `mutation MarkRead($id: ID!, $position: Int!) {
    markTicketRead(id: $id, position: $position) {
      __typename problem { ...ProblemItem } ticket { __typename id readPosition unread }
    }
  }`,
  [ProblemItem],
);
export const Take = graphql(
  `mutation Take($id: ID!) {
    takeTicket(id: $id) { __typename problem { ...ProblemItem } ticket { __typename id assignee { __typename id name } version } }
  }`,
  [ProblemItem],
);
export const Assign = graphql(
  `mutation Assign($id: ID!, $userId: ID) {
    assignTicket(id: $id, userId: $userId) {
      __typename problem { ...ProblemItem } ticket { __typename id assignee { __typename id name } version }
    }
  }`,
  [ProblemItem],
);
export const Transfer = graphql(
  `mutation Transfer($id: ID!, $queueId: ID!, $note: String) {
    transferTicket(id: $id, queueId: $queueId, note: $note) {
      __typename problem { ...ProblemItem }
      ticket { __typename id queue { __typename id name color } assignee { __typename id name } version }
    }
  }`,
  [ProblemItem],
);
