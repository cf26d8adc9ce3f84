import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const wasm = readFileSync(`${root}policy.wasm`);

/** The module, byte for byte, its size and its digest. It is in the page's own script, so that nothing is fetched. */
function policy(): Plugin {
  const id = "virtual:policy";
  return {
    name: "policy",
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) =>
      source === `\0${id}`
        ? `export const base64 = ${JSON.stringify(wasm.toString("base64"))};
           export const size = ${wasm.length};
           export const sha256 = ${JSON.stringify(createHash("sha256").update(wasm).digest("hex"))};`
        : undefined,
  };
}

/** Classic scripts: a browser takes those from a folder on disk, too. */
function classic(): Plugin {
  return {
    name: "classic",
    enforce: "post",
    transformIndexHtml: (html) => html.replace(/<script type="module" crossorigin src=/g, "<script defer src=").replace(/ crossorigin/g, ""),
  };
}

export default defineConfig({
  base: "./",
  plugins: [policy(), classic()],
  worker: { format: "iife", plugins: () => [policy()] },
  server: { fs: { allow: [root] } },
  build: { target: "es2022", modulePreload: false, assetsInlineLimit: 0, rolldownOptions: { output: { format: "iife" } } },
});
