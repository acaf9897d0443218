import { useSyncExternalStore } from "react";
import { serverNow } from "@/lib/gql/client";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** One timer per interval for the whole page, however many clocks are on screen. */
class Ticker {
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | undefined;
  private now = 0;
  constructor(private readonly interval: number) {}

  subscribe = (listener: () => void) => {
    if (this.listeners.size === 0) {
      this.now = serverNow();
      this.timer = setInterval(() => {
        this.now = serverNow();
        for (const one of this.listeners) one();
      }, this.interval);
    }
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) clearInterval(this.timer);
    };
  };
  read = () => this.now || serverNow();
}
const tickers = { second: new Ticker(1_000), minute: new Ticker(20_000) };

/** The server's clock as far as we know it. Steps, so equal reads within a step are equal. */
export function useNow(step: keyof typeof tickers): number {
  const ticker = tickers[step];
  return useSyncExternalStore(ticker.subscribe, () => Math.floor(ticker.read() / 1_000) * 1_000);
}

const formatters = new Map<string, Intl.DateTimeFormat>();
function formatter(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  const found = formatters.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formatters.set(key, found);
  return found;
}

export const timeOfDay = (at: string | number, locale: string) =>
  formatter(locale, { hour: "numeric", minute: "2-digit" }).format(new Date(at));

export const dateTime = (at: string | number, locale: string) =>
  formatter(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

export function dayLabel(at: string, locale: string, now: number): string {
  const date = new Date(at);
  const days = Math.round((startOfDay(now) - startOfDay(date.getTime())) / DAY);
  if (days === 0 || days === 1)
    return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-days, "day");
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return formatter(locale, {
    weekday: "short",
    day: "numeric",
    month: "long",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(date);
}

export function startOfDay(at: number): number {
  const date = new Date(at);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

const relative = new Map<string, Intl.RelativeTimeFormat>();
/** "3m", "2시간 전": short, for dense rows. */
export function ago(at: string, locale: string, now: number): string {
  const format =
    relative.get(locale) ?? new Intl.RelativeTimeFormat(locale, { style: "narrow", numeric: "auto" });
  relative.set(locale, format);
  const past = Math.max(0, now - Date.parse(at));
  // "This minute" reads oddly in a row; "now" is what people say.
  if (past < MINUTE) return format.format(0, "second");
  if (past < HOUR) return format.format(-Math.floor(past / MINUTE), "minute");
  if (past < DAY) return format.format(-Math.floor(past / HOUR), "hour");
  if (past < 7 * DAY) return format.format(-Math.floor(past / DAY), "day");
  return formatter(locale, { day: "numeric", month: "short" }).format(new Date(at));
}

/** 0:37, 12:04, 1:02:09 */
export function clock(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / 1_000));
  const hours = Math.floor(total / 3_600);
  const minutes = Math.floor((total % 3_600) / 60);
  const seconds = String(total % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

export type SnoozeChoice = "oneHour" | "threeHours" | "evening" | "tomorrow" | "weekend" | "nextWeek";

const EVENING = 18;
const MORNING = 9;
const SATURDAY = 6;

function morningIn(days: number, now: number): Date {
  const date = new Date(now);
  date.setDate(date.getDate() + days);
  date.setHours(MORNING, 0, 0, 0);
  return date;
}

/** The ends people mean, soonest first; those that say nothing of their own at this hour are left out. */
export function snoozeChoices(now: number): { id: SnoozeChoice; until: Date }[] {
  const today = new Date(now);
  const evening = new Date(now);
  evening.setHours(EVENING, 0, 0, 0);
  const toSaturday = SATURDAY - today.getDay();
  const toMonday = (8 - today.getDay()) % 7 || 7;
  const choices: { id: SnoozeChoice; until: Date }[] = [
    { id: "oneHour", until: new Date(now + HOUR) },
    { id: "threeHours", until: new Date(now + 3 * HOUR) },
  ];
  if (evening.getTime() - now > 3 * HOUR) choices.push({ id: "evening", until: evening });
  choices.push({ id: "tomorrow", until: morningIn(1, now) });
  if (toSaturday > 1) choices.push({ id: "weekend", until: morningIn(toSaturday, now) });
  if (toMonday > 1) choices.push({ id: "nextWeek", until: morningIn(toMonday, now) });
  return choices;
}

/** "18:00" today, "Mon 09:00" within a week, the date beyond. */
export function soon(at: number, locale: string, now: number): string {
  const days = Math.round((startOfDay(at) - startOfDay(now)) / DAY);
  if (days === 0) return timeOfDay(at, locale);
  if (days < 7) return formatter(locale, { weekday: "short", hour: "numeric", minute: "2-digit" }).format(at);
  return dateTime(at, locale);
}
