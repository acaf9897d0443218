import { usePreferences } from "@/lib/prefs";
import { useLeader } from "./leader";

let audio: AudioContext | null = null;

type Note = { frequency: number; at: number; loud: number };
const OFFER: readonly Note[] = [660, 880, 660].map((frequency, index) => ({
  frequency,
  at: index * 0.16,
  loud: 0.12,
}));
const SOFT: readonly Note[] = [{ frequency: 587, at: 0, loud: 0.05 }];

function play(notes: readonly Note[]): void {
  try {
    audio ??= new AudioContext();
    if (audio.state !== "running") {
      // Browsers keep a page silent until someone clicks; then this is silent too.
      void audio.resume();
      return;
    }
    for (const { frequency, at, loud } of notes) {
      const start = audio.currentTime + at;
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0.0001, start);
      gain.gain.exponentialRampToValueAtTime(loud, start + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.14);
      tone.connect(gain).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.15);
    }
  } catch {
    // No audio device: what is announced is still seen.
  }
}

export type Sound = "offer" | "soft";

/** Rings in the leading tab only. */
export function ring(sound: Sound): void {
  if (!usePreferences.getState().sound || !useLeader.getState().leads) return;
  play(sound === "offer" ? OFFER : SOFT);
}

/** What the settings let one hear, whichever tab leads. */
export const testSound = (): void => play(OFFER);

export interface Notice {
  /** A later notice of the same tag replaces an earlier one. */
  tag: string;
  title: string;
  body: string;
  onClick: () => void;
}

/** A notification of the system: only from the leading tab, and only while nobody looks at the page. */
export function notifySystem({ tag, title, body, onClick }: Notice): void {
  const wanted = usePreferences.getState().notifications && useLeader.getState().leads;
  if (!wanted || document.visibilityState === "visible" || !("Notification" in window)) return;
  if (Notification.permission !== "granted") return;
  try {
    const shown = new Notification(title, { tag, body, icon: "/favicon.svg" });
    shown.onclick = () => {
      window.focus();
      onClick();
      shown.close();
    };
  } catch {
    // Phones allow notifications to service workers only.
  }
}

/** Asked when somebody says she wants them, never on load. Answers whether they may be shown. */
export async function askToNotify(): Promise<boolean> {
  if (!("Notification" in window)) return false;
  if (Notification.permission === "default") await Notification.requestPermission();
  return Notification.permission === "granted";
}
