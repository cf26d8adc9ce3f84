// The examples: the walkthrough, and the mistakes of Troubleshooting by the names of their rules.
import settings from "../../examples/walkthrough/settings.yaml?raw";
import account from "../../examples/walkthrough/serviceaccount.yaml?raw";
import pod from "../../examples/walkthrough/pod.yaml?raw";
import namedManifests from "../../examples/identities/manifests.yaml?raw";
import namedSettings from "../../examples/identities/settings.yaml?raw";

export interface Example {
  /** As it stands in a link: `#example=walkthrough`. */
  name: string;
  title: string;
  manifests: string;
  settings: string;
}

const both = (one: string, other: string) => `${one.trimEnd()}\n---\n${other.trimStart()}`;
const edit = (text: string, what: string | RegExp, by: string) => {
  const edited = text.replace(what, by);
  if (edited === text) throw new Error(`${what} is not in the example`);
  return edited;
};
const deployment = (template: string, metadata = "") => `apiVersion: apps/v1
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
`;
const annotate = (annotation: string) => edit(pod, /\nspec:/, `\n  annotations:\n    azure.workload.identity/${annotation}\nspec:`);
const variable = (name: string, value: string) => `${deployment("")}          env:\n            - name: ${name}\n              value: ${value}\n`;
const wrong = (id: string) => edit(account, /client-id: .*/, `client-id: ${id}`);

export const examples: Example[] = [
  { name: "walkthrough", title: "The walkthrough: YADA's pod", manifests: both(account, pod), settings },
  { name: "deployment", title: "A Deployment", manifests: both(account, deployment("")), settings },
  { name: "client-id-malformed", title: "A client id that is none", manifests: both(wrong('"{6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa}"'), pod), settings },
  { name: "no-tenant", title: "No tenant", manifests: both(account, pod), settings: "{}\n" },
  { name: "unquoted", title: "A label without quotes", manifests: both(edit(account, '"true"', "true"), pod), settings },
  { name: "no-label", title: "Nobody is labelled", manifests: both(edit(account, /  labels:\n.*use.*\n/, ""), deployment("")), settings },
  { name: "label-misplaced", title: "The label on the workload", manifests: both(edit(account, /  labels:\n.*use.*\n/, ""), deployment("", '\n  labels:\n    azure.workload.identity/use: "true"')), settings },
  { name: "misspelt", title: "A misspelt annotation", manifests: both(edit(account, "client-id", "clientid"), pod), settings },
  { name: "credential-wins", title: "A client secret that wins", manifests: both(account, variable("AZURE_CLIENT_SECRET", "example")), settings },
  { name: "refers-to-injected", title: "A variable that is not expanded", manifests: both(account, variable("ARM_CLIENT_ID", "$(AZURE_CLIENT_ID)")), settings },
  { name: "expiration-malformed", title: "A token expiration that is no number", manifests: both(account, annotate('service-account-token-expiration: "1h"')), settings },
  { name: "zero-client-id", title: "A client id of zeros", manifests: both(wrong("00000000-0000-0000-0000-000000000000"), pod), settings },
  { name: "skips-nobody", title: "A skipped container that is not there", manifests: both(account, annotate("skip-containers: yada-api")), settings },
  { name: "own-value", title: "A variable of the container's own", manifests: both(account, variable("AZURE_TENANT_ID", "contoso.onmicrosoft.com")), settings },
  { name: "credential-left-out", title: "AZURE_TOKEN_CREDENTIALS that leaves it out", manifests: both(account, variable("AZURE_TOKEN_CREDENTIALS", "dev")), settings },
  { name: "other-token-file", title: "The token file of another version", manifests: both(account, variable("TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token")), settings },
  { name: "port-without-proxy", title: "The proxy's port without the proxy", manifests: both(account, annotate('proxy-sidecar-port: "8080"')), settings },
  { name: "proxy-not-declined", title: "A proxy that is not declined", manifests: both(account, annotate('inject-proxy-sidecar: "False"')), settings },
  { name: "annotation-misplaced", title: "An annotation on the wrong object", manifests: both(account, annotate("client-id: 6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa")), settings },
  { name: "label-ignored", title: "A label that is ignored", manifests: both(edit(account, '"true"', '"yes"'), pod), settings },
  { name: "identity-unknown", title: "A name that no identity has", manifests: edit(namedManifests, "identity: yada", "identity: yadda"), settings: namedSettings },
  { name: "container-identities", title: "A container's identity that is unknown", manifests: edit(namedManifests, "worker=payments", "worker=paymnets"), settings: namedSettings },
  { name: "mount-hides-token", title: "A mount in the token's way", manifests: both(account, `${deployment("")}          volumeMounts:\n            - {name: cache, mountPath: /var/run/secrets/azure/wi}\n      volumes:\n        - {name: cache, emptyDir: {}}\n`), settings: `${settings.trimEnd()}\nlayout: Fixed\n` },
  { name: "preflight", title: "Preflight: the workload itself is refused", manifests: both(account, deployment('\n      annotations:\n        azure.workload.identity/service-account-token-expiration: "1h"')), settings: `${settings.trimEnd()}\npreflight: Enforce\n` },
  { name: "proxy", title: "The proxy sidecar", manifests: both(account, annotate('inject-proxy-sidecar: "true"')), settings },
  { name: "client-id-not-allowed", title: "Governance: not in this namespace", manifests: both(account, pod), settings: `${settings.trimEnd()}\nallowedIdentities:\n  - namespaces: [payments-*]\n` },
  { name: "identities", title: "Identities by name, one for each container", manifests: namedManifests, settings: namedSettings },
];
