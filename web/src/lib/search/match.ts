//! Finds by words, by parts of words and by Korean initials: ㅅㄷ finds 상담.

const INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
const HANGUL_FIRST = 0xac00;
const HANGUL_LAST = 0xd7a3;
const SYLLABLES_PER_INITIAL = 588;

export function initialsOf(text: string): string {
  let result = "";
  for (const character of text) {
    const code = character.charCodeAt(0);
    result +=
      code >= HANGUL_FIRST && code <= HANGUL_LAST
        ? INITIALS[Math.floor((code - HANGUL_FIRST) / SYLLABLES_PER_INITIAL)]
        : character;
  }
  return result;
}

/** 0 = no match; higher is better. Every word of the query must be found. */
export function score(query: string, text: string): number {
  const haystack = text.normalize("NFC").toLowerCase();
  const initials = initialsOf(haystack);
  let total = 0;
  for (const word of query.normalize("NFC").toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = haystack.indexOf(word);
    const byInitials =
      at < 0 && [...word].every((one) => INITIALS.includes(one)) ? initials.indexOf(word) : -1;
    const found = at >= 0 ? at : byInitials;
    if (found < 0) return 0;
    const startsWord = found === 0 || haystack[found - 1] === " ";
    total += (startsWord ? 3 : 1) + (found === 0 ? 1 : 0);
  }
  return total;
}
