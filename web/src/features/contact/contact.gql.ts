import { ProblemItem } from "@/lib/gql/fragments";
import { graphql, type ResultOf } from "@/lib/gql/graphql";

export const ContactItem = graphql(`
  fragment ContactItem on Contact {
    __typename id name note locale avatarUrl mergedIntoId createdAt
    identities { __typename id channel handle display avatarUrl mergedFromId }
  }
`);
export type ContactItem = ResultOf<typeof ContactItem>;
export type IdentityItem = ContactItem["identities"][number];

export const ContactList = graphql(
  `query ContactList($search: String, $after: String, $first: Int!) {
    contacts(search: $search, first: $first, after: $after) {
      __typename
      pageInfo { __typename hasNextPage endCursor }
      edges { __typename node { ...ContactItem } }
    }
  }`,
  [ContactItem],
);

export const ContactDetail = graphql(
  `query ContactDetail($id: ID!, $tickets: Int!) {
    contact(id: $id) {
      ...ContactItem
      tickets(first: $tickets) { __typename id number subject status lastMessageAt lastMessagePreview channel }
    }
  }`,
  [ContactItem],
);

export const UpdateContact = graphql(
  `mutation UpdateContact($id: ID!, $name: String, $note: String) {
    updateContact(id: $id, name: $name, note: $note) { __typename problem { ...ProblemItem } contact { __typename id name note } }
  }`,
  [ProblemItem],
);

export const Merge = graphql(
  `mutation MergeContacts($into: ID!, $from: ID!) {
    mergeContacts(into: $into, from: $from) { __typename problem { ...ProblemItem } contact { ...ContactItem } }
  }`,
  [ProblemItem, ContactItem],
);

export const Unmerge = graphql(
  `mutation UnmergeContact($id: ID!) {
    unmergeContact(id: $id) { __typename problem { ...ProblemItem } contact { ...ContactItem } }
  }`,
  [ProblemItem, ContactItem],
);

export const StartConversation = graphql(
  `mutation StartConversation($contactId: ID!, $inboxId: ID!, $identityId: ID, $handle: String) {
    startConversation(contactId: $contactId, inboxId: $inboxId, identityId: $identityId, handle: $handle) {
      __typename problem { ...ProblemItem } conversation { __typename id } ticket { __typename id number }
    }
  }`,
  [ProblemItem],
);

export const StartInboxes = graphql(`query StartInboxes { inboxes { __typename id name channel state } }`);
