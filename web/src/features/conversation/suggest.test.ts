import { describe, expect, it } from "vitest";
import { accept, askedAt, mentionedIn, suggestionsFor } from "./suggest";

const at = (text: string) => askedAt(text, text.length);

describe("askedAt", () => {
  it("finds the sign that begins the word before the caret", () => {
    expect(at("ask @gra")).toEqual({ sign: "@", query: "gra", start: 4 });
    expect(at("@")).toEqual({ sign: "@", query: "", start: 0 });
    expect(at("thanks :smi")).toEqual({ sign: ":", query: "smi", start: 7 });
    expect(askedAt("ask @gra now", 8)?.query).toBe("gra");
  });

  it("leaves addresses, times and plain colons alone", () => {
    for (const text of ["mail kim@example", "at 10:30", "as follows:", "see :a", "@two words "])
      expect([text, at(text)]).toEqual([text, null]);
  });
});

describe("suggestionsFor", () => {
  const people = ["Grace Kim", "김서연", "Minho Lee"].map((name) => ({
    id: name,
    label: name,
    insert: `@${name} `,
  }));
  it("finds people by part of a name and by Korean initials", () => {
    expect(suggestionsFor("lee", people).map((one) => one.id)).toEqual(["Minho Lee"]);
    expect(suggestionsFor("ㄱㅅ", people).map((one) => one.id)).toEqual(["김서연"]);
    expect(suggestionsFor("", people)).toHaveLength(3);
  });
});

describe("accept", () => {
  it("puts the choice where the question stood and the caret behind it", () => {
    const asked = at("ask @gra");
    const chosen = { id: "1", label: "Grace", insert: "@Grace Kim " };
    if (!asked) throw new Error("nothing asked");
    expect(accept("ask @gra now", 8, asked, chosen)).toEqual({ text: "ask @Grace Kim  now", caret: 15 });
  });
});

describe("mentionedIn", () => {
  it("means the longest name that stands there", () => {
    const people = [
      { id: "1", name: "Kim" },
      { id: "2", name: "Kim Seoyeon" },
      { id: "3", name: "Lee" },
    ];
    expect(mentionedIn("@Kim Seoyeon please look, Lee is away", people)).toEqual(["2"]);
    expect(mentionedIn("@Kim Seoyeon and @Kim", people).sort()).toEqual(["1", "2"]);
  });
});
