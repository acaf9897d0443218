import { ConversationItem, MessageItem, ProblemItem, TicketRow } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";

export const PAGE = 50;

/** Row fields only: answered from the list's rows at once. */
export const TicketHead = graphql(
  `query TicketHead($number: Int!) { ticket(number: $number) { ...TicketRow } }`,
  [TicketRow],
);

export const TicketDetail = graphql(
  `query TicketDetail($number: Int!) {
    ticket(number: $number) {
      ...TicketRow
      conversations { ...ConversationItem }
      messages(first: 50) { ...MessageItem }
    }
  }`,
  [TicketRow, ConversationItem, MessageItem],
);

export const OlderMessages = graphql(
  `query OlderMessages($id: ID!, $before: Int!) {
    ticket(id: $id) { __typename id messages(first: 50, before: $before) { ...MessageItem } }
  }`,
  [MessageItem],
);

export const RetryMessage = graphql(
  `mutation RetryMessage($id: ID!) { retryMessage(id: $id) { __typename problem { ...ProblemItem } message { ...MessageItem } } }`,
  [ProblemItem, MessageItem],
);
export const MarkMessageSent = graphql(
  `mutation MarkMessageSent($id: ID!) { markMessageSent(id: $id) { __typename problem { ...ProblemItem } message { ...MessageItem } } }`,
  [ProblemItem, MessageItem],
);
export const CancelMessage = graphql(
  `mutation CancelMessage($id: ID!) { cancelMessage(id: $id) { __typename problem { ...ProblemItem } message { ...MessageItem } } }`,
  [ProblemItem, MessageItem],
);
export const EditMessage = graphql(
  `mutation EditMessage($id: ID!, $text: String!) {
    editMessage(id: $id, text: $text) { __typename problem { ...ProblemItem } message { ...MessageItem } }
  }`,
  [ProblemItem, MessageItem],
);
export const DeleteMessage = graphql(
  `mutation DeleteMessage($id: ID!) { deleteMessage(id: $id) { __typename problem { ...ProblemItem } message { ...MessageItem } } }`,
  [ProblemItem, MessageItem],
);
export const CreateUpload = graphql(
  `mutation CreateUpload($name: String!, $mediaType: String!, $sizeBytes: Int!) {
    createUpload(name: $name, mediaType: $mediaType, sizeBytes: $sizeBytes) { __typename problem { ...ProblemItem } id url }
  }`,
  [ProblemItem],
);
export const Typing = graphql(
  `mutation Typing($ticketId: ID!, $typing: Boolean!) { typing(ticketId: $ticketId, typing: $typing) { __typename problem { __typename code message field } } }`,
);
