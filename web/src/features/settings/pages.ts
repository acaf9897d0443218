//! Which settings pages there are, and for whom.
import type { Role } from "@/lib/gql/graphql";
import { atLeast } from "@/lib/roles";

export const OWN = [
  ["/settings/profile", "profile"],
  ["/settings/tokens", "tokens"],
] as const;
export const ADMIN = [
  ["/settings/inboxes", "inboxes"],
  ["/settings/apps", "apps"],
  ["/settings/queues", "queues"],
  ["/settings/skills", "skills"],
  ["/settings/people", "people"],
  ["/settings/teams", "teams"],
  ["/settings/audit", "audit"],
  ["/settings/dead-letters", "deadLetters"],
] as const;

export const settingsFor = (role: Role) => (atLeast(role, "ADMIN") ? [...OWN, ...ADMIN] : OWN);
