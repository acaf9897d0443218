import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { mockServer } from "./mock/plugin";

const root = import.meta.dirname;
const localesDir = join(root, "locales");

function localeFiles(): Map<string, string> {
  const files = new Map<string, string>();
  const tags = readdirSync(localesDir);
  for (const tag of tags)
    for (const name of readdirSync(join(localesDir, tag)))
      files.set(`locales/${tag}/${name}`, readFileSync(join(localesDir, tag, name), "utf8"));
  files.set("locales/index.json", JSON.stringify(tags));
  return files;
}

/** Translations stay plain files that the server may add to, so they are copied, never bundled. */
function locales(): Plugin {
  return {
    name: "meari-locales",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const body = localeFiles().get((request.url ?? "").slice(1).split("?")[0] ?? "");
        if (body === undefined) return next();
        response.setHeader("content-type", "application/json").end(body);
      });
    },
    generateBundle() {
      for (const [fileName, source] of localeFiles()) this.emitFile({ type: "asset", fileName, source });
    },
  };
}

const backend = process.env.MEARI_BACKEND ?? "http://127.0.0.1:8080";
const proxy = {
  "/graphql": { target: backend, ws: true },
  "/media": backend,
  "/m/": backend,
  "/webhooks": backend,
};

export default defineConfig(({ mode }) => ({
  plugins: [react(), tailwindcss(), locales(), ...(mode === "mock" ? [mockServer()] : [])],
  resolve: { alias: { "@": join(root, "src") } },
  server: { port: 5173, ...(mode === "mock" ? {} : { proxy }) },
  preview: { port: 4173, ...(mode === "mock" ? {} : { proxy }) },
  build: { target: "es2023", manifest: true, chunkSizeWarningLimit: 900 },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
}));
