import { describe, expect, it } from "vitest";
import { score } from "./match";

describe("palette search", () => {
  it("finds by Korean initials and by parts of words", () => {
    expect(score("ㅅㄷ", "내 상담")).toBeGreaterThan(0);
    expect(score("ㅅㅂ", "내 상담")).toBe(0);
    expect(score("상", "내 상담")).toBeGreaterThan(0);
  });
  it("wants every word and prefers beginnings", () => {
    expect(score("close tick", "Close ticket")).toBeGreaterThan(0);
    expect(score("close queue", "Close ticket")).toBe(0);
    expect(score("cl", "Close ticket")).toBeGreaterThan(score("os", "Close ticket"));
  });
});
