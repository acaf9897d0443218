//! One registry for everything that can be done: the palette lists it, keys run it, `?` explains it.
import { useEffect, useRef } from "react";
import { create } from "zustand";
import { usePreferences } from "@/lib/prefs";
import { isApple, Matcher } from "./keys";

export type CommandGroup = "go" | "list" | "ticket" | "composer" | "presence" | "offer" | "app";
export interface Command {
  id: string;
  title: string;
  group: CommandGroup;
  keys?: readonly string[];
  /** Shown in the palette, e.g. a queue's name in both languages. */
  hint?: string;
  /** False: reachable by its key only, not worth a palette row. */
  listed?: boolean;
  /** Takes its key from others while it is there, e.g. the deeds on a selection. */
  first?: boolean;
  run: () => void;
}

interface Registry {
  owners: ReadonlyMap<symbol, readonly Command[]>;
}
export const useRegistry = create<Registry>()(() => ({ owners: new Map() }));

export function allCommands(owners = useRegistry.getState().owners): Command[] {
  return [...owners.values()].flat().sort((a, b) => Number(b.first ?? false) - Number(a.first ?? false));
}

/** Registers commands while the caller is on screen. Closures may change each render; `stamp` says when the list did. */
export function useCommands(commands: readonly Command[], stamp: string): void {
  const latest = useRef(commands);
  latest.current = commands;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `stamp` stands for the list; its closures are read late through the ref.
  useEffect(() => {
    const owner = Symbol();
    const stable = latest.current.map((command) => ({
      ...command,
      run: () => latest.current.find(({ id }) => id === command.id)?.run(),
    }));
    useRegistry.setState(({ owners }) => ({ owners: new Map(owners).set(owner, stable) }));
    return () =>
      useRegistry.setState(({ owners }) => {
        const rest = new Map(owners);
        rest.delete(owner);
        return { owners: rest };
      });
  }, [stamp]);
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Buttons answer Enter and space themselves, and an open dialog or menu owns every plain key. */
function ownsKey(target: EventTarget | null, code: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("[role=dialog],[role=menu],[role=listbox]")) return true;
  return (code === "Enter" || code === "Space") && target.closest("button,a,summary") !== null;
}

export function listenForKeys(): () => void {
  const matcher = new Matcher();
  const apple = isApple();
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented) return;
    const commands = allCommands();
    const bindings = commands.flatMap(({ id, keys = [] }) => keys.map((key) => ({ id, keys: key })));
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && ownsKey(event.target, event.code)) return;
    const [id] = matcher.match(event, bindings, {
      inField: isField(event.target),
      singleKeys: usePreferences.getState().singleKeys,
      apple,
      now: event.timeStamp,
    });
    if (id === undefined) return;
    event.preventDefault();
    commands.find((command) => command.id === id)?.run();
  };
  window.addEventListener("keydown", onKeyDown);
  return () => window.removeEventListener("keydown", onKeyDown);
}
