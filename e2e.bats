#!/usr/bin/env bats
# Against the annotated module through kwctl where that is on the PATH, else through azwi-policy.

setup() {
  if command -v kwctl >/dev/null; then
    tool=(kwctl)
    policy=annotated-policy.wasm
  else
    tool=(target/host/azwi-policy)
    policy=policy.wasm
  fi
}

# judge REQUEST SESSION [FLAG…]: a request of test_data with the recorded answers of the host.
judge() {
  local request=$1 session=$2
  shift 2
  run "${tool[@]}" run --request-path "test_data/$request.json" "$@" --allow-context-aware \
    --replay-host-capabilities-interactions "test_data/session-$session.yml" "$policy"
  # this prints the output when one the checks below fails
  echo "output = ${output}"
}

response() { grep '^{"uid"' <<<"$output"; }

@test "gives YADA's pod its identity" {
  judge walkthrough walkthrough --settings-path test_data/settings.yaml
  [ "$status" -eq 0 ]
  [ "$(expr "$output" : '.*"allowed":true.*')" -ne 0 ]
  [ "$(expr "$output" : '.*"patchType":"JSONPatch".*')" -ne 0 ]
  response | jq -r .patch | base64 --decode | jq -e '
    ([.[].op] | unique) == ["add"]
    and [.[] | select(.path | test("/env/")) | .value.name]
      == ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"]
    and (.[] | select(.path | test("^/spec/volumes/")) | .value.projected.sources[0].serviceAccountToken)
      == {audience: "api://AzureADTokenExchange", expirationSeconds: 3600, path: "token/azure-identity-token"}'
}

@test "says which tenant is missing" {
  judge walkthrough walkthrough --settings-json '{}'
  [ "$status" -eq 0 ]
  response | jq -e '(.allowed | not) and .status.message == "ServiceAccount default/myserviceaccount: no tenant ID: neither annotation azure.workload.identity/tenant-id nor the policy'"'"'s setting tenantId is set; set tenantId in the policy'"'"'s spec.settings, or run:\nkubectl annotate --overwrite serviceaccount -n default myserviceaccount azure.workload.identity/tenant-id=TENANT_ID"'
}

@test "leaves a pod alone that opts out, without asking the host" {
  run "${tool[@]}" run --request-path test_data/opted-out.json --settings-json '{}' "$policy"
  echo "output = ${output}"
  [ "$status" -eq 0 ]
  response | jq -e '.allowed and .patch == null and .warnings == null'
}

@test "refuses a malformed client ID, with the command that fixes it" {
  judge walkthrough malformed-client-id --settings-path test_data/settings.yaml
  [ "$status" -eq 0 ]
  response | jq -e '(.allowed | not) and .status.code == 400 and (.status.message | contains("is \"${CLIENT_ID}\", which is not a UUID")
    and contains("kubectl annotate --overwrite serviceaccount -n default myserviceaccount azure.workload.identity/client-id="))'
}

@test "refuses a labelled pod whose ServiceAccount does not exist" {
  judge labelled not-found --settings-path test_data/settings.yaml
  response | jq -e '(.allowed | not) and (.status.message | contains("does not exist"))'
}

@test "admits an unlabelled pod whose ServiceAccount does not exist" {
  judge walkthrough not-found --settings-path test_data/settings.yaml
  response | jq -e '.allowed and .patch == null'
}

@test "says how to grant the look-up where it is not" {
  run "${tool[@]}" run --request-path test_data/labelled.json --settings-path test_data/settings.yaml "$policy"
  echo "output = ${output}"
  response | jq -e '(.allowed | not) and .status.code == 500 and (.status.message | contains("contextAwareResources"))'
}

@test "refuses invalid settings, and lists all problems" {
  run "${tool[@]}" run --request-path test_data/walkthrough.json --settings-json '{"tenantId": 5, "layout": "V3"}' "$policy"
  echo "output = ${output}"
  [ "$status" -eq 1 ]
  [ "$(expr "$output" : '.*Provided settings are not valid.*tenantId is 5.*layout is "V3".*')" -ne 0 ]
}

# kwctl alone: what the official tool does with the annotated module and the manifests of deploy/.
only_kwctl() { command -v kwctl >/dev/null || skip "kwctl is not on the PATH"; }

@test "the deployment's own manifest runs locally, with the settings and grants that stand in it" {
  only_kwctl
  sed -e "s|module: .*|module: file://$PWD/annotated-policy.wasm|" -e "s|REPLACE_WITH_YOUR_TENANT_ID|2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1|" deploy/base/policy.yaml > "$BATS_TEST_TMPDIR/policy.yaml"
  run kwctl run --request-path test_data/walkthrough.json \
    --replay-host-capabilities-interactions test_data/session-walkthrough.yml "$BATS_TEST_TMPDIR/policy.yaml"
  echo "output = ${output}"
  [ "$status" -eq 0 ]
  response | jq -r .patch | base64 --decode | jq -e '[.[].op] | length == 6 and unique == ["add"]'
}

@test "a manifest that does not grant the look-up is refused with the grant to add" {
  only_kwctl
  sed -e "s|module: .*|module: file://$PWD/annotated-policy.wasm|" -e "s|REPLACE_WITH_YOUR_TENANT_ID|2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1|" -e '/contextAwareResources:/,+2d' deploy/base/policy.yaml > "$BATS_TEST_TMPDIR/policy.yaml"
  run kwctl run --request-path test_data/labelled.json "$BATS_TEST_TMPDIR/policy.yaml"
  echo "output = ${output}"
  response | jq -e '(.allowed | not) and (.status.message | contains("contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}]"))'
}

@test "the metadata in the module is complete, and Artifact Hub's form of it is the committed one" {
  only_kwctl
  run kwctl inspect annotated-policy.wasm
  echo "output = ${output}"
  [ "$status" -eq 0 ]
  [[ "$output" == *"azure-workload-identity"* && "$output" == *"minimum kubewarden version"* ]]
  kwctl scaffold artifacthub --metadata-path metadata.yml --questions-path questions-ui.yml > "$BATS_TEST_TMPDIR/pkg.yml"
  diff <(grep -v ^createdAt: artifacthub-pkg.yml) <(grep -v ^createdAt: "$BATS_TEST_TMPDIR/pkg.yml")
}

@test "annotating warns of nothing: what is declared is used, what is used is declared" {
  only_kwctl
  run kwctl annotate -m metadata.yml -u README.md -o "$BATS_TEST_TMPDIR/annotated.wasm" policy.wasm
  echo "output = ${output}"
  [ "$status" -eq 0 ]
  [[ "$output" != *WARN* ]]
}
