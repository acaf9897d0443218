//! What `@` and `:` offer while someone writes: found by the word before the caret. Pure.
import { score } from "@/lib/search/match";

export interface Suggestion {
  id: string;
  label: string;
  /** Searched too, never shown. */
  hint?: string;
  insert: string;
}
export interface Asked {
  sign: "@" | ":";
  query: string;
  /** Where the sign stands. */
  start: number;
}

const QUERY_MAX = 30;
const SHOWN = 8;

/** The sign must begin a word: an e-mail address or `10:30` asks for nothing. */
export function askedAt(text: string, caret: number): Asked | null {
  const found = /(?:^|[\s(])([@:])([^\s@:]*)$/u.exec(text.slice(0, caret));
  if (!found) return null;
  const [, sign, query = ""] = found;
  if (query.length > QUERY_MAX) return null;
  // A colon alone ends many sentences; it asks for a face only when a word follows it.
  if (sign === ":" && query.length < 2) return null;
  return { sign: sign as Asked["sign"], query, start: caret - query.length - 1 };
}

export function suggestionsFor(query: string, all: readonly Suggestion[]): Suggestion[] {
  if (query === "") return all.slice(0, SHOWN);
  return all
    .map((one) => ({ one, rank: score(query, `${one.label} ${one.hint ?? ""}`) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .slice(0, SHOWN)
    .map(({ one }) => one);
}

export function accept(text: string, caret: number, asked: Asked, chosen: Suggestion) {
  const before = text.slice(0, asked.start) + chosen.insert;
  return { text: before + text.slice(caret), caret: before.length };
}

/** Who is meant by the names in a note; the longest name wins where one begins like another. */
export function mentionedIn(text: string, people: readonly { id: string; name: string }[]): string[] {
  let rest = text;
  const found: string[] = [];
  for (const { id, name } of [...people].sort((a, b) => b.name.length - a.name.length)) {
    if (name === "" || !rest.includes(`@${name}`)) continue;
    rest = rest.replaceAll(`@${name}`, " ");
    found.push(id);
  }
  return found;
}
