//! Providers count text in different units; a counter that counts otherwise lets the agent run into a refusal.

const GSM7 =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const GSM7_ESCAPED = "\f^{}\\[~]|€";
const basic = new Set(GSM7);
const escaped = new Set(GSM7_ESCAPED);
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function graphemes(text: string): number {
  let count = 0;
  for (const _ of segmenter.segment(text)) count += 1;
  return count;
}

/** Septets when the alphabet suffices, otherwise null (the message goes as UCS-2). */
export function septets(text: string): number | null {
  let count = 0;
  for (const character of text) {
    if (basic.has(character)) count += 1;
    else if (escaped.has(character)) count += 2;
    else return null;
  }
  return count;
}

/** How many SMS parts a text needs; concatenation costs each part some room. */
export function smsParts(text: string): number {
  const count = septets(text);
  const units = count ?? text.length;
  const [single, part] = count === null ? [70, 67] : [160, 153];
  return units <= single ? 1 : Math.ceil(units / part);
}

export function textLength(text: string, unit: string): number {
  switch (unit.toLowerCase()) {
    case "graphemes":
    case "grapheme":
      return graphemes(text);
    case "utf16":
    case "utf16_units":
      return text.length;
    case "bytes":
    case "utf8":
    case "utf8_bytes":
      return new TextEncoder().encode(text).length;
    case "gsm7":
    case "septets":
      return septets(text) ?? text.length * 2;
    case "segments":
    case "sms":
      return smsParts(text);
    default:
      return [...text].length;
  }
}
