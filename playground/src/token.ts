// The token that the kubelet will project into a pod, and what is presented to Microsoft Entra with it.
import { at, type Json, list } from "./kubernetes.ts";

/** The audience that Microsoft Entra expects ("workload identity federation"). */
const AUDIENCE = "api://AzureADTokenExchange";

/** What an object's pods present to Microsoft Entra, but for the cluster's issuer. */
export interface Token {
  clientId: string;
  subject: string;
  audience: string;
}

type Audit = { [name: string]: string };

/** The source of the pod's token, as its volume has it. */
function source(pod: Json | undefined): Json | undefined {
  const sources = list(pod, "spec", "volumes").flatMap((volume) => list(volume, "projected", "sources"));
  const tokens = sources.map((source) => at(source, "serviceAccountToken"));
  return tokens.find((token) => String(at(token, "path") ?? "").endsWith("azure-identity-token"));
}

/** The tokens of an object, by its client IDs. Containers with an identity of their own present the same token. */
export function tokensOf(object: Json, audit: Audit, settings: Json): Token[] {
  const audience = at(source(object), "audience") ?? at(settings, "audience");
  const others = (audit["container-identities"] ?? "").split("; ").flatMap((entry) => entry.split("=")[1] ?? []);
  const ids = [audit["client-id"], ...others].filter((id) => id !== undefined);
  return ids.map((clientId) => ({ clientId, subject: audit["subject"] ?? "", audience: typeof audience === "string" ? audience : AUDIENCE }));
}

/** The token's body (Kubernetes, "Managing Service Accounts", "Schema for service account private claims"). What only the cluster knows is in angle brackets. */
export function body(pod: Json | undefined, { namespace, name, audit }: { namespace: string; name: string; audit: Audit }, issuer: string): Json {
  const token = source(pod);
  const seconds = at(token, "expirationSeconds") ?? 3600;
  const account = (audit["service-account"] ?? "").split("/")[1] ?? "";
  return {
    aud: [at(token, "audience") ?? AUDIENCE],
    exp: `<iat + ${String(seconds)}>`,
    iat: "<when the kubelet asked for it>",
    iss: issuer,
    jti: "<its id>",
    "kubernetes.io": {
      namespace,
      node: { name: "<node>", uid: "<uid>" },
      pod: { name: name.endsWith("*") ? `${name.slice(0, -1)}<suffix>` : name, uid: "<uid>" },
      serviceaccount: { name: account, uid: "<uid>" },
    },
    nbf: "<iat>",
    sub: audit["subject"] ?? "",
  };
}
