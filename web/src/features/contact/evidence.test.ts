import { describe, expect, it } from "vitest";
import type { ContactItem } from "./contact.gql";
import { evidence, speaksFor } from "./evidence";

const person = (name: string, handles: string[], locale: string | null = null) =>
  ({ name, locale, identities: handles.map((handle) => ({ handle })) }) as ContactItem;
const kinds = (a: ContactItem, b: ContactItem) => evidence(a, b).map((one) => one.kind);

describe("evidence", () => {
  it("knows a handle again on another service, however it is written", () => {
    expect(kinds(person("A", ["@Kim.Seo@shop.example"]), person("B", ["kim.seo@mail.example"]))).toContain(
      "sameHandle",
    );
    expect(kinds(person("A", ["+82 10-2931-5547"]), person("B", ["821029315547"]))).toContain("sameHandle");
    expect(kinds(person("A", ["@kim"]), person("B", ["@lee"]))).not.toContain("sameHandle");
  });

  it("takes nothing for the same that is too short to say anything", () => {
    expect(kinds(person("A", ["@a"]), person("B", ["@a@x.example"]))).not.toContain("sameHandle");
    expect(kinds(person("A", ["12-34"]), person("B", ["1234"]))).not.toContain("sameHandle");
  });

  it("weighs names: the same, partly the same, or not at all", () => {
    expect(kinds(person("김서연", []), person(" 김서연 ", []))).toEqual(["sameName"]);
    expect(kinds(person("Sofia Alvarez", []), person("Sofia A.", []))).toEqual(["sameWords"]);
    expect(kinds(person("Sofia", []), person("Noah", []))).toEqual(["otherName"]);
  });

  it("says when languages speak against it, not when one is unknown", () => {
    expect(kinds(person("A", [], "ko"), person("A", [], "pt-BR"))).toEqual(["sameName", "otherLanguage"]);
    expect(kinds(person("A", [], "pt"), person("A", [], "pt-BR"))).toEqual(["sameName"]);
    expect(evidence(person("A", [], "ko"), person("A", [])).every(speaksFor)).toBe(true);
  });
});
