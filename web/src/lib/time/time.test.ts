import { describe, expect, it } from "vitest";
import { ago, clock, snoozeChoices } from ".";

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

describe("snoozeChoices", () => {
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour).getTime();
  const ids = (now: number) => snoozeChoices(now).map((one) => one.id);
  it("next week is always a coming Monday at nine, and not offered when that is tomorrow", () => {
    for (let day = 16; day <= 21; day += 1) {
      const until = snoozeChoices(at(day, 15)).find((one) => one.id === "nextWeek")?.until;
      expect([until?.getDay(), until?.getHours(), until?.getDate()]).toEqual([1, 9, 23]);
    }
    expect(ids(at(22, 15))).not.toContain("nextWeek");
  });

  it("offers the evening only while it is further off than three hours", () => {
    expect(ids(at(18, 9))).toContain("evening");
    expect(ids(at(18, 16))).not.toContain("evening");
    expect(ids(at(18, 22))).not.toContain("evening");
  });

  it("offers the weekend from Sunday to Thursday, always later than tomorrow", () => {
    expect(ids(at(19, 10))).toContain("weekend");
    expect(ids(at(20, 10))).not.toContain("weekend");
    expect(ids(at(21, 10))).not.toContain("weekend");
  });

  it("goes from soon to late, at any hour of any day, and never back in time", () => {
    for (let day = 15; day <= 22; day += 1)
      for (let hour = 0; hour < 24; hour += 1) {
        const now = at(day, hour);
        const times = snoozeChoices(now).map((one) => one.until.getTime());
        expect(times.every((time) => time > now)).toBe(true);
        const named = times.slice(2);
        expect(named).toEqual([...named].sort((a, b) => a - b));
      }
  });
});
