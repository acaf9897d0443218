import { usePreferences } from "@/lib/prefs";

let audio: AudioContext | null = null;

/** Three short notes. Browsers keep a page silent until someone clicks; then this is silent too. */
export function chime(): void {
  if (!usePreferences.getState().sound) return;
  try {
    audio ??= new AudioContext();
    if (audio.state !== "running") {
      void audio.resume();
      return;
    }
    for (const [index, frequency] of [660, 880, 660].entries()) {
      const at = audio.currentTime + index * 0.16;
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0.0001, at);
      gain.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.14);
      tone.connect(gain).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.15);
    }
  } catch {
    // No audio device: the card is still seen.
  }
}
