//! Keys are physical (`event.code`): with a Korean layout J is still the J key. Nothing here fires while an
//! input method composes, and single keys never fire inside a field.

export interface KeyPress {
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  isComposing: boolean;
  keyCode?: number;
}

export interface Binding {
  id: string;
  /** "Mod+KeyK", "Shift+KeyX", or two presses: "KeyG KeyI". `Mod` is Ctrl, or ⌘ on Apple machines. */
  keys: string;
}

const MODIFIER_CODES = /^(Control|Meta|Alt|Shift)(Left|Right)$/;
const SEQUENCE_MS = 1_200;

export const isApple = (): boolean =>
  typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.platform ?? "");

export function pressOf(event: KeyPress, apple: boolean): string {
  const parts: string[] = [];
  if (apple ? event.metaKey : event.ctrlKey) parts.push("Mod");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey) parts.push("Shift");
  // The other of Ctrl and ⌘ belongs to the system: such a press matches nothing.
  if (apple ? event.ctrlKey : event.metaKey) parts.push("Foreign");
  return [...parts, event.code === "NumpadEnter" ? "Enter" : event.code].join("+");
}

export function isSingleKey(keys: string): boolean {
  return !/(Mod|Alt)\+/.test(keys) && !/^(Escape|F\d+)$/.test(keys);
}

export interface Situation {
  inField: boolean;
  singleKeys: boolean;
  apple: boolean;
  now: number;
}

/** Turns presses into binding ids; remembers the first half of a sequence. */
export class Matcher {
  private pending: { press: string; at: number } | null = null;

  match(event: KeyPress, bindings: readonly Binding[], situation: Situation): string[] {
    // 229 is what browsers report while an input method is at work.
    if (event.isComposing || event.keyCode === 229) return [];
    if (MODIFIER_CODES.test(event.code)) return [];
    const press = pressOf(event, situation.apple);
    const allowed = bindings.filter(
      ({ keys }) => !isSingleKey(keys) || (situation.singleKeys && !situation.inField),
    );
    const first = this.pending;
    this.pending = null;
    if (first && situation.now - first.at <= SEQUENCE_MS) {
      const both = allowed.filter(({ keys }) => keys === `${first.press} ${press}`);
      if (both.length > 0) return both.map(({ id }) => id);
    }
    if (allowed.some(({ keys }) => keys.startsWith(`${press} `))) {
      this.pending = { press, at: situation.now };
      return [];
    }
    return allowed.filter(({ keys }) => keys === press).map(({ id }) => id);
  }
}

const NAMES: Record<string, string> = {
  Enter: "↵",
  Escape: "Esc",
  Slash: "/",
  BracketLeft: "[",
  BracketRight: "]",
  Backslash: "\\",
  ArrowUp: "↑",
  ArrowDown: "↓",
};

/** What to print on a key cap. */
export function keyCaps(keys: string, apple: boolean): string[] {
  return keys.split(" ").flatMap((press) => {
    if (press === "Shift+Slash") return ["?"];
    return press.split("+").map((part) => {
      if (part === "Mod") return apple ? "⌘" : "Ctrl";
      if (part === "Alt") return apple ? "⌥" : "Alt";
      if (part === "Shift") return apple ? "⇧" : "Shift";
      return NAMES[part] ?? part.replace(/^(Key|Digit)/, "");
    });
  });
}
