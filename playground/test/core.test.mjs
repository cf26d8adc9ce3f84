// The parts that need no page: how manifests are read, by Kubernetes' own reader, which part of them a message is about, the waPC host, links.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createServer } from "vite";
import { root } from "./browser.mjs";

const vite = await createServer({ root: join(root, "playground"), server: { middlewareMode: true, ws: false }, appType: "custom", logLevel: "error" });
after(() => vite.close());
const load = (name) => vite.ssrLoadModule(`/src/${name}.ts`);
const { parse, read, readSettings, ready } = await load("engine");
const { at, canonical } = await load("json");
const { modules } = await load("modules");
const { judge: judgeWith } = await load("judge");
const judge = async (question) => judgeWith(await modules, question);
await ready;
const { difference } = await load("difference");
const { call } = await load("wapc");
const { examples } = await load("examples");
const links = await load("links");
const { words } = await load("entra");
const { policy } = await modules;

const files = (folder) => readdirSync(folder, { recursive: true }).filter((name) => /\.ya?ml$/.test(name)).map((name) => readFileSync(join(folder, name), "utf8"));

const example = (name) => examples.flatMap(({ all }) => all).find((example) => example.name === name).state;
const judged = (name, more = {}) => {
  const { manifests, settings, lookUps = "manifests" } = example(name);
  return judge({ manifests, settings: readSettings(settings).value, namespace: "default", lookUps, ...more });
};

