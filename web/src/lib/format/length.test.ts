import { describe, expect, it } from "vitest";
import { septets, smsParts, textLength } from "./length";

const FAMILY = "👨‍👩‍👧‍👦";

describe("textLength", () => {
  it("counts a family as one grapheme and as what it is elsewhere", () => {
    expect(textLength(FAMILY, "graphemes")).toBe(1);
    expect(textLength(FAMILY, "chars")).toBe(7);
    expect(textLength(FAMILY, "utf16")).toBe(11);
    expect(textLength(FAMILY, "bytes")).toBe(25);
  });

  it("counts composed and decomposed Hangul as the same graphemes", () => {
    const text = "한글";
    expect(textLength(text.normalize("NFD"), "graphemes")).toBe(2);
    expect(textLength(text.normalize("NFD"), "chars")).toBe(6);
    expect(textLength(text, "bytes")).toBe(6);
  });
});

describe("SMS", () => {
  it("pays double for the escaped characters", () => {
    expect(septets("a€")).toBe(3);
    expect(septets("안녕")).toBeNull();
  });

  it("splits at 160 septets or 70 UCS-2 units, with shorter parts after that", () => {
    expect(smsParts("a".repeat(160))).toBe(1);
    expect(smsParts("a".repeat(161))).toBe(2);
    expect(smsParts("a".repeat(307))).toBe(3);
    expect(smsParts("가".repeat(70))).toBe(1);
    expect(smsParts("가".repeat(71))).toBe(2);
  });
});
