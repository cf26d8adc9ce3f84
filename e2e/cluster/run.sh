#!/usr/bin/env bash
# run.sh: the walkthrough on a real cluster. Takes the cluster of $KUBECONFIG, which has Kubewarden (charts.kubewarden.io)
# in the namespace kubewarden, deploys the policy, checks what it does, and takes everything away again.
#
# MODULE=registry://… is the policy to deploy. Without it annotated-policy.wasm is pushed with kwctl to a registry that is
# started in the cluster for the run.
set -euo pipefail
cd "$(dirname "$0")/../.."

tenant=2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1
namespace=azwi-e2e
work=$(mktemp -d)
forward=

need() { command -v "$1" >/dev/null || { echo "run.sh needs $1" >&2; exit 2; }; }
need kubectl
need jq

say() { printf '== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

made_namespace=
clean_up() {
  status=$?
  if [ "$status" -ne 0 ]; then
    # What a person would look at, before it is taken away.
    say "what was there"
    kubectl get clusteradmissionpolicies,policyservers 2>&1 || true
    kubectl -n kubewarden logs -l kubewarden/policy-server=azure-workload-identity --tail=50 2>&1 || true
    kubectl -n "$namespace" get events --sort-by=.lastTimestamp 2>&1 | tail -20 || true
  fi
  [ -z "$forward" ] || kill "$forward" 2>/dev/null || true
  if [ -f "$work/deploy.yaml" ]; then
    # Policies first: without its permission the policy refuses every pod. The late registration is owned by the policy.
    kubectl delete --ignore-not-found clusteradmissionpolicy azure-workload-identity azure-workload-identity-checks >/dev/null 2>&1 || true
    kubectl delete --ignore-not-found --wait=false -f "$work/deploy.yaml" >/dev/null 2>&1 || true
  fi
  [ -z "$made_namespace" ] || kubectl delete --ignore-not-found --wait=false namespace "$namespace" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

if kubectl get clusteradmissionpolicy azure-workload-identity >/dev/null 2>&1; then
  fail "the policy azure-workload-identity is installed already: this script would replace it, and delete it in the end"
fi
kubectl create namespace "$namespace"
made_namespace=yes

if [ -z "${MODULE:-}" ]; then
  need kwctl
  need curl
  say "a registry for the run"
  kubectl -n "$namespace" create deployment registry --image=registry:2 --port=5000
  kubectl -n "$namespace" expose deployment registry --port=5000
  kubectl -n "$namespace" rollout status deployment/registry --timeout=120s
  kubectl -n "$namespace" port-forward service/registry 5000:5000 >/dev/null &
  forward=$!
  for _ in $(seq 100); do
    curl -sf http://localhost:5000/v2/ >/dev/null && break
    sleep 0.1
  done
  printf 'insecure_sources: ["localhost:5000"]\n' > "$work/sources.yaml"
  kwctl push --sources-path "$work/sources.yaml" annotated-policy.wasm registry://localhost:5000/azure-workload-identity:e2e
  MODULE=registry://registry.$namespace.svc.cluster.local:5000/azure-workload-identity:e2e
fi

say "deploy"
kubectl kustomize deploy/base > "$work/base.yaml"
# The lines that a user changes: the tenant, where the module is, and the registry without TLS.
sed -e "s|^  module: .*|  module: $MODULE|" -e "s|REPLACE_WITH_YOUR_TENANT_ID|$tenant|" \
  -e "s|^  image: \(.*policy-server.*\)|  image: \1\n  insecureSources: [\"registry.$namespace.svc.cluster.local:5000\"]|" \
  "$work/base.yaml" > "$work/deploy.yaml"
kubectl apply -f "$work/deploy.yaml"
kubectl wait --for=condition=PolicyActive --timeout=180s clusteradmissionpolicy/azure-workload-identity clusteradmissionpolicy/azure-workload-identity-checks
kubectl -n kubewarden rollout status deployment/policy-server-azure-workload-identity --timeout=180s

say "the walkthrough"
sed "s|namespace: default|namespace: $namespace|" examples/walkthrough/serviceaccount.yaml | kubectl apply -f -
sed "s|namespace: default|namespace: $namespace|" examples/walkthrough/pod.yaml | kubectl apply -f -
kubectl -n "$namespace" get pod yadaapi -o json > "$work/pod.json"
jq '.spec.containers[0].env' "$work/pod.json" > "$work/env.json"
diff <(jq -S . examples/walkthrough/expected-env.json) <(jq -S . "$work/env.json") || fail "the environment differs"
jq -e --arg tenant "$tenant" '
  ([.spec.containers[0].env[] | select(.name == "AZURE_TENANT_ID") | .value] == [$tenant])
  and ([.spec.volumes[] | select(.name | startswith("azure-workload-identity-reserved-")) | .projected.sources[0].serviceAccountToken]
    == [{audience: "api://AzureADTokenExchange", expirationSeconds: 3600, path: "token/azure-identity-token"}])
  and ([.spec.containers[0].volumeMounts[] | select(.mountPath | startswith("/var/run/secrets/azure/wi/")) | .readOnly] == [true])' \
  "$work/pod.json" >/dev/null || fail "the pod is not complete"

say "a refusal"
# shellcheck disable=SC2016 # the unexpanded variable is the mistake
wrong='${CLIENT_ID}'
if kubectl -n "$namespace" annotate --overwrite serviceaccount myserviceaccount azure.workload.identity/client-id="$wrong" 2> "$work/refusal"; then
  fail "a malformed client ID was accepted"
fi
grep -qF "is \"$wrong\", which is not a UUID" "$work/refusal" || fail "$(cat "$work/refusal")"

say "a warning"
kubectl -n "$namespace" annotate serviceaccount myserviceaccount azure.workload.identity/client_id=x 2> "$work/warning"
grep -q 'Warning: ServiceAccount .*did you mean client-id?' "$work/warning" || fail "$(cat "$work/warning")"

say "a rollout"
kubectl -n "$namespace" create deployment web --image=registry.k8s.io/pause:3.10
kubectl -n "$namespace" set serviceaccount deployment/web myserviceaccount
kubectl -n "$namespace" rollout status deployment/web --timeout=180s
kubectl -n "$namespace" get pods -l app=web -o json | jq -e '
  [.items[] | select(.spec.serviceAccountName == "myserviceaccount") | .spec.containers[0].env[]?.name] | index("AZURE_FEDERATED_TOKEN_FILE")' \
  >/dev/null || fail "the Deployment's pod has no identity"

say "the late registration"
deploy/late/register.sh
kubectl get mutatingwebhookconfigurations -o json | jq -e '
  [.items[] | select(.metadata.name == "kw.cap.azure-workload-identity" or .metadata.name == "clusterwide-azure-workload-identity")] | length == 1' \
  >/dev/null || fail "Kubewarden's own registration has another name than either that is known"
kubectl get mutatingwebhookconfiguration zz-azure-workload-identity-late -o json | jq -e '
  .webhooks[0].failurePolicy == "Ignore" and .webhooks[0].reinvocationPolicy == "IfNeeded"' >/dev/null || fail "the late registration"

say "all as it should be"
