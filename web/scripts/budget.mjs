// Fails the build when the first load grows past its budget. Reads Vite's manifest: entry plus static imports.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const RED = { js: 280, css: 25, lazy: 60 };
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const size = (file) => gzipSync(readFileSync(new URL(file, dist))).length / 1024;

function reach(key, seen) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) reach(next, seen);
  return seen;
}

const first = new Set();
for (const [key, chunk] of Object.entries(manifest))
  if (chunk.isEntry || /features\/inbox\/InboxPage/.test(key)) reach(key, first);
const sum = (keys, files) =>
  [...new Set([...keys].flatMap(files))].reduce((total, file) => total + size(file), 0);
const js = sum(first, (key) => [manifest[key].file].filter((file) => file.endsWith(".js")));
const css = sum(first, (key) => manifest[key].css ?? []);
const faults = [];
if (js > RED.js) faults.push(`first-load JS ${js.toFixed(1)} KB > ${RED.js}`);
if (css > RED.css) faults.push(`first-load CSS ${css.toFixed(1)} KB > ${RED.css}`);
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry || first.has(key) || !chunk.file.endsWith(".js")) continue;
  const own = sum(
    [...reach(key, new Set())].filter((one) => !first.has(one)),
    (one) => [manifest[one].file],
  );
  if (own > RED.lazy) faults.push(`${key} ${own.toFixed(1)} KB > ${RED.lazy}`);
}
process.stdout.write(`first load: ${js.toFixed(1)} KB JS, ${css.toFixed(1)} KB CSS (gzip)\n`);
if (faults.length > 0) {
  process.stderr.write(`${faults.join("\n")}\n`);
  process.exit(1);
}
