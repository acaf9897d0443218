export const RULES = [
  "longest_idle",
  "least_loaded",
  "most_skilled",
  "round_robin",
  "last_agent",
  "owner",
  "priority",
  "random",
  "other",
] as const;
export type Rule = (typeof RULES)[number];

/** The router's reason is open JSON; a rule this build does not know is still told, only less exactly. */
export function ruleOf(reason: unknown): Rule {
  const rule = typeof reason === "object" && reason !== null && "rule" in reason ? reason.rule : null;
  return RULES.find((one) => one === rule) ?? "other";
}
