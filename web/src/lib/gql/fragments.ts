import { graphql, type ResultOf } from "./graphql";

export const TicketRow = graphql(`
  fragment TicketRow on Ticket {
    __typename id number subject status priority tags channel snoozedUntil
    messageHead readPosition unread lastMessageAt lastMessagePreview lastMessageInbound waitingSince
    createdAt updatedAt closedAt version
    contact { __typename id name avatarUrl }
    queue { __typename id name color }
    assignee { __typename id name }
  }
`);
export type TicketRow = ResultOf<typeof TicketRow>;

export const MessageItem = graphql(`
  fragment MessageItem on Message {
    __typename id ticketId conversationId direction kind state author authorUserId authorName text html clientId quotedId
    problem position sentAt createdAt editedAt deletedAt version
    reactions { __typename emoji by }
    attachments { __typename id state name mediaType sizeBytes url problem }
  }
`);
export type MessageItem = ResultOf<typeof MessageItem>;

export const ConversationItem = graphql(`
  fragment ConversationItem on Conversation {
    __typename id ticketId replyUntil replyRefusal createdAt
    inbox { __typename id name channel state problem address }
    identity { __typename id channel handle display }
  }
`);
export type ConversationItem = ResultOf<typeof ConversationItem>;

export const AgentItem = graphql(`
  fragment AgentItem on Agent {
    __typename userId status reason presence load capacity channelsOff nextStatus nextReason statusSince
    proficiencies { __typename skillId level }
    user { __typename id name email }
  }
`);
export type AgentItem = ResultOf<typeof AgentItem>;

export const ViewerItem = graphql(
  `
  fragment ViewerItem on Viewer {
    __typename id email name locale role permissions
    tenant { __typename id name timeZone locale }
    tenants { __typename id name }
    agent { ...AgentItem }
  }
`,
  [AgentItem],
);
export type ViewerItem = ResultOf<typeof ViewerItem>;

export const ProblemItem = graphql(`
  fragment ProblemItem on Problem { __typename code message field }
`);
export type Problem = ResultOf<typeof ProblemItem>;
