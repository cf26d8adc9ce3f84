import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = (name: string) => readFileSync(`${root}${name}`, "utf8");
const found = (name: string, what: RegExp): string => {
  const match = what.exec(text(name))?.[1];
  if (match === undefined) throw new Error(`${name} has no ${what}`);
  return match;
};

/** The modules, in the page's own script, so that nothing is fetched: a browser unpacks them byte for byte. */
function modules(): Record<string, unknown> {
  const packed = (file: string) => gzipSync(readFileSync(`${root}${file}`), { level: 9 }).toString("base64");
  return { policy: packed("policy.wasm"), engine: packed("target/engine.wasm") };
}

/** The policy's size and its digest, and what it stands for. */
function policy(): Record<string, unknown> {
  const wasm = readFileSync(`${root}policy.wasm`);
  return {
    size: wasm.length,
    sha256: createHash("sha256").update(wasm).digest("hex"),
    version: found("Cargo.toml", /^version = "(.*)"/m),
    // Its proxy is the webhook's, of the same release.
    webhook: found("questions-ui.yml", /workload-identity\/proxy:v(\S+)/),
  };
}

/** Troubleshooting's table of what Microsoft Entra answers. */
function entra(): Record<string, unknown> {
  // Without links: where a sentence ends in one, without that end.
  const plain = (markdown: string) => markdown.replaceAll(/: \[[^\]]*\]\([^)]*\)/g, "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "").replace(/[ .]*Try it$/, "").trim();
  const section = found("docs/troubleshooting.md", /\n## What Microsoft Entra answers\n([^]*?)\n## /);
  const rows = section.split("\n").filter((line) => line.startsWith("| ") && line.includes("AADSTS"));
  const errors = rows.map((row) => {
    const [, said = "", meaning = ""] = row.split(" | ").length === 2 ? ["", ...row.replace(/^\| | \|$/g, "").split(" | ")] : [];
    if (meaning === "") throw new Error(`a row of the table has not two columns: ${row}`);
    return { codes: said.match(/AADSTS\d+/g) ?? [], words: /audience `(\S+)`/.exec(said)?.[1] ?? "", meaning: plain(meaning) };
  });
  return { errors };
}

function virtual(modules: Record<string, () => Record<string, unknown>>): Plugin {
  return {
    name: "virtual",
    resolveId: (source) => (source in modules ? `\0${source}` : undefined),
    load(source) {
      const made = modules[source.slice(1)]?.();
      return made && Object.entries(made).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`).join("\n");
    },
  };
}
const ours = () => virtual({ "virtual:modules": modules, "virtual:policy": policy, "virtual:entra": entra });

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
  plugins: [ours(), classic()],
  worker: { format: "iife", plugins: () => [ours()] },
  server: { fs: { allow: [root] } },
  // One script: the module is most of it.
  build: { target: "es2022", modulePreload: false, assetsInlineLimit: 0, chunkSizeWarningLimit: 2000, rolldownOptions: { output: { format: "iife" } } },
});
