import { describe, expect, it } from "vitest";
import { filterOf, parseSearch } from "./search";

describe("inbox address", () => {
  it("drops what it does not know and what is the default", () => {
    expect(parseSearch({ view: "all", sort: "NEWEST", priority: "HUGE", extra: 1 })).toEqual({});
    expect(parseSearch({ view: "mine", q: 20931 })).toEqual({ view: "mine", q: "20931" });
  });

  it("becomes the filter of its view", () => {
    expect(filterOf({ view: "mine", tag: "refund" })).toEqual({
      mine: true,
      status: ["OPEN"],
      tag: "refund",
    });
    expect(filterOf({ queue: "que_1" })).toEqual({ queueId: "que_1", status: ["OPEN"] });
  });
});
