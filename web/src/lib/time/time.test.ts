import { describe, expect, it } from "vitest";
import { ago, clock, snoozeUntil } from ".";

describe("clock", () => {
  it("grows from seconds to hours", () => {
    expect(clock(37_400)).toBe("0:37");
    expect(clock(724_000)).toBe("12:04");
    expect(clock(3_729_000)).toBe("1:02:09");
    expect(clock(-5)).toBe("0:00");
  });
});

describe("ago", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  it("never speaks of the future when clocks disagree", () => {
    expect(ago("2026-11-20T12:00:30Z", "en", now)).toBe(ago("2026-11-20T12:00:00Z", "en", now));
  });
});

describe("snoozeUntil", () => {
  it("next week is always a coming Monday at nine", () => {
    for (let day = 16; day <= 22; day += 1) {
      const until = snoozeUntil("nextWeek", new Date(2026, 10, day, 15).getTime());
      expect([until.getDay(), until.getHours(), until.getDate()]).toEqual([1, 9, 23]);
    }
  });
});
