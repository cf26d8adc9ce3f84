#!/usr/bin/env bash
# register.sh [--dry-run]: gives sidecars that other webhooks add later their identity, by a second registration of the policy
# (made by late.jq). Run it again after the policy's registration has changed: it does not follow by itself.
set -euo pipefail
cd "$(dirname "$0")"

for command in kubectl jq; do
  command -v "$command" >/dev/null || { echo "register.sh needs $command" >&2; exit 2; }
done
policy=$(kubectl get clusteradmissionpolicy azure-workload-identity -o json)
late=$(kubectl get mutatingwebhookconfigurations -l app.kubernetes.io/part-of=kubewarden -o json | jq --argjson policy "$policy" -f late.jq)
if [ "${1:-}" = --dry-run ]; then
  printf '%s\n' "$late"
else
  printf '%s\n' "$late" | kubectl apply -f -
fi
