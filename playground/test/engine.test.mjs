// The engine as the page has it, once: the cases from the field, in the very build that the page loads, with the words of the terminal.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { createServer } from "vite";
import { root } from "./browser.mjs";

const vite = await createServer({ root: join(root, "playground"), server: { middlewareMode: true, ws: false }, appType: "custom", logLevel: "error" });
after(() => vite.close());
const load = (name) => vite.ssrLoadModule(`/src/${name}.ts`);
const { readSettings, ready } = await load("engine");
const { modules } = await load("modules");
const { judge } = await load("judge");
await ready;

const runner = join(root, "target/host/azwi-policy");
const folder = join(root, "tests/cases");
const cases = readdirSync(folder).flatMap((name) => ["in.yaml", "all.yaml", "manifest.yaml", "manifest.json"].map((file) => [name, file])).filter(([name, file]) => existsSync(join(folder, name, file)));

test("the page says of the cases from the field what the terminal says", { skip: existsSync(runner) ? false : "no target/host/azwi-policy here" }, async () => {
  const differ = [];
  let said = 0;
  for (const [name, file] of cases) {
    const manifests = readFileSync(join(folder, name, file), "utf8");
    const { value: settings } = readSettings(readFileSync(join(folder, name, "settings.yaml"), "utf8"));
    const { report } = await judge(await modules, { manifests, settings, namespace: "default", lookUps: "manifests" });
    const arguments_ = ["check", "--policy", join(root, "policy.wasm"), "--settings", "settings.yaml", "--stdin-name", "manifests", "-"];
    const { stdout } = spawnSync(runner, arguments_, { cwd: join(folder, name), input: manifests, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
    const here = report.replaceAll("add its manifest", "give its manifest, or --cluster, or --assume-service-accounts CLIENT_ID");
    if (here !== stdout) differ.push([name, here, stdout]);
    said += report.length;
  }
  console.log(`  ${cases.length} files judged by the engine`);
  assert.ok(cases.length > 40 && said > 10_000, `${cases.length} ${said}`);
  assert.deepEqual(differ, []);
});
