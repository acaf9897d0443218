import type { ReactNode } from "react";
import { cx } from "./cx";

const HUES = [25, 65, 95, 150, 195, 235, 268, 305, 345];

function hueOf(id: string): number {
  let hash = 0;
  for (let index = 0; index < id.length; index += 1) hash = (hash * 31 + id.charCodeAt(index)) >>> 0;
  return HUES[hash % HUES.length] ?? 268;
}

/** Two letters for Latin names, one syllable for Hangul: two would not fit beside the badge. */
export function initials(name: string): string {
  const words = name
    .replace(/^[@#+]/, "")
    .trim()
    .split(/\s+/)
    .filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  if (!/\p{Script=Latin}/u.test(first)) return first;
  const second = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + (/\p{Script=Latin}/u.test(second) ? second : "")).toUpperCase();
}

interface AvatarProps {
  id: string;
  name: string;
  url?: string | null;
  size?: number;
  badge?: ReactNode;
  className?: string;
}

/** Only our own server's pictures: one on a customer's server would tell it who reads, and when. */
const isOurs = (url: string | null | undefined): url is string => /^\/(?!\/)/.test(url ?? "");

export function Avatar({ id, name, url, size = 32, badge, className }: AvatarProps) {
  return (
    <span
      className={cx("relative inline-flex shrink-0", className)}
      style={{ width: size, height: size }}
      aria-hidden="true"
    >
      {isOurs(url) ? (
        <img
          src={url}
          alt=""
          width={size}
          height={size}
          className="size-full rounded-full object-cover"
          loading="lazy"
        />
      ) : (
        <span
          // Drawn by CSS: initials are decoration, not a word of the button they stand in.
          data-initials={initials(name)}
          className="flex size-full items-center justify-center rounded-full font-semibold before:content-[attr(data-initials)]"
          style={{
            background: `oklch(0.9 0.06 ${hueOf(id)})`,
            color: `oklch(0.35 0.09 ${hueOf(id)})`,
            fontSize: Math.max(10, Math.round(size * 0.37)),
          }}
        />
      )}
      {badge && <span className="absolute -right-1 -bottom-1">{badge}</span>}
    </span>
  );
}
