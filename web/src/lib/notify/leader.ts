//! One tab rings, however many are open: the one that was touched last, for browsers let only such a tab
//! make sounds. It holds a lock; a tab that is touched takes the lock over.
import { create } from "zustand";

export const useLeader = create<{ leads: boolean }>()(() => ({ leads: false }));

const LOCK = "meari.leader";

export interface Locks {
  request(name: string, options: { steal?: boolean }, held: () => Promise<void>): Promise<void>;
}

/** Answers a function that gives the lead up. */
export function lead(locks: Locks | undefined, onChange: (leads: boolean) => void) {
  if (!locks) {
    onChange(true);
    return { claim() {}, leave() {} };
  }
  let leads = false;
  let over = false;
  let release = () => {};
  const say = (now: boolean) => {
    if (now === leads || over) return;
    leads = now;
    onChange(now);
  };
  const ask = (steal: boolean) => {
    const held = () =>
      new Promise<void>((resolve) => {
        if (over) return resolve();
        release = resolve;
        say(true);
      });
    locks.request(LOCK, steal ? { steal: true } : {}, held).catch(() => {
      // Another tab took it; it comes back when that tab closes.
      say(false);
      if (!over) ask(false);
    });
  };
  ask(false);
  return {
    claim: () => {
      if (!leads && !over) ask(true);
    },
    leave: () => {
      over = true;
      release();
    },
  };
}

export function followLead(): () => void {
  const locks = navigator.locks as unknown as Locks | undefined;
  const { claim, leave } = lead(locks, (leads) => useLeader.setState({ leads }));
  window.addEventListener("pointerdown", claim);
  window.addEventListener("keydown", claim);
  return () => {
    window.removeEventListener("pointerdown", claim);
    window.removeEventListener("keydown", claim);
    leave();
    useLeader.setState({ leads: false });
  };
}
