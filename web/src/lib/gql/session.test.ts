import { describe, expect, it } from "vitest";
import { renewalDelay } from "./session";

describe("renewalDelay", () => {
  it("is a minute before the end of a long token", () => {
    expect(renewalDelay(600_000, 0)).toBe(540_000);
  });

  it("is half the life of a short one, and never a busy loop", () => {
    expect(renewalDelay(40_000, 0)).toBe(20_000);
    expect(renewalDelay(0, 10_000)).toBe(1_000);
  });
});
