// The examples: what the policy does, and each row of Troubleshooting, by the name of its rule or of Microsoft Entra's error. A test opens
// each from its row.
import settings from "../../examples/walkthrough/settings.yaml?raw";
import account from "../../examples/walkthrough/serviceaccount.yaml?raw";
import pod from "../../examples/walkthrough/pod.yaml?raw";
import credentials from "../../examples/walkthrough/federated-credentials.json?raw";
import namedManifests from "../../examples/identities/manifests.yaml?raw";
import namedSettings from "../../examples/identities/settings.yaml?raw";
import review from "../../examples/debug/review.yaml?raw";
import type { State } from "./links.ts";

export interface Example {
  /** As it stands in a link: `#example=walkthrough`. */
  name: string;
  title: string;
  state: Pick<State, "manifests" | "settings"> & Partial<State>;
}

const OTHER_ID = "11111111-2222-4333-8444-555555555555";
const CLIENT_ID = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";
const TENANT_ID = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";
const ISSUER = (JSON.parse(credentials) as { issuer: string }[])[0]?.issuer ?? "";

/** The text with its part changed; an example whose part is not there is none. */
const edit = (text: string, what: string | RegExp, by: string) => {
  const edited = text.replace(what, by);
  if (edited === text) throw new Error(`${what} is not in the example`);
  return edited;
};
const join = (...documents: string[]) => documents.map((document) => `${document.trim()}\n`).join("---\n");
const also = (more: string) => `${settings.trimEnd()}\n${more}\n`;
const governed = (entry: string) => also(`allowedIdentities:\n  - ${entry}`);

// The ServiceAccount of the walkthrough, changed.
const withId = (id: string) => edit(account, /client-id: .*/, `client-id: ${id}`);
const withoutId = edit(account, /  annotations:\n.*\n/, "");
const unlabelled = edit(account, /  labels:\n.*\n/, "");
const annotated = (line: string) => `${account.trimEnd()}\n    azure.workload.identity/${line}\n`;

// What the API server sends when its annotation is changed.
const indented = (text: string) => text.trim().replaceAll(/^/gm, "    ");
const changedAccount = `apiVersion: admission.k8s.io/v1
kind: AdmissionReview
request:
  uid: 6f7a1c9e-2d1b-4a53-9b61-1f0c2f6f9d11
  kind: {group: "", version: v1, kind: ServiceAccount}
  resource: {group: "", version: v1, resource: serviceaccounts}
  name: myserviceaccount
  namespace: default
  operation: UPDATE
  userInfo: {username: alice}
  oldObject:
${indented(account)}
  object:
${indented(withId(OTHER_ID))}
`;

// Its pod, changed: annotations, and lines of the spec or of its container.
const annotate = (...lines: string[]) => edit(pod, /\nspec:/, `\n  annotations:\n${lines.map((line) => `    azure.workload.identity/${line}`).join("\n")}\nspec:`);
const proxied = annotate('inject-proxy-sidecar: "true"');
const spec = (line: string, from = pod) => edit(from, /\nspec:\n/, `\nspec:\n  ${line}\n`);

/** A Deployment with lines more in its template's metadata, in its own, and in its container. */
const deployment = ({ template = "", metadata = "", container = "" }) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: yada${metadata}
  namespace: default
spec:
  selector: {matchLabels: {app: yada}}
  template:
    metadata:
      labels:
        app: yada${template}
    spec:
      serviceAccountName: myserviceaccount
      containers:
        - name: yadaapi
          image: example/yada:1