/** Each message's first part, and the line of the example that it is about. */
const PLACES = [
  ["client-id-malformed", /^annotation/, /^ +azure.workload.identity\/client-id: "\{/],
  ["identity-disagrees", /client-id is/, /^ +azure.workload.identity\/client-id: 1{8}/],
  ["expiration-malformed", /token-expiration is/, /service-account-token-expiration: "1h"/],
  ["proxy-on-host-network", /hostNetwork is true/, /^  hostNetwork: true/],
  ["mount-hides-token", /hides the identity's token/, /mountPath: \/var\/run\/secrets\/azure\/wi/],
  ["device-hides-token", /block device/, /devicePath: /],
  ["volume-name-taken", /volume "azure-identity-token" has the name/, /devicePath|name: azure-identity-token|name: yadaapi/],
  ["own-id-not-allowed", /sets AZURE_CLIENT_ID/, /- name: AZURE_CLIENT_ID/],
  ["service-account-name", /serviceAccountName is/, /^  serviceAccountName: My_Account/],
  ["malformed", /env is an object/, /^      env: /],
  ["unquoted", /without quotes/, /azure.workload.identity\/use: true/],
  ["no-service-account", /does not exist/, /^kind: Pod|serviceAccountName/],
  ["credential-wins", /AZURE_CLIENT_SECRET/, /- name: AZURE_CLIENT_SECRET/],
  ["refers-to-injected", /ARM_CLIENT_ID/, /- name: ARM_CLIENT_ID/],
  ["token-file-in-arguments", /has the path of another token file in its args/, /args: \[/],
  ["proxy-port-taken", /listens on the proxy's port/, /containerPort: 8000/],
  ["read-only-above", /read-only/, /mountPath: \/var\/run\/secrets\}/],
  ["misspelt", /is unknown/, /azure.workload.identity\/clientid/],
  ["annotation-as-label", /has no effect/, /azure.workload.identity\/tenant-id/],
  ["label-misplaced", /no effect here/, /^    azure.workload.identity\/use/],
  ["retired-binding", /aadpodidbinding/, /aadpodidbinding: yada/],
  ["pods-refused", /which is not a UUID/, /azure.workload.identity\/client-id: "\$/],
];

test("a message is about the line that it names", async () => {
  const wrong = [];
  for (const [name, message, line] of PLACES) {
    const { cards } = await judged(name);
    const said = cards.flatMap(({ mistakes, warnings }) => [...mistakes, ...warnings]).find(({ text }) => message.test(text));
    const { manifests } = example(name);
    const whole = said && manifests.slice(manifests.lastIndexOf("\n", said.from - 1) + 1, `${manifests}\n`.indexOf("\n", said.from));
    if (said === undefined || !line.test(whole)) wrong.push([name, said?.text ?? cards.flatMap(({ mistakes, warnings }) => [...mistakes, ...warnings].map(({ text }) => text)), whole]);
  }
  assert.deepEqual(wrong, []);
});

test("no message points outside of the text", async () => {
  for (const { name } of examples.flatMap(({ all }) => all)) {
    const { cards } = await judged(name);
    const { length } = example(name).manifests;
    for (const { from, to, text } of cards.flatMap(({ mistakes, warnings }) => [...mistakes, ...warnings])) {
      assert.ok(from >= 0 && to >= from && to <= length, `${name}: ${text}: ${from} to ${to}`);
    }
  }
});

test("what is read twice, or not at all, is said with its place", async () => {
  const text = "apiVersion: v1\nkind: Pod\nmetadata: {name: é, name: b}\nspec: {containers: []}\n---\na: [\n---\n{{ template }}\n---\nkind: ServiceAccount\napiVersion: v1\nmetadata: {name: c}\n";
  const { cards, broken, doubts } = await judge({ manifests: text, settings: {}, namespace: "default", lookUps: "manifests" });
  assert.deepEqual(cards.map(({ name }) => name), ["b", "c"]);
  assert.deepEqual(doubts.map(({ message, from, line }) => [message, from, line]), [["name is there twice, the last one counts", text.indexOf("name: b"), 3]]);
  assert.equal(broken.length, 2);
  assert.ok(broken.every(({ message }) => message.includes("helm template")) && broken[0].from > text.indexOf("a: ["), JSON.stringify(broken));
  assert.deepEqual(read('{"a": 1} {"a": 2}').map(({ value, from, to }) => [value, from, to]), [[{ a: 1 }, 0, 8], [{ a: 2 }, 9, 17]]);
  assert.deepEqual(readSettings("preflight: Off\ntokenExpirationSeconds: 7_200\n").value, { preflight: false, tokenExpirationSeconds: 7200 });
  const manifest = "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\nspec: {settings: {é: 1, trigger: Pod}}\n";
  assert.deepEqual(readSettings(manifest, ["spec.settings.trigger"]), { value: { é: 1, trigger: "Pod" }, places: [{ from: manifest.indexOf("trigger"), to: manifest.indexOf("Pod}") + 3 }] });
  assert.equal(readSettings("a: [").from, 4);
  assert.equal(readSettings("---\ntenantId: a\n---\n").value.tenantId, "a");
  assert.match(readSettings("a: 1\n---\nb: 1\n").message, /more than one document/);
});

test("the waPC host: what the guest says of a failure is the error, and so is silence", async () => {
  await assert.rejects(call(policy, "no such operation", "", () => new Uint8Array()), /no such operation|handler/i);
  await assert.rejects(call(policy, "validate", "{", () => new Uint8Array()), /./);
  // (module (memory (export "memory") 1) (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
  const silent = await WebAssembly.compile(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 25, 2, 6, 109, 101, 109, 111, 114, 121, 2, 0, 12, 95, 95, 103, 117, 101, 115, 116, 95, 99, 97, 108, 108, 0, 0, 10, 6, 1, 4, 0, 65, 1, 11]));
  await assert.rejects(call(silent, "validate", "", () => new Uint8Array()), /the policy gave no answer/);
});

test("where a ServiceAccount is instead is told in the namespaces' order", async () => {
  const account = (namespace) => `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s, namespace: ${namespace}}\n---\n`;
  const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {serviceAccountName: s, containers: [{name: a, image: x}]}\n";
  const manifests = `${["team-c", "team-b", "team-a", "team"].map(account).join("")}${pod}`;
  const { cards } = await judge({ manifests, settings: {}, namespace: "default", lookUps: "manifests" });
  assert.match(cards.at(-1).warnings[0].fix, /there is one of that name in namespace team, team-a, team-b$/);
});

test("what Microsoft Entra says is compared with what the pods present", async () => {
  const issuer = "https://issuer.example/";
  const say = async (text, own = issuer) => words(text, own, await judged("walkthrough", { issuer: own, credentials: text }));
  const subject = "system:serviceaccount:default:myserviceaccount";
  const list = (...all) => JSON.stringify(all.map((one) => ({ name: "yada", issuer, subject, audiences: ["api://AzureADTokenExchange"], ...one })));
  assert.equal(await say(list({})), `${subject}: a federated credential fits`);
  assert.match(await say(list({}), ""), /issuer is not given/);
  assert.match(await say(list({ name: "fix-AADSTS700213" })), /fits$/);
  assert.match(await say(list({}, { subject: "system:serviceaccount:a:b" })), /fits\nwarning: the list has credentials for ServiceAccounts that no file has: "yada" \(system:serviceaccount:a:b\)$/);
  assert.match(await say(list(...Array(21).fill({}))), /warning: the list has 21 federated credentials: an identity can have 20/);
  for (const wrong of ["[null]", '[{"name": null}]', "{}", "x", '[{"issuer": "a", "subject": "b", "audiences": [5]}]']) assert.match(await say(wrong), /^That is neither/, wrong);
  const log = (part, text) => `ERROR AADSTS700211: No matching federated identity record found for presented\n   assertion ${part} \\u0027${text}\\u0027.`;
  assert.match(await say(log("issuer", issuer)), /about this pod's token.*this issuer/s);
  assert.match(await say(log("issuer", "https://other/")), /the issuer differs\n +issuer +message +https:\/\/other\/\n +pod +https:\/\/issuer/);
  const both = await say(`${log("issuer", "https://other/")} AADSTS700213: No matching federated identity record found for presented assertion subject '${subject}'.`);
  assert.deepEqual(both.match(/^AADSTS\d+|the \w+ differs|this subject/gm), ["AADSTS700211", "the issuer differs", "AADSTS700213", "this subject"]);
  assert.match(await say(`AADSTS70021: No matching federated identity record found for presented assertion. Assertion Issuer: '${issuer}'. Assertion Subject: 'system:x'. Assertion Audience: 'api://AzureADTokenExchange'.`), /the subject differs/);
  // Of several pods, the one that is meant.
  const one = await judged("walkthrough", { issuer });
  const two = { ...one, tokens: [...one.tokens, ...one.tokens.map((token) => ({ ...token, subject: "system:serviceaccount:a:b", command: "az … --subject system:serviceaccount:a:b" }))] };
  const meant = words(log("subject", "system:serviceaccount:a:b"), issuer, two);
  assert.match(meant, /about this pod's token.*--subject system:serviceaccount:a:b/s);
  assert.doesNotMatch(meant, /another token/);
  const none = { ...one, tokens: [] };
  assert.match(words(log("issuer", issuer), issuer, none), /No pod here gets an identity/);
  assert.match(words(list({}), issuer, none), /No pod here gets an identity/);
  assert.equal(words(" ", issuer, one), undefined);
});

test("a link holds the whole state, and tells what looks like a secret", async () => {
  const state = { ...links.NOTHING, manifests: "# é\n".repeat(2000), settings: "a: b", lookUps: "forbidden", issuer: "https://x/", credentials: "AADSTS1" };
  const link = await links.write(state);
  assert.ok(link.length < 400, `${link.length}`);
  assert.deepEqual(await links.open(link), state);
  await assert.rejects(links.open("#v2:abc"), /another version/);
  await assert.rejects(links.open("#v1:####"));
  await assert.rejects(links.open(link.slice(0, -20)), /damaged/);
  assert.equal(links.fragmentOf("#v1%3Aabc)."), "#v1:abc");
  const pod = (name, value) => `apiVersion: v1\nkind: Pod\nspec: {containers: [{env: [{name: ${name}, value: ${value}}]}]}\n`;
  const secrets = (manifests, more = {}) => links.secrets({ ...links.NOTHING, manifests, ...more });
  for (const [manifests, found] of [
    ["apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\n", "a Secret"],
    ["kind: Secret\nstringData: {a: hunter2\n", "a Secret"],
    [pod("DB_PASSWORD", "hunter2"), "variable DB_PASSWORD"],
    [pod("PGPASS", "/x"), "variable PGPASS"],
    [pod("STORAGE_ACCESS_KEY", "123456"), "variable STORAGE_ACCESS_KEY"],
    ["apiVersion: v1\nkind: ConfigMap\ndata: {password: x}\n", "field password"],
    [pod("DB", "postgres://u:pw@h/db"), "a password in an address"],
    ["apiVersion: v1\nkind: Pod\nspec: {containers: [{args: [--password=hunter2]}]}\n", "a password in arguments"],
    [`apiVersion: v1\nkind: Pod\nmetadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data": {"API_KEY": "x"}}'}}\n`, "field API_KEY"],
  ]) {
    assert.deepEqual(secrets(manifests), [found], manifests);
  }
  assert.deepEqual(secrets("", { settings: "extraEnv: [{name: API_KEY, value: x}]\n" }), ["variable API_KEY"]);
  assert.deepEqual(secrets("", { credentials: "Bearer eyJhbGciOiJSUzI1NiIs.eyJhdWQiOlsiYXBpOi8v.c2ln" }), ["a token"]);
  for (const [name, value] of [["AKV_SECRET_NAME", "sqlpassword"], ["DB_PASSWORD", '"$(OTHER)"'], ["TOKEN_FILE", "/x"], ["COLOUR", "red"]]) {
    assert.deepEqual(secrets(pod(name, value)), [], name);
  }
  // No example but the one about a secret is said to have one.
  for (const { name, state } of examples.flatMap(({ all }) => all)) assert.deepEqual([name, links.secrets({ ...links.NOTHING, ...state })], [name, ["credential-wins", "more-warnings"].includes(name) ? ["variable AZURE_CLIENT_SECRET"] : []]);
});

/** What is wrong with the YAML as it comes out, of each object that gets its identity. */
async function wrongDifferences(manifests, settings, counts) {
  const { cards } = await judge({ manifests, settings, namespace: "default", lookUps: "manifests" });
  const wrong = [];
  for (const card of cards.filter(({ outcome, path }) => outcome === "identity" && path !== undefined)) {
    const [own, out] = difference(manifests.slice(card.from, card.to), card.path, card.before, card.after);
    const says = (text) => canonical(at(parse(text), ...card.path, "spec"));
    counts.objects += 1;
    if (says(out) !== canonical(card.after.spec)) wrong.push([card.name, "out", out, JSON.stringify(card.after.spec)]);
    if (says(own) !== canonical(card.before.spec)) wrong.push([card.name, "own", own]);
    const comments = (text) => text.match(/#.*$/gm) ?? [];
    for (const comment of comments(own)) if (!comments(out).includes(comment)) wrong.push([card.name, comment]);
  }
  return wrong;
}

test("the YAML as it comes out says what the module says, and keeps the user's comments", async () => {
  const counts = { objects: 0 };
  const wrong = [];
  for (const { state } of examples.flatMap(({ all }) => all)) wrong.push(...(await wrongDifferences(state.manifests, readSettings(state.settings).value, counts)));
  const tenant = { tenantId: "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1" };
  const account = example("walkthrough").manifests.split("---\n")[0];
  const pod = (spec) => `${account}---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a # the name\n  annotations: {azure.workload.identity/inject-proxy-sidecar: "true"}\nspec:\n  serviceAccountName: myserviceaccount # ours\n${spec}`;
  const common = "  # first\n  containers:\n  - name: a # a\n    env: &env # all have it\n    - {name: X, value: '0400'} # x\n  - name: b\n    env: *env\n  - {name: c, env: *env}\n";
  for (const spec of [
    common,
    `${common}  initContainers:\n  - name: first # stays\n    image: x\n  volumes: # none\n`,
    "  containers:\n  - {name: a, env: null, volumeMounts: []}\n  volumes: []\n",
    "  x-common: &c {image: yes, env: [{name: A, value: on}]}\n  containers:\n  - <<: *c\n    name: a\n  - name: b\n    <<: *c\n",
    "  containers:\n  - name: a\n    name: b\n    env: []\n    env: [{name: A, value: 'null'}]\n",
    // Scalars that other readers write otherwise.
    "  x: [2026-11-25T10:00:00Z, 2026-13-45, 1e400, 9007199254740993, 0o17, 0X1F, !!binary aGk=, 1:20]\n  containers:\n  - name: a\n",
  ]) {
    wrong.push(...(await wrongDifferences(pod(spec), tenant, counts)));
  }
  // What counts stands later than what is written: that costs the comments.
  const twice = "  containers:\n  - name: a\nspec:\n  serviceAccountName: myserviceaccount\n  containers:\n  - {name: c, env: [], <<: {env: [{name: B, value: b}]}}\n";
  wrong.push(...(await wrongDifferences(pod(twice), tenant, counts)).filter(([, what]) => !what.startsWith("#")));
  // Values that need quotes, from settings; a JSON text stays one; a long line stays one line.
  const extraEnv = ["0o17", "0X1F", "-0o7", "yes", "", "null", "1:20", "~", "<<", "a: b", "# no", "two\nlines"].map((value, index) => ({ name: `V${index}`, value }));
  wrong.push(...(await wrongDifferences(example("walkthrough").manifests, { ...tenant, extraEnv }, counts)));
  const json = JSON.stringify({ apiVersion: "v1", kind: "List", items: [parse(account), parse(example("walkthrough").manifests.split("---\n")[1])] });
  wrong.push(...(await wrongDifferences(json, tenant, counts)));
  const { cards } = await judge({ manifests: json, settings: tenant, namespace: "default", lookUps: "manifests" });
  const pods = cards.filter(({ outcome }) => outcome === "identity");
  assert.equal(pods.length, 1);
  for (const text of difference(json, pods[0].path, pods[0].before, pods[0].after)) JSON.parse(text);
  const long = "x ".repeat(100).trim();
  assert.ok(difference(`a: ${long}\nspec: {}\n`, [], { spec: {} }, { spec: { b: 1 } })[1].includes(`a: ${long}\n`));
  for (const text of files(join(root, "tests/cases"))) wrong.push(...(await wrongDifferences(text, tenant, counts)));
  const conformance = join(root, "target/host/conformance");
  if (existsSync(conformance)) {
    const folder = mkdtempSync(join(tmpdir(), "difference-"));
    execFileSync(conformance, ["manifests", folder, "--cases", "200"]);
    for (const text of files(folder)) wrong.push(...(await wrongDifferences(text, tenant, counts)));
  }
  console.log(`  ${counts.objects} objects with their identity`);
  assert.ok(counts.objects > 60, `${counts.objects}`);
  assert.deepEqual(wrong.slice(0, 3), [], `${wrong.length} differ`);
});
