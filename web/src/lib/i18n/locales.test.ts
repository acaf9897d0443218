import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { preferredLanguage } from ".";

const root = join(import.meta.dirname, "../../../locales");
const tags = readdirSync(root);
const PLURAL = /_(zero|one|two|few|many|other)$/;

function flatten(node: object, prefix = ""): Map<string, string> {
  const entries = new Map<string, string>();
  for (const [key, value] of Object.entries(node)) {
    if (typeof value === "string") entries.set(prefix + key, value);
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) entries.set(inner, text);
  }
  return entries;
}

const read = (tag: string, file: string) => flatten(JSON.parse(readFileSync(join(root, tag, file), "utf8")));
const placeholders = (text: string) => [...new Set(text.match(/\{\{\s*\w+/g) ?? [])].sort();

describe("translations", () => {
  for (const tag of tags.filter((one) => one !== "en")) {
    for (const file of readdirSync(join(root, "en"))) {
      it(`${tag}/${file} says everything that English says, and nothing more`, () => {
        const bare = (key: string) => key.replace(PLURAL, "");
        const english = new Set([...read("en", file).keys()].map(bare));
        const other = new Set([...read(tag, file).keys()].map(bare));
        expect([...other].sort()).toEqual([...english].sort());
      });

      it(`${tag}/${file} keeps the placeholders`, () => {
        const english = read("en", file);
        for (const [key, text] of read(tag, file)) {
          const source = english.get(key) ?? english.get(key.replace(PLURAL, "_other"));
          if (source !== undefined) expect([key, placeholders(text)]).toEqual([key, placeholders(source)]);
          expect([key, text.trim() === ""]).toEqual([key, false]);
        }
      });
    }
  }

  it("has every plural form its language needs", () => {
    for (const tag of tags) {
      const needed = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
      for (const file of readdirSync(join(root, tag))) {
        const keys = read(tag, file);
        for (const key of keys.keys()) {
          const plural = key.match(PLURAL);
          if (!plural) continue;
          for (const form of needed)
            expect(keys.has(key.replace(PLURAL, `_${form}`)), `${tag}/${file} ${key} ${form}`).toBe(true);
        }
      }
    }
  });
});

describe("preferredLanguage", () => {
  it("takes the chosen one, then the browser's, then English", () => {
    expect(preferredLanguage("ko", ["en-GB"], ["en", "ko"])).toBe("ko");
    expect(preferredLanguage(null, ["ko-KR", "en"], ["en", "ko"])).toBe("ko");
    expect(preferredLanguage("xx", ["fr"], ["en", "ko"])).toBe("en");
  });
});
