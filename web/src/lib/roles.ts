import type { Role } from "@/lib/gql/graphql";

const RANK: readonly Role[] = ["AGENT", "SUPERVISOR", "ADMIN", "OWNER"];
export const ROLES = RANK;

/** Mirrors the server's permissions only to hide what would be refused; the server decides. */
export const atLeast = (role: Role, needed: Role): boolean => RANK.indexOf(role) >= RANK.indexOf(needed);
