//! What speaks for and against two contacts being one person. Pure; people decide.
import type { ContactItem } from "./contact.gql";

export type Evidence =
  | { kind: "sameHandle" | "sameName" | "sameWords"; value: string }
  | { kind: "otherName" | "otherLanguage"; value: string };
export const speaksFor = (one: Evidence): boolean => one.kind.startsWith("same");

/** `@Kim.Seoyeon@shop.example` and `kim.seoyeon` name one person more often than not. */
function localPart(handle: string): string {
  return handle.normalize("NFKC").toLowerCase().replace(/^@/, "").split("@")[0] ?? "";
}
const digits = (handle: string): string => handle.replace(/\D/g, "");
const plain = (name: string): string => name.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
const SHORT = 3;
const PHONE_DIGITS = 8;

function sameHandles(a: ContactItem, b: ContactItem): string[] {
  return a.identities.flatMap((one) =>
    b.identities.some((other) => {
      const same = localPart(one.handle) === localPart(other.handle) && localPart(one.handle).length >= SHORT;
      const phone = digits(one.handle);
      return same || (phone.length >= PHONE_DIGITS && phone === digits(other.handle));
    })
      ? [one.handle]
      : [],
  );
}

export function evidence(a: ContactItem, b: ContactItem): Evidence[] {
  const found: Evidence[] = [...new Set(sameHandles(a, b))].map((value) => ({ kind: "sameHandle", value }));
  if (plain(a.name) === plain(b.name)) found.push({ kind: "sameName", value: a.name });
  else {
    const words = new Set(plain(b.name).split(" "));
    const common = plain(a.name)
      .split(" ")
      .find((word) => word.length >= SHORT && words.has(word));
    if (common) found.push({ kind: "sameWords", value: common });
    else found.push({ kind: "otherName", value: `${a.name} ≠ ${b.name}` });
  }
  if (a.locale && b.locale && a.locale.split("-")[0] !== b.locale.split("-")[0])
    found.push({ kind: "otherLanguage", value: `${a.locale} ≠ ${b.locale}` });
  return found;
}
