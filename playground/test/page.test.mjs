// The page as its user has it: every example, typing and mending, links, keyboard, narrow and dark, and nothing that leaves it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, open, root, serve, settled, skip } from "./browser.mjs";

const shots = join(root, "target/playground");
let browser, server;
before(async () => {
  if (skip) return;
  mkdirSync(shots, { recursive: true });
  [browser, server] = [await launch(), await serve()];
});
after(async () => {
  await browser?.close();
  server?.close();
});
const at = (fragment) => `${server.url}${fragment}`;

test("the walkthrough comes out with its identity, from the released module", { skip }, async () => {
  const { page, context, wrong } = await open(browser, at(""));
  const text = await page.locator("#cards").innerText();
  assert.match(text, /Pod default\/yadaapi: allowed, with its identity/);
  assert.doesNotMatch(text, /already/);
  assert.match(await page.locator("#cards").innerText(), /\+ env AZURE_CLIENT_ID=6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa/);
  const { createHash } = await import("node:crypto");
  const wasm = readFileSync(join(root, "policy.wasm"));
  assert.match(await page.locator("#about").innerText(), new RegExp(`${wasm.length} bytes, SHA-256 ${createHash("sha256").update(wasm).digest("hex")}`));
  await page.getByText("The difference, in your YAML").click();
  assert.match(await page.locator("#cards .cm-editor").innerText(), /AZURE_CLIENT_ID/);
  await page.getByText("What it gets").click();
  await page.screenshot({ path: join(shots, "walkthrough.png") });
  assert.deepEqual(wrong, []);
  await context.close();
});

