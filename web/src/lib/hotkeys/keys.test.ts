import { describe, expect, it } from "vitest";
import { type Binding, type KeyPress, keyCaps, Matcher, type Situation } from "./keys";

const press = (code: string, more: Partial<KeyPress> = {}): KeyPress => ({
  code,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  isComposing: false,
  ...more,
});
const bindings: Binding[] = [
  { id: "next", keys: "KeyJ" },
  { id: "palette", keys: "Mod+KeyK" },
  { id: "goInbox", keys: "KeyG KeyI" },
  { id: "assignMe", keys: "KeyI" },
  { id: "accept", keys: "Alt+KeyA" },
  { id: "help", keys: "Shift+Slash" },
  { id: "send", keys: "Mod+Enter" },
];
const calm: Situation = { inField: false, singleKeys: true, apple: false, now: 0 };

describe("shortcuts", () => {
  it("follow the physical key, so a Korean layout changes nothing", () => {
    expect(new Matcher().match(press("KeyJ"), bindings, calm)).toEqual(["next"]);
  });

  it("never fire while an input method composes", () => {
    const matcher = new Matcher();
    expect(matcher.match(press("KeyJ", { isComposing: true }), bindings, calm)).toEqual([]);
    expect(matcher.match(press("Enter", { ctrlKey: true, keyCode: 229 }), bindings, calm)).toEqual([]);
  });

  it("leave single keys to the field that is being typed in", () => {
    const typing = { ...calm, inField: true };
    const matcher = new Matcher();
    expect(matcher.match(press("KeyJ"), bindings, typing)).toEqual([]);
    expect(matcher.match(press("Slash", { shiftKey: true }), bindings, typing)).toEqual([]);
    expect(matcher.match(press("KeyA", { altKey: true }), bindings, typing)).toEqual(["accept"]);
    expect(matcher.match(press("Enter", { ctrlKey: true }), bindings, typing)).toEqual(["send"]);
  });

  it("can have single keys switched off as a whole", () => {
    const matcher = new Matcher();
    const off = { ...calm, singleKeys: false };
    expect(matcher.match(press("KeyJ"), bindings, off)).toEqual([]);
    expect(matcher.match(press("KeyK", { ctrlKey: true }), bindings, off)).toEqual(["palette"]);
  });

  it("take two presses as a sequence only when the second comes soon", () => {
    const matcher = new Matcher();
    expect(matcher.match(press("KeyG"), bindings, calm)).toEqual([]);
    expect(matcher.match(press("KeyI"), bindings, { ...calm, now: 500 })).toEqual(["goInbox"]);
    matcher.match(press("KeyG"), bindings, { ...calm, now: 1_000 });
    expect(matcher.match(press("KeyI"), bindings, { ...calm, now: 9_000 })).toEqual(["assignMe"]);
  });

  it("keep a sequence alive across the modifier that is pressed in between", () => {
    const matcher = new Matcher();
    matcher.match(press("KeyG"), bindings, calm);
    matcher.match(press("ShiftLeft", { shiftKey: true }), bindings, { ...calm, now: 100 });
    expect(matcher.match(press("KeyI"), bindings, { ...calm, now: 200 })).toEqual(["goInbox"]);
  });

  it("use the command key on Apple machines and leave Ctrl alone there", () => {
    const apple = { ...calm, apple: true };
    const matcher = new Matcher();
    expect(matcher.match(press("KeyK", { metaKey: true }), bindings, apple)).toEqual(["palette"]);
    expect(matcher.match(press("KeyJ", { ctrlKey: true }), bindings, apple)).toEqual([]);
  });
});

describe("keyCaps", () => {
  it("prints what the keyboard prints", () => {
    expect(keyCaps("Mod+Enter", false)).toEqual(["Ctrl", "↵"]);
    expect(keyCaps("Mod+KeyK", true)).toEqual(["⌘", "K"]);
    expect(keyCaps("Shift+Slash", false)).toEqual(["?"]);
    expect(keyCaps("KeyG KeyI", false)).toEqual(["G", "I"]);
  });
});
