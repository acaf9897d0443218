import { create } from "zustand";
import { persist } from "zustand/middleware";

export type Theme = "system" | "light" | "dark";
interface Preferences {
  theme: Theme;
  density: "comfortable" | "compact";
  language: string | null;
  singleKeys: boolean;
  sound: boolean;
  panelOpen: boolean;
  listWidth: number;
  /** How long a reply can be taken back after Send. */
  undoSeconds: number;
  notifications: boolean;
}

export const LIST_MIN = 280;
export const LIST_MAX = 480;
export const UNDO_CHOICES = [0, 3, 5, 10] as const;

export const usePreferences = create<Preferences>()(
  persist(
    (): Preferences => ({
      theme: "system",
      density: "comfortable",
      language: null,
      singleKeys: true,
      sound: true,
      panelOpen: true,
      listWidth: 352,
      undoSeconds: 5,
      notifications: false,
    }),
    { name: "meari.preferences" },
  ),
);

export function applyTheme(theme: Theme, systemDark: boolean): void {
  document.documentElement.classList.toggle("dark", theme === "dark" || (theme === "system" && systemDark));
}

export function followTheme(): () => void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => applyTheme(usePreferences.getState().theme, system.matches);
  apply();
  system.addEventListener("change", apply);
  const unsubscribe = usePreferences.subscribe(apply);
  return () => {
    system.removeEventListener("change", apply);
    unsubscribe();
  };
}

/** The contact panel on screens too narrow for a column: closed until asked for, and never remembered. */
export const useDrawer = create<{ open: boolean }>()(() => ({ open: false }));

export function togglePanel(): void {
  if (window.matchMedia("(min-width: 1280px)").matches)
    usePreferences.setState((state) => ({ panelOpen: !state.panelOpen }));
  else useDrawer.setState((state) => ({ open: !state.open }));
}
