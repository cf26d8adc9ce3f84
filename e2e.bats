#!/usr/bin/env bats
# Against the annotated module through kwctl where that is on the PATH, else through policy-runner.

setup() {
  if command -v kwctl >/dev/null; then
    tool=(kwctl)
    policy=annotated-policy.wasm
  else
    tool=(target/host/policy-runner)
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
  run "${tool[@]}" run --request-path test_data/walkthrough.json --settings-json '{}' "$policy"
  [ "$status" -eq 0 ]
  [ "$(expr "$output" : '.*"allowed":false.*')" -ne 0 ]
}

@test "leaves a pod alone that opts out, without asking the host" {
  run "${tool[@]}" run --request-path test_data/opted-out.json --settings-json '{}' "$policy"
  echo "output = ${output}"
  [ "$status" -eq 0 ]
  response | jq -e '.allowed and .patch == null and .warnings == null'
}

@test "refuses a client id that is none, with the command that repairs it" {
  judge walkthrough malformed-client-id --settings-path test_data/settings.yaml
  [ "$status" -eq 0 ]
  response | jq -e '(.allowed | not) and .status.code == 400 and (.status.message | contains("is \"${CLIENT_ID}\", expected a UUID")
    and contains("kubectl annotate --overwrite serviceaccount -n default myserviceaccount azure.workload.identity/client-id="))'
}

@test "refuses a labelled pod whose ServiceAccount does not exist" {
  judge labelled not-found --settings-path test_data/settings.yaml
  response | jq -e '(.allowed | not) and (.status.message | contains("does not exist"))'
}

@test "lets an unlabelled pod through whose ServiceAccount does not exist" {
  judge walkthrough not-found --settings-path test_data/settings.yaml
  response | jq -e '.allowed and .patch == null'
}

@test "says how to grant the look-up where it is not" {
  run "${tool[@]}" run --request-path test_data/labelled.json --settings-path test_data/settings.yaml "$policy"
  echo "output = ${output}"
  response | jq -e '(.allowed | not) and .status.code == 500 and (.status.message | contains("contextAwareResources"))'
}

@test "refuses settings that are none, all problems at once" {
  run "${tool[@]}" run --request-path test_data/walkthrough.json --settings-json '{"tenantId": 5, "layout": "V3"}' "$policy"
  echo "output = ${output}"
  [ "$status" -eq 1 ]
  [ "$(expr "$output" : '.*Provided settings are not valid.*tenantId is 5.*layout is "V3".*')" -ne 0 ]
}
