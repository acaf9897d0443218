import { initGraphQLTada } from "gql.tada";
import type { introspection } from "@/graphql-env";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string; JSON: unknown };
  disableMasking: true;
}>();

export type { ResultOf, VariablesOf } from "gql.tada";
export type Role = ReturnType<typeof graphql.scalar<"Role">>;
export type TicketStatus = ReturnType<typeof graphql.scalar<"TicketStatus">>;
export type Priority = ReturnType<typeof graphql.scalar<"Priority">>;
export type MessageState = ReturnType<typeof graphql.scalar<"MessageState">>;
export type InboxState = ReturnType<typeof graphql.scalar<"InboxState">>;
export type AgentStatus = ReturnType<typeof graphql.scalar<"AgentStatus">>;
export type ProblemCode = ReturnType<typeof graphql.scalar<"ProblemCode">>;
export type TicketSort = ReturnType<typeof graphql.scalar<"TicketSort">>;