${container}`;
const variable = (name: string, value: string) => deployment({ container: `          env:\n            - name: ${name}\n              value: ${value}\n` });
const mounts = (mount: string, volume: string) => deployment({ container: `          volumeMounts:\n            - ${mount}\n      volumes:\n        - ${volume}\n` });
const devices = (path: string, name: string) =>
  deployment({ container: `          volumeDevices:\n            - {name: ${name}, devicePath: ${path}}\n      volumes:\n        - {name: ${name}, persistentVolumeClaim: {claimName: disk}}\n` });
const many = (number: number, lines: (index: number) => string) => Array.from({ length: number }, (_, index) => lines(index)).join("");

/** An example whose name is that of its rule. */
const of = (name: string, title: string, manifests: string, own = settings, more: Partial<State> = {}): Example => ({ name, title, state: { manifests, settings: own, ...more } });
/** One of the walkthrough's pod. */
const ofPod = (name: string, title: string, changed: string, own = settings) => of(name, title, join(account, changed), own);

const endpoint = {
  manifests: join(account, annotate('use-identity-binding: "true"')),
  settings: also("customTokenEndpoint:\n  annotationSuffix: identity-binding\n  audience: api://AKSIdentityBinding\n  tokenProxy: https://token-proxy.example\n  ca:\n    configMap: token-proxy-ca"),
};
const does = [
  ofPod("walkthrough", "The walkthrough: YADA's pod", pod),
  of("deployment", "A Deployment", join(account, deployment({}))),
  ofPod("proxy", "The proxy sidecar", proxied),
  of("endpoint", "A custom token endpoint (AKS identity bindings)", endpoint.manifests, endpoint.settings),
  of("identities", "Identities by name, one for each container", namedManifests, namedSettings),
  ofPod("governance", "Governance: which namespace may use which identity", pod, governed(`{namespaces: [default, payments-*], clientIds: [${CLIENT_ID}]}`)),
  of("preflight", "Preflight: the workload itself is refused", join(account, deployment({ template: '\n      annotations:\n        azure.workload.identity/service-account-token-expiration: "1h"' })), also("preflight: Enforce")),
  of("debug", "A debug container", review),
];

const refusals = [
  of("client-id-malformed", "Malformed client ID", join(withId(`"{${CLIENT_ID}}"`), pod)),
  of("identity-unknown", "Unknown identity name", edit(namedManifests, "identity: yada", "identity: yadda"), namedSettings),
  of("identity-disagrees", "Name and client ID of different identities", edit(namedManifests, "identity: yada", `identity: yada\n    azure.workload.identity/client-id: ${OTHER_ID}`), namedSettings),
  of("container-identities", "Unknown identity for a container", edit(namedManifests, "worker=payments", "worker=paymnets"), namedSettings),
  of("tenant-id-malformed", "Malformed tenant ID", join(annotated("tenant-id: contoso"), pod)),
  ofPod("no-tenant", "No tenant", pod, "{}\n"),
  of("client-id-required", "Missing client ID, where one is required", join(withoutId, pod), also("requireClientId: true")),
  ofPod("layout-malformed", "A layout in lower case", annotate("layout: legacy")),
  ofPod("expiration-malformed", "Invalid token expiration", annotate('service-account-token-expiration: "1h"')),
  ofPod("proxy-port-malformed", "Invalid proxy port", annotate('inject-proxy-sidecar: "true"', 'proxy-sidecar-port: "http"')),
  ofPod("proxy-on-host-network", "The proxy on the node's network", spec("hostNetwork: true", proxied)),
  ofPod("proxy-on-windows", "The proxy on Windows", edit(proxied, "os: linux", "os: windows")),
  of("mount-hides-token", "A mount that hides the token", join(account, mounts("{name: cache, mountPath: /var/run/secrets/azure/wi}", "{name: cache, emptyDir: {}}")), also("layout: Fixed")),
  of("device-hides-token", "A block device that hides the token", join(account, devices("/var/run/secrets/azure/wi", "disk")), also("layout: Fixed")),
  of("volume-name-taken", "A volume with the name of the token volume", join(account, devices("/dev/disk", "azure-identity-token")), also("layout: Legacy")),
  ofPod("namespace-not-allowed", "No identity for this namespace", pod, governed("namespaces: [payments-*]")),
  ofPod("client-id-not-allowed", "Another identity than the namespace's", pod, governed(`{namespaces: [default], clientIds: [${OTHER_ID}]}`)),
  of("no-client-id-not-allowed", "Missing client ID, where allowedIdentities requires one", join(withoutId, pod), governed(`{namespaces: [default], clientIds: [${CLIENT_ID}]}`)),
  ofPod("tenant-id-not-allowed", "Another tenant than the namespace's", pod, governed("{namespaces: [default], tenantIds: [contoso.onmicrosoft.com]}")),
  of("own-id-not-allowed", "Client ID set by a container", join(account, variable("AZURE_CLIENT_ID", OTHER_ID)), governed(`{namespaces: [default], clientIds: [${CLIENT_ID}]}`)),
  of("own-tenant-not-allowed", "Tenant set by a container", join(account, variable("AZURE_TENANT_ID", "contoso.onmicrosoft.com")), governed("{namespaces: [default], tenantIds: [2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1]}")),
  of("too-large", "A pod that is too large", join(account, edit(pod, /  containers:\n/, `  containers:\n${many(24, (index) => `    - {name: worker-${index}, image: busybox}\n`)}`)), also(`extraEnv: [{name: CERTIFICATES, value: "${"x".repeat(100_000)}"}]`)),
  of("own-id-not-checkable", "Client ID from another variable", join(account, variable("AZURE_CLIENT_ID", "$(OTHER_ID)")), governed(`{namespaces: [default], clientIds: [${CLIENT_ID}]}`)),
  of("own-id-from-elsewhere", "Client ID from a Secret", join(account, deployment({ container: "          env:\n            - name: AZURE_CLIENT_ID\n              valueFrom: {secretKeyRef: {name: ids, key: client}}\n" })), governed(`{namespaces: [default], clientIds: [${CLIENT_ID}]}`)),
  of("no-service-account", "Missing ServiceAccount", edit(pod, "app: yadaapi", 'app: yadaapi\n    azure.workload.identity/use: "true"'), settings, { lookUps: "not found" }),
  of("look-up-not-granted", "The policy lacks access to ServiceAccounts", join(account, pod), settings, { lookUps: "resource not granted" }),
  of("look-up-capability", "The policy lacks the capability", join(account, pod), settings, { lookUps: "capability not granted" }),
  of("look-up-forbidden", "RBAC forbids the look-up", join(account, pod), settings, { lookUps: "forbidden" }),
  of("look-up-malformed", "Malformed ServiceAccount", join(withId("12"), pod)),
  of("look-up-failed", "The API server can't be reached", join(account, pod), settings, { lookUps: "API server unreachable" }),
  ofPod("service-account-name", "Invalid ServiceAccount name", edit(pod, "serviceAccountName: myserviceaccount", "serviceAccountName: My_Account")),
  of("unquoted", "A label without quotes", join(edit(account, '"true"', "true"), pod)),
  ofPod("malformed", "An object instead of a list", edit(pod, /env:\n[^]*?\n  nodeSelector/, "env: {SQL_SERVER_USERNAME: azure}\n  nodeSelector")),
  ofPod("settings", "Settings that are not valid", pod, also("layout: V3")),
];

const warnings = [
  of("no-client-id", "No client ID", join(withoutId, pod)),
  ofPod("skips-nobody", "A skipped container that is not there", annotate("skip-containers: yada-api")),
  of("identity-of-nobody", "Identity for a missing container", edit(namedManifests, "worker=payments", "wroker=payments"), namedSettings),
  of("no-label", "No label anywhere", join(unlabelled, deployment({}))),
  of("no-label-on-service-account", "The ServiceAccount is not labelled", join(unlabelled, edit(pod, "app: yadaapi", 'app: yadaapi\n    azure.workload.identity/use: "true"')), also("trigger: ServiceAccount")),
  of("no-label-on-pod", "The pods are not labelled", join(account, deployment({ template: "\n      annotations:\n        azure.workload.identity/skip-containers: proxy" })), also("trigger: Pod")),
  of("zero-client-id", "Placeholder client ID (all zeros)", join(withId("00000000-0000-0000-0000-000000000000"), pod)),
  of("credential-wins", "A client secret that takes precedence", join(account, variable("AZURE_CLIENT_SECRET", "example"))),
  of("tenant-as-client", "The tenant's ID as the client ID", join(withId(TENANT_ID), pod)),
  of("client-id-changed", "Another client ID for running pods", changedAccount),
  of("nodes-identity", "az login without the token", join(account, deployment({ container: "          command: [sh, -c, az login --identity]\n" }))),
  of("credential-left-out", "AZURE_TOKEN_CREDENTIALS without workload identity", join(account, variable("AZURE_TOKEN_CREDENTIALS", "dev"))),
  of("refers-to-injected", "A variable that is not expanded", join(account, variable("ARM_CLIENT_ID", "$(AZURE_CLIENT_ID)"))),
  of("other-token-file", "Token file of another layout", join(account, variable("TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token"))),
  of("token-file-in-arguments", "Token file of another layout, in the arguments", join(account, deployment({ container: "          args: [--token-file=/var/run/secrets/azure/tokens/azure-identity-token]\n" }))),
  ofPod("proxy-port-taken", "A port that the proxy has", edit(proxied, "name: yadaapi\n      env", "name: yadaapi\n      ports: [{containerPort: 8000}]\n      env")),
  of("own-value", "Variable set by the container", join(account, variable("AZURE_TENANT_ID", "contoso.onmicrosoft.com"))),
  of("token-by-subpath", "Token mounted by subPath", join(account, deployment({ container: "          env:\n            - {name: AZURE_FEDERATED_TOKEN_FILE, value: /azure/token}\n          volumeMounts:\n            - {name: wi, mountPath: /azure/token, subPath: token, readOnly: true}\n      volumes:\n        - {name: wi, projected: {sources: [{serviceAccountToken: {audience: \"api://AzureADTokenExchange\", path: token}}]}}\n" }))),
  of("own-token", "Token from the container's own volume", join(account, deployment({ container: "          env:\n            - {name: AZURE_FEDERATED_TOKEN_FILE, value: /vcluster/token}\n          volumeMounts:\n            - {name: vcluster, mountPath: /vcluster}\n      volumes:\n        - {name: vcluster, secret: {secretName: token}}\n" }))),
  of("other-audience", "Token for another audience, under the webhook's volume name", join(account, deployment({ container: "          env:\n            - {name: AZURE_FEDERATED_TOKEN_FILE, value: /var/run/secrets/azure/tokens/azure-identity-token}\n          volumeMounts:\n            - {name: azure-identity-token, mountPath: /var/run/secrets/azure/tokens}\n      volumes:\n        - {name: azure-identity-token, projected: {sources: [{serviceAccountToken: {path: azure-identity-token, audience: vault}}]}}\n" }))),
  of("token-file-unknown", "Token file given by another variable", join(account, variable("AZURE_FEDERATED_TOKEN_FILE", "/tokens/$(NAME)"))),
  ofPod("proxy-serves-any", "The proxy in a governed namespace", proxied, governed("{namespaces: [default]}")),
  of("read-only-above", "Read-only volume above the token", join(account, mounts("{name: certificates, mountPath: /var/run/secrets}", "{name: certificates, secret: {secretName: certificates}}"))),
  of("misspelt", "Misspelled annotation", join(edit(account, "client-id", "clientid"), pod)),
  of("unknown-name", "Unknown annotation", join(annotated("region: westeurope"), pod)),
  of("annotation-as-label", "An annotation as a label", join(edit(account, 'use: "true"', `use: "true"\n    azure.workload.identity/tenant-id: contoso.com`), pod)),
  ofPod("endpoint-not-set", "An endpoint that is not set up", annotate('use-identity-binding: "true"')),
  of("identities-not-set", "Identity name without the setting identities", namedManifests),
  ofPod("port-without-proxy", "The proxy's port without the proxy", annotate('proxy-sidecar-port: "8080"')),
  ofPod("proxy-not-declined", "A proxy that is not declined", annotate('inject-proxy-sidecar: "False"')),
  ofPod("annotation-misplaced", "An annotation on the wrong object", annotate(`client-id: ${CLIENT_ID}`)),
  of("label-as-annotation", "The label as an annotation", join(edit(edit(account, /  labels:\n.*\n/, ""), "client-id", 'use: "true"\n    azure.workload.identity/client-id'), pod)),
  of("label-ignored", "Ignored label value", join(edit(account, '"true"', '"yes"'), pod)),
  of("label-misplaced", "The label on the workload", join(unlabelled, deployment({ metadata: '\n  labels:\n    azure.workload.identity/use: "true"' }))),
  ofPod("retired-binding", "A label of aad-pod-identity", edit(pod, "app: yadaapi", "app: yadaapi\n    aadpodidbinding: yada")),
  ofPod("proxy-runs-as-root", "The proxy beside runAsNonRoot", spec("securityContext: {runAsNonRoot: true}", proxied)),
  of("annotations-without-label", "Annotations without the label", join(unlabelled, pod), also("trigger: ServiceAccount")),
  of("admitted-unread", "Failed look-up, pod admitted", join(account, pod), also("onLookupFailure: Admit"), { lookUps: "API server unreachable" }),
  of("workload-unread", "Workload with a failed look-up", join(account, deployment({})), settings, { lookUps: "API server unreachable" }),
  of("pods-refused", "Workload whose pods will be refused", join(withId('"${CLIENT_ID}"'), deployment({}))),
  of("more-refusals", "More than ten reasons", join(account, deployment({ container: many(12, (index) => `        - name: c${index}\n          image: x\n          volumeMounts: [{name: cache, mountPath: /var/run/secrets/azure/wi}]\n`) + "      volumes:\n        - {name: cache, emptyDir: {}}\n" })), also("layout: Fixed\npreflight: Enforce")),
  of("more-warnings", "More warnings than shown", join(account, deployment({ container: many(40, (index) => `        - name: container-with-a-long-name-that-takes-its-room-${index}\n          image: x\n          env: [{name: AZURE_CLIENT_SECRET, value: x}]\n`) }))),
];

/** A message of Microsoft Entra's about the walkthrough's pod. */
const entra = (name: string, title: string, message: string): Example => of(name, title, join(account, pod), settings, { issuer: ISSUER, credentials: `${name}: ${message}` });
const noRecord = (part: string, text: string) => `No matching federated identity record found for presented assertion ${part} '${text}'.`;
const SUBJECT = "system:serviceaccount:default:myserviceaccount";
const answers = [
  of("federated-credentials", "A federated credential that fits", join(account, pod), settings, { issuer: ISSUER, credentials }),
  entra("AADSTS700211", "Another issuer", noRecord("issuer", ISSUER.replace(/\/$/, ""))),
  entra("AADSTS700213", "Another subject", noRecord("subject", SUBJECT)),
  entra("AADSTS7002138", "A subject in another case", `${noRecord("subject", SUBJECT)} The subject matches with case-insensitive comparison, but not with case-sensitive comparison.`),
  entra("AADSTS700212", "Another audience", noRecord("audience", "api://AzureADTokenExchange")),
  entra("AADSTS70021", "No federated credential, as Entra said it before 2024", "No matching federated identity record found for presented assertion."),
  of("binding-asks-entra", "An identity binding whose SDK asked Entra", endpoint.manifests, endpoint.settings, { issuer: ISSUER, credentials: `AADSTS700212: ${noRecord("audience", "api://AKSIdentityBinding")}` }),
  entra("AADSTS700016", "An application that is not found", `Application with identifier '${CLIENT_ID}' was not found in the directory 'Contoso'.`),
  entra("AADSTS90002", "A tenant that is not found", "Tenant '2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1' not found."),
  entra("AADSTS90061", "An issuer that Entra can't reach", "Request to External OIDC endpoint failed."),
  entra("AADSTS50027", "A token signed by another key", "JWT token is invalid or malformed."),
  entra("AADSTS700024", "A token that is too old", "Client assertion is not within its valid time range."),
  entra("AADSTS700023", "A token taken for a certificate", "Client assertion audience claim does not match Realm issuer."),
  entra("AADSTS700222", "A token of Entra's own", "AAD-issued tokens may not be used for federated identity flows."),
  entra("AADSTS7000215", "A client secret that is not valid", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID."),
  entra("AADSTS7000229", "No service principal in the tenant", `The client application '${CLIENT_ID}' is missing service principal in the tenant '${TENANT_ID}'.`),
  entra("AADSTS900023", "A tenant that is no tenant", "Specified tenant identifier '${AZURE_TENANT_ID}' is neither a valid DNS name, nor a valid external domain."),
  entra("AADSTS900382", "An authority of another cloud", "Confidential Client is not supported in Cross Cloud request."),
  entra("AADSTS500011", "A resource that is not found", "The resource principal named https://vault.example was not found in the tenant named Contoso."),
  entra("AADSTS53003", "Conditional Access", "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."),
  entra("AADSTS700082", "Not a matter of the manifests", "The refresh token has expired due to inactivity."),
];

export const examples: { group: string; all: Example[] }[] = [
  { group: "What it does", all: does },
  { group: "Refusals", all: refusals },
  { group: "Warnings", all: warnings },
  { group: "What Microsoft Entra answers", all: answers },
];
