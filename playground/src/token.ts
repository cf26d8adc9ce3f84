// The token that the kubelet will project into a pod, and what is presented to Microsoft Entra with it.
import type { Presented } from "./federated.ts";
import type { Card } from "./judge.ts";
import { at, type Json, list } from "./kubernetes.ts";

/** The audience that Microsoft Entra expects ("workload identity federation"). */
const AUDIENCE = "api://AzureADTokenExchange";

/** The source of the pod's token, as its volume has it. */
function source(pod: Json | undefined): Json | undefined {
  const sources = list(pod, "spec", "volumes").flatMap((volume) => list(volume, "projected", "sources"));
  const tokens = sources.map((source) => at(source, "serviceAccountToken"));
  return tokens.find((token) => String(at(token, "path") ?? "").endsWith("azure-identity-token"));
}

/** What each client id of a pod presents. Containers with an identity of their own present the same token. */
export function presented({ after, audit }: Card, issuer: string): Presented[] {
  const audience = String(at(source(after), "audience") ?? AUDIENCE);
  const others = (audit["container-identities"] ?? "").split("; ").flatMap((entry) => entry.split("=")[1] ?? []);
  const ids = [audit["client-id"], ...others].filter((id) => id !== undefined);
  return [...new Set(ids)].map((clientId) => ({ clientId, issuer, subject: audit["subject"] ?? "", audience }));
}

/** The token's body (Kubernetes, "Managing Service Accounts", "Schema for service account private claims"). What only the cluster knows is in angle brackets. */
export function body({ after, audit, namespace, name }: Card, issuer: string): Json {
  const token = source(after);
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
