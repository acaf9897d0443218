import { ProblemItem, TicketRow } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";

export const Offers = graphql(
  `query Offers {
    offers { __typename id queueId userId state endReason reason createdAt expiresAt ticket { ...TicketRow } }
  }`,
  [TicketRow],
);
export const AcceptOffer = graphql(
  `mutation AcceptOffer($id: ID!) {
    acceptOffer(id: $id) {
      __typename problem { ...ProblemItem } offer { __typename id state endReason } ticket { ...TicketRow }
    }
  }`,
  [ProblemItem, TicketRow],
);
export const DeclineOffer = graphql(
  `mutation DeclineOffer($id: ID!, $reason: String) {
    declineOffer(id: $id, reason: $reason) { __typename problem { ...ProblemItem } offer { __typename id state endReason } }
  }`,
  [ProblemItem],
);