/** The rows of Troubleshooting that lead here: the example's name, the message that must be there, and the part of the page it is in. */
function rows() {
  const page = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");
  const section = (title) => page.split(`\n## ${title}\n`)[1].split("\n## ")[0].split("\n").filter((line) => line.startsWith("| ") && !/^\| (message|error|mistake) /.test(line));
  const link = (row) => /#example=([\w-]+)\)/.exec(row)?.[1];
  const said = ["Refusals", "Warnings"].flatMap(section).map((row) => {
    const [, message, rule] = /^\| `(.*?)` \| `([\w-]+)` \|/.exec(row);
    assert.equal(link(row), rule, row);
    return [rule, AT_THE_ACCOUNT[rule] ?? message.replace("its settings are not valid: ", ""), "#cards"];
  });
  const answers = section("What Microsoft Entra answers").map((row) => [link(row), /AADSTS\d+/.exec(row)[0], ".entra"]);
  return { said, answers, all: [...page.matchAll(/#example=([\w-]+)/g)].map(([, name]) => name) };
}

/** What the page says otherwise than kubectl: once, at the ServiceAccount, and of all warnings. */
const AT_THE_ACCOUNT = {
  "no-label": "names an identity that not all of its pods get",
  "look-up-malformed": "annotation azure.workload.identity/client-id is 12 without quotes",
  "pods-refused": "annotation azure.workload.identity/client-id is \"${CLIENT_ID}\", which is not a UUID",
  "more-warnings": "Warning: container container-with-a-long-name-that-takes-its-room-0",
};

test("each row of Troubleshooting leads to an example, and the example says what the row says", { skip, timeout: 120_000 }, async () => {
  const { page, context, wrong } = await open(browser, at(""));
  const groups = await page.evaluate(() => window.playground.examples.map(({ group, all }) => [group, all.map(({ name }) => name)]));
  const names = groups.flatMap(([, names]) => names);
  assert.equal(new Set(names).size, names.length);
  const { said, answers, all } = rows();
  assert.ok(said.length > 60 && answers.length > 10, `${said.length} and ${answers.length} rows`);
  const show = async (name) => {
    assert.ok(names.includes(name), name);
    await page.evaluate((name) => (location.hash = `#example=${name}`), name);
    await page.waitForFunction((name) => document.getElementById("examples").value === name, name);
    return settled(page);
  };
  for (const name of all) assert.ok(names.includes(name), name);
  for (const name of groups.slice(1).flatMap(([, names]) => names)) assert.ok(all.includes(name) || name === "federated-credentials", `no row leads to ${name}`);
  const wrongly = [];
  for (const [name, message, place] of [...said, ...answers]) {
    await show(name);
    const text = (await page.locator(place).allInnerTexts()).join("\n").replaceAll(/\s+/g, " ");
    const pattern = new RegExp(message.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*?"));
    if (!pattern.test(text)) wrongly.push([name, message, text]);
  }
  assert.deepEqual(wrongly, []);
  for (const name of groups[0][1]) assert.match(await show(name), name === "preflight" ? /Deployment default\/yada: refused/ : /with its identity/, name);
  assert.deepEqual(wrong, []);
  await context.close();
});

test("an example opens by its link", { skip }, async () => {
  const { page, context } = await open(browser, at("#example=mount-hides-token"));
  assert.match(await page.locator("#cards").innerText(), /which hides the identity's token/);
  await context.close();
});

test("a mistake is shown where it is, and is fixed by the fix that is copied", { skip }, async () => {
  const { page, context } = await open(browser, at("#example=client-id-malformed"), { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("button", { name: /annotation azure.workload.identity\/client-id is/ }).first().click();
  assert.match(await page.locator("#manifests .cm-marked").innerText(), /client-id/);
  await page.getByRole("button", { name: "Copy", exact: true }).first().click();
  const fix = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(fix, /client-id: "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa"/);
  await page.screenshot({ path: join(shots, "refusal.png") });
  const line = page.locator("#manifests .cm-line", { hasText: "client-id:" });
  await line.click({ clickCount: 3 });
  await page.keyboard.insertText("    azure.workload.identity/client-id: 6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa\n");
  assert.match(await settled(page), /with its identity/);
  await context.close();
});

test("YAML that can't be read is an error where it is", { skip }, async () => {
  const { page, context } = await open(browser, at(""));
  await page.locator("#manifests .cm-content").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText("a: [\n");
  assert.match(await settled(page), /Not readable/);
  await context.close();
});

test("the settings can be written by the form, and keep their comments", { skip }, async () => {
  const { page, context } = await open(browser, at("#example=identities"));
  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByText("Edit as a form").click();
  await page.getByLabel("Trigger").selectOption("Pod");
  assert.match(await settled(page), /add the label azure.workload.identity\/use/);
  const text = await page.locator("#settings .cm-content").innerText();
  assert.match(text, /trigger: Pod/);
  assert.match(text, /# The client IDs and tenants of this cluster/);
  await page.getByLabel("Trigger").selectOption("");
  await page.getByRole("button", { name: "Add to: Extra environment variables" }).click();
  await page.getByRole("group", { name: "Extra environment variables, 1" }).getByLabel("Name").fill("ARM_CLIENT_ID");
  await page.getByRole("group", { name: "Extra environment variables, 1" }).getByLabel("Value").fill("$(AZURE_CLIENT_ID)");
  await page.getByLabel("Containers that never need an identity").fill("istio-proxy\nweb");
  await page.getByLabel("Token expiration in seconds").fill("7200");
  await page.getByLabel("Token expiration in seconds").blur();
  assert.match(await settled(page), /with its identity/);
  const written = await page.locator("#settings .cm-content").innerText();
  assert.match(written, /extraEnv:\n +- name: ARM_CLIENT_ID\n +value: \$\(AZURE_CLIENT_ID\)/);
  assert.match(written, /skipContainers: \[ ?istio-proxy, web ?\]|skipContainers:\n +- istio-proxy\n +- web/);
  assert.match(written, /tokenExpirationSeconds: 7200/);
  assert.doesNotMatch(written, /trigger/);
  await page.getByRole("button", { name: "Remove 1" }).click();
  await page.locator("#setting-identities").fill("yada: [");
  await page.locator("#setting-identities").blur();
  assert.match(await page.locator("#form").innerText(), /that is not YAML/);
  assert.doesNotMatch(await page.locator("#settings .cm-content").innerText(), /ARM_CLIENT_ID/);
  await context.close();
});

test("the form writes what is within others, into empty settings, and after what was typed since", { skip }, async () => {
  const { page, context } = await open(browser, at("#example=walkthrough"));
  const text = () => page.locator("#settings .cm-content").innerText();
  const fill = async (locator, value) => {
    await locator.fill(value);
    await locator.blur();
  };
  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByText("Edit as a form").click();
  await page.locator("#settings .cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText("# ours\nproxy:\nextraEnv:\n");
  await fill(page.locator("#setting-tenantId"), "contoso.com");
  await page.locator("#setting-preflight").selectOption("Off");
  await fill(page.locator("#setting-proxy-image"), "example/proxy:1");
  await fill(page.locator("#setting-proxy-resources"), "limits: {memory: 64Mi}");
  await fill(page.locator("#setting-customTokenEndpoint-annotationSuffix"), "identity-binding");
  await fill(page.locator("#setting-customTokenEndpoint-audience"), "api://AKSIdentityBinding");
  await fill(page.locator("#setting-customTokenEndpoint-ca-data"), "-----BEGIN\n-----END");
  const add = page.getByRole("button", { name: "Add to: Extra environment variables" });
  for (const [index, name] of ["A", "B"].entries()) {
    await add.click();
    assert.equal(await page.evaluate(() => document.activeElement.id), `setting-extraEnv-${index}-name`);
    await fill(page.locator(`#setting-extraEnv-${index}-name`), name);
    await fill(page.locator(`#setting-extraEnv-${index}-value`), "0400");
  }
  await page.getByRole("button", { name: "Remove 1" }).click();
  assert.deepEqual((await text()).trimEnd().split("\n"), [
    "# ours", "proxy:", "  image: example/proxy:1", "  resources:", "    limits:", "      memory: 64Mi", "extraEnv:", "  - name: B", '    value: "0400"', "tenantId: contoso.com", 'preflight: "Off"',
    "customTokenEndpoint:", "  annotationSuffix: identity-binding", "  audience: api://AKSIdentityBinding", "  ca:", "    data: |-", "      -----BEGIN", "      -----END",
  ]);
  assert.match(await settled(page), /Pod default\/yadaapi: allowed/);
  // An empty list of allowed identities allows none: it is not taken away in silence.
  await page.getByRole("button", { name: "Add to: Allowed identities" }).click();
  assert.match(await settled(page), /The settings are not valid/);
  await fill(page.locator("#setting-allowedIdentities-0-namespaces"), "default");
  assert.match(await settled(page), /with its identity/);
  await page.getByRole("group", { name: "Allowed identities, 1" }).getByRole("button", { name: "Remove 1" }).click();
  assert.match(await text(), /allowedIdentities: \[\]/);
  await fill(page.locator("#setting-proxy-image"), "");
  await fill(page.locator("#setting-proxy-resources"), "");
  assert.doesNotMatch(await text(), /proxy:/);
  await page.locator("#settings .cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText("preflight: Off\nidentities: {a: *x}\n");
  assert.match(await settled(page), /The settings can't be read/);
  assert.match(await page.locator("#form").innerText(), /mend it first/);
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText("preflight: Off\n");
  assert.equal(await page.locator("#setting-preflight").inputValue(), "Off");
  await context.close();
});

test("an answer that comes late does not take the place of a newer one", { skip, timeout: 60_000 }, async () => {
  const { page, context } = await open(browser, at(""));
  await page.evaluate(() => window.playground.type("manifests", Array.from({ length: 900 }, (_, n) => `apiVersion: v1\nkind: Pod\nmetadata: {name: p${n}}\nspec: {containers: [{name: a, image: x}]}\n---\n`).join("")));
  await page.evaluate(() => window.playground.type("settings", "a: ["));
  await page.waitForTimeout(4000);
  assert.match(await settled(page), /^The settings can't be read/);
  await page.evaluate(() => window.playground.type("settings", "{}"));
  assert.match(await settled(page), /Pod default\/p0/);
  await context.close();
});

test("a difference that is open costs nothing after an edit, and can't stop the page", { skip, timeout: 60_000 }, async () => {
  const { page, context } = await open(browser, at(""));
  await page.getByText("The difference, in your YAML").click();
  const session = await context.newCDPSession(page);
  const nodes = async () => {
    await session.send("HeapProfiler.collectGarbage");
    return (await session.send("Memory.getDOMCounters")).jsEventListeners;
  };
  const before = await nodes();
  for (let index = 0; index < 30; index += 1) {
    await page.locator("#namespace").fill(`n${index}`);
    await settled(page);
  }
  const after = await nodes();
  assert.ok(after < before + 200, `${before} listeners, and ${after} after 30 edits`);
  await page.locator("#manifests .cm-content").click();
  await page.keyboard.press("Control+Home");
  // kubectl does not read that document either.
  await page.keyboard.insertText("%foo\n");
  assert.match(await settled(page), /Not readable/);
  await context.close();
});

test("examples are steps of the browser's way back, and a broken link takes nothing away", { skip }, async () => {
  const { page, context } = await open(browser, at(""));
  await page.locator("#examples").selectOption("no-tenant");
  await page.waitForFunction(() => location.hash === "#example=no-tenant");
  assert.match(await settled(page), /setting tenantId is set/);
  await page.goBack();
  await page.waitForFunction(() => document.getElementById("examples").value === "walkthrough");
  assert.match(await settled(page), /with its identity/);
  await page.evaluate(() => window.playground.type("manifests", "# mine"));
  for (const [hash, said] of [["#example=nope", /there is no example "nope"/], ["#v1:abc", /it is damaged/]]) {
    await page.evaluate((hash) => (location.hash = hash), hash);
    await page.getByText(said).waitFor();
    assert.match(await page.locator("#manifests .cm-content").innerText(), /^# mine/);
  }
  const link = await page.evaluate(() => window.playground.link({ manifests: "", settings: "" }));
  await page.evaluate((hash) => (location.hash = hash), link);
  await page.getByText("Paste a workload and its ServiceAccount.", { exact: true }).waitFor();
  assert.equal(await page.locator("#status").innerText(), "");
  await context.close();
});

test("the settings' mistakes are shown where they are", { skip }, async () => {
  const { page, context } = await open(browser, at("#example=settings"));
  await page.getByRole("button", { name: /layout is "V3"/ }).click();
  assert.match(await page.locator("#settings .cm-marked").innerText(), /layout: V3/);
  assert.equal(await page.locator("#settings .cm-lint-marker-error").count(), 1);
  await page.locator("#settings .cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText("a: [");
  assert.match(await settled(page), /The settings can't be read/);
  await context.close();
});

test("what is open stays open while the text is edited", { skip }, async () => {
  const { page, context } = await open(browser, at("#example=identities"));
  await page.getByText("Environment of worker").click();
  await page.getByText("The token that the kubelet will project").click();
  await page.locator("#manifests .cm-content").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText("# yes\n");
  const text = await settled(page);
  assert.match(text, /"value": "11111111-2222-4333-8444-555555555555"/);
  assert.match(text, /"exp": "<iat \+ 3600>"/);
  assert.match(text, /"sub": "system:serviceaccount:default:myserviceaccount"/);
  await context.close();
});

test("Entra's side: the credential that differs, and an AADSTS message", { skip }, async () => {
  const { page, context } = await open(browser, at(""));
  await page.getByRole("tab", { name: "Microsoft Entra" }).click();
  const list = JSON.parse(readFileSync(join(root, "examples/walkthrough/federated-credentials.json"), "utf8"));
  await page.getByLabel(/^Issuer URL/).fill(list[0].issuer);
  await page.locator("#credentials").fill(JSON.stringify(list));
  assert.match(await settled(page), /a federated credential fits/);
  await page.getByLabel(/^Issuer URL/).fill(list[0].issuer.replace(/\/$/, ""));
  assert.match(await settled(page), /Entra will answer AADSTS700211/);
  const message = (subject) => `AADSTS700213: No matching federated identity record found for presented assertion subject '${subject}'.`;
  await page.locator("#credentials").fill(message("system:serviceaccount:default:default"));
  assert.match(await settled(page), /about another token than this pod's: the subject differs\s+subject +message +system:serviceaccount:default:default\s+pod +system:serviceaccount:default:myserviceaccount/);
  await page.locator("#credentials").fill(message("system:serviceaccount:default:myserviceaccount"));
  assert.match(await settled(page), /about this pod's token.*\s+az identity federated-credential create/);
  await page.locator("#credentials").fill("AADSTS7002138: No matching federated identity record");
  assert.match(await settled(page), /only in upper and lower case/);
  await page.locator("#credentials").fill("none");
  assert.match(await settled(page), /neither an AADSTS message nor what az identity federated-credential list -o json prints/);
  await context.close();
});

test("a link holds the whole state and goes round, and warns of secrets", { skip }, async () => {
  const { page, context } = await open(browser, at("#example=no-tenant"), { permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByText("Copied.").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /#v1:[\w-]+$/);
  const other = await open(browser, link);
  assert.equal(await other.page.locator("#manifests .cm-content").innerText(), await page.locator("#manifests .cm-content").innerText());
  assert.match(await other.page.locator("#cards").innerText(), /setting tenantId is set/);
  await other.context.close();
  await page.goto("about:blank");
  await page.goto(at("#example=AADSTS700211"));
  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByLabel("Look-ups").selectOption("forbidden");
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByText("Copied.").waitFor();
  const whole = await open(browser, page.url());
  assert.match(await whole.page.locator("#cards").innerText(), /may not get ServiceAccounts/);
  assert.match(await whole.page.locator("#credentials").inputValue(), /AADSTS700211/);
  await whole.context.close();
  await page.goto("about:blank");
  await page.goto(at("#example=credential-wins"));
  await page.getByRole("button", { name: "Copy link" }).click();
  assert.match(await page.getByRole("dialog").innerText(), /variable AZURE_CLIENT_SECRET/);
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.doesNotMatch(page.url(), /#v1:/);
  const old = await open(browser, at("#v0:abc"));
  assert.match(await old.page.locator("#status").innerText(), /another version/);
  await old.context.close();
  await context.close();
});

test("an endless module is stopped, and the page lives", { skip, timeout: 60_000 }, async () => {
  const { page, context } = await open(browser, at(""));
  // (module (memory (export "memory") 1) (func (export "__guest_call") (param i32 i32) (result i32) (loop (br 0)) (i32.const 1)))
  const endless = [0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 25, 2, 6, 109, 101, 109, 111, 114, 121, 2, 0, 12, 95, 95, 103, 117, 101, 115, 116, 95, 99, 97, 108, 108, 0, 0, 10, 11, 1, 9, 0, 3, 64, 12, 0, 11, 65, 1, 11];
  const stopped = await page.evaluate((module) => window.playground.with(module).then(() => "it ended", (error) => error.message), endless);
  assert.match(stopped, /no answer within 5 seconds: it was stopped/);
  await page.locator("#namespace").fill("other");
  assert.match(await settled(page), /yadaapi/);
  await context.close();
});

test("a text of a megabyte does not freeze the page", { skip }, async () => {
  const { page, context } = await open(browser, at(""));
  const big = Array.from({ length: 8000 }, (_, n) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c${n}}\ndata: {text: ${"x".repeat(60)}}\n---\n`).join("");
  assert.ok(big.length > 1_000_000);
  const longest = await page.evaluate(async (big) => {
    let [last, longest] = [performance.now(), 0];
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 10);
    await window.playground.judge({ manifests: big });
    clearInterval(beat);
    return longest;
  }, big);
  assert.ok(longest < 500, `${longest} ms without a beat`);
  await context.close();
});

test("a megabyte that is pasted does not freeze the page either, and is judged", { skip, timeout: 60_000 }, async () => {
  const { page, context } = await open(browser, at(""));
  const deployment = (n) => `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d${n}}\nspec:\n  template:\n    spec:\n      serviceAccountName: myserviceaccount\n      containers:\n        - name: web\n          image: ${"x".repeat(60)}\n---\n`;
  const big = Array.from({ length: 5200 }, (_, n) => deployment(n)).join("");
  assert.ok(big.length > 1_000_000);
  await page.evaluate((big) => {
    let last = performance.now();
    window.longest = 0;
    setInterval(() => {
      window.longest = Math.max(window.longest, performance.now() - last);
      last = performance.now();
    }, 10);
    // Before the walkthrough, which is there.
    const data = new DataTransfer();
    data.setData("text/plain", big);
    document.querySelector("#manifests .cm-content").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, big);
  await settled(page);
  assert.equal(await page.locator("#summary").innerText(), "5201 with their identity, 5201 untouched");
  await page.getByRole("button", { name: "Show 100 more of 10302" }).click();
  assert.equal(await page.locator("#cards .card").count(), 200);
  const longest = await page.evaluate(() => window.longest);
  console.log(`  a megabyte: ${Math.round(longest)} ms without a beat, judged in ${await page.locator("#cards").getAttribute("data-milliseconds")} ms`);
  // The editor's own work is in it, and in `make test` the SDKs are beside it: alone it is a fifth of that.
  assert.ok(longest < 1000, `${longest} ms without a beat`);
  await context.close();
});

test("nothing leaves the page: no request after load, no violation of its policy, and from a folder on disk too", { skip }, async () => {
  const { page, context, wrong } = await open(browser, at(""));
  const loaded = server.requests.length;
  await page.locator("#examples").selectOption("proxy");
  await settled(page);
  assert.equal(server.requests.length, loaded);
  const policy = await page.locator("meta[http-equiv]").getAttribute("content");
  assert.doesNotMatch(policy, /https?:|\*/);
  const stopped = await page.evaluate(() => fetch("https://example.com/").then(() => "fetched", () => "stopped"));
  assert.equal(stopped, "stopped");
  assert.deepEqual(wrong.filter((text) => !text.includes("example.com")), []);
  await context.setOffline(true);
  await page.locator("#examples").selectOption("no-tenant");
  assert.match(await settled(page), /setting tenantId is set/);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, ""]);
  await context.close();
  const disk = await open(browser, `file://${join(root, "playground/dist/index.html")}`);
  assert.match(await disk.page.locator("#cards").innerText(), /with its identity/);
  assert.deepEqual(disk.wrong, []);
  await disk.context.close();
});

for (const [name, options] of [["wide", {}], ["narrow", { viewport: { width: 360, height: 740 } }], ["dark", { colorScheme: "dark" }], ["large text", { viewport: { width: 700, height: 900 } }]]) {
  test(`axe finds nothing: ${name}`, { skip }, async () => {
    for (const fragment of ["", "#example=client-id-malformed", "#example=label-misplaced"]) {
      const { page, context } = await open(browser, at(fragment), { ...options, bypassCSP: true });
      await page.addScriptTag({ content: readFileSync(join(root, "playground/node_modules/axe-core/axe.min.js"), "utf8") });
      if (fragment === "") await page.getByText("The token that the kubelet will project").click();
      if (name === "large text") await page.addStyleTag({ content: "html { font-size: 200%; }" });
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} pixels too wide`);
      await page.screenshot({ path: join(shots, `${name.replace(" ", "-")}${fragment.replace("#example=", "-")}.png`) });
      await context.close();
    }
  });
}

test("the keyboard alone is enough", { skip }, async () => {
  const { page, context } = await open(browser, at("#example=client-id-malformed"));
  await page.locator("#tab-manifests").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.id), "tab-settings");
  assert.equal(await page.locator("#panel-settings").isVisible(), true);
  await page.keyboard.press("ArrowLeft");
  await page.locator("#cards button.line").first().focus();
  await page.keyboard.press("Enter");
  assert.match(await page.locator("#manifests .cm-marked").innerText(), /client-id/);
  await context.close();
});

test("an edit of the walkthrough is judged within 50 ms", { skip }, async () => {
  const { page, context } = await open(browser, at(""));
  const times = [];
  for (let index = 0; index < 9; index += 1) {
    await page.locator("#namespace").fill(`n${index}`);
    await settled(page);
    times.push(Number(await page.locator("#cards").getAttribute("data-milliseconds")));
  }
  const median = times.sort((a, b) => a - b)[4];
  console.log(`  an edit: ${median} ms (median of 9)`);
  assert.ok(median <= 50, `${times}`);
  await context.close();
});
