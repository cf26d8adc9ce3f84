// The page and `azwi-policy check` say the same, object by object and text by text: over all of the repository's manifests, the cases of
// published reports, and generated ones.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { launch, open, root, serve, settled, skip } from "./browser.mjs";

let browser, server, page;
before(async () => {
  if (skip) return;
  [browser, server] = [await launch(), await serve()];
  ({ page } = await open(browser, server.url));
});
after(async () => {
  await browser?.close();
  server?.close();
});

const runner = join(root, "target/host/azwi-policy");
function tried(file, settings) {
  const { stdout } = spawnSync(runner, ["check", "--policy", join(root, "policy.wasm"), "--settings", settings, file], { encoding: "utf8" });
  return stdout;
}
const judged = (manifests, settings) => page.evaluate(([manifests, settings]) => window.playground.judge({ manifests, settings }), [manifests, settings]);

test("over the cases of published reports, and every example", { skip }, async () => {
  let [compared, different] = [0, []];
  const folders = readdirSync(join(root, "tests/cases")).map((name) => join(root, "tests/cases", name));
  folders.push(join(root, "examples/walkthrough"), join(root, "examples/identities"), join(root, "examples/debug"));
  for (const folder of folders) {
    const own = join(folder, "settings.yaml");
    const settings = existsSync(own) ? own : join(root, "examples/walkthrough/settings.yaml");
    for (const name of readdirSync(folder).filter((name) => /\.(ya?ml|json)$/.test(name) && !/^(settings|replay|expected|federated)/.test(name))) {
      const file = join(folder, name);
      const own = await judged(readFileSync(file, "utf8"), parse(readFileSync(settings, "utf8")) ?? {});
      compared += 1;
      if (own !== tried(file, settings)) different.push([file, own, tried(file, settings)]);
    }
  }
  console.log(`  ${compared} files compared`);
  assert.ok(compared >= 20, `${compared}`);
  assert.deepEqual(different, []);
});

test("over the page's own examples", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "examples-"));
  const examples = await page.evaluate(() => window.playground.examples.flatMap(({ all }) => all));
  let [compared, different] = [0, []];
  // No files make a look-up fail, and `check` judges nothing with settings that are not valid.
  for (const { name, state } of examples.filter(({ name, state }) => (state.lookUps ?? "manifests") === "manifests" && name !== "settings")) {
    const [file, settings] = ["manifests.yaml", "settings.yaml"].map((name) => join(folder, name));
    writeFileSync(file, state.manifests);
    writeFileSync(settings, state.settings);
    const own = await judged(state.manifests, parse(state.settings) ?? {});
    compared += 1;
    if (own !== tried(file, settings)) different.push([name, own, tried(file, settings)]);
  }
  console.log(`  ${compared} examples compared`);
  assert.ok(compared > 70, `${compared}`);
  assert.deepEqual(different, []);
});

test("of a federated credential, with each of its three parts wrong in turn", { skip }, async () => {
  const credentials = JSON.parse(readFileSync(join(root, "examples/walkthrough/federated-credentials.json"), "utf8"));
  const { issuer } = credentials[0];
  const folder = mkdtempSync(join(tmpdir(), "federated-"));
  const walkthrough = (name) => join(root, `examples/walkthrough/${name}.yaml`);
  const other = await open(browser, server.url);
  for (const change of [{}, { issuer: issuer.replace(/\/$/, "") }, { subject: "system:serviceaccount:a:b" }, { subject: "system:serviceaccount:Default:myserviceaccount" }, { audiences: ["api://other"] }]) {
    const list = [{ ...credentials[0], ...change }];
    writeFileSync(join(folder, "list.json"), JSON.stringify(list));
    const { stdout, stderr } = spawnSync(runner, ["check", "--policy", join(root, "policy.wasm"), "--settings", walkthrough("settings"), "--issuer", issuer, "--federated-credentials", join(folder, "list.json"), walkthrough("serviceaccount"), walkthrough("pod")], { encoding: "utf8" });
    const said = stdout.slice(stdout.indexOf("system:serviceaccount:default:myserviceaccount: "));
    await other.page.getByRole("tab", { name: "Microsoft Entra" }).click();
    await other.page.getByLabel(/^Issuer URL/).fill(issuer);
    await other.page.locator("#credentials").fill(JSON.stringify(list));
    await settled(other.page);
    const own = (await other.page.evaluate(() => window.playground.entra())).split("\n");
    assert.equal(own.filter((line) => !line.startsWith("warning: ")).map((line) => `${line}\n`).join(""), said);
    assert.deepEqual(own.filter((line) => line.startsWith("warning: ")), stderr.split("\n").filter((line) => line.startsWith("warning: ")));
  }
  await other.context.close();
});

test("over 500 generated cases", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "same-"));
  execFileSync(join(root, "target/host/conformance"), ["manifests", folder, "--cases", "500"]);
  const settings = join(folder, "settings.yaml");
  writeFileSync(settings, JSON.stringify({ tenantId: "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1", identities: { web: { clientId: "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa" } } }));
  const files = readdirSync(folder).filter((name) => /^cases-/.test(name));
  assert.equal(files.length, 10);
  const different = [];
  for (const name of files) {
    const file = join(folder, name);
    const own = await judged(readFileSync(file, "utf8"), JSON.parse(readFileSync(settings, "utf8")));
    const other = tried(file, settings);
    // Object by object: what differs is shown, and not all that is around it.
    const blocks = (text) => text.split(/\n(?! )/);
    const [ours, theirs] = [blocks(own), blocks(other)];
    assert.ok(theirs.length > 50, other);
    for (let index = 0; index < Math.max(ours.length, theirs.length); index += 1) {
      if (ours[index] !== theirs[index]) different.push([name, ours[index], theirs[index]]);
    }
  }
  assert.deepEqual(different.slice(0, 3), [], `${different.length} objects differ`);
});
