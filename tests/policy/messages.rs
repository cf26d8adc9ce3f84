//! Every message of the policy stands in docs/troubleshooting.md, and every message there is one of the policy.

use std::collections::BTreeSet;

use crate::common::*;
use ::laws::hold::fits;
use azwi_policy::host::Answers;
use serde_json::{Value, json};

/// The messages of the page's tables, by their heading.
fn documented(heading: &str) -> Vec<String> {
    let page = file("docs/troubleshooting.md");
    let (_, section) = page.split_once(&format!("## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split("` |").next().unwrap().to_owned()).collect()
}

/// The one message that describes `text`: the longest that fits, for a general one fits everything.
fn find<'p>(patterns: &'p [String], text: &str) -> &'p str {
    let fitting = patterns.iter().filter(|pattern| fits(pattern, text));
    fitting
        .max_by_key(|pattern| pattern.len())
        .unwrap_or_else(|| panic!("docs/troubleshooting.md does not have: {text}"))
}

fn labelled(change: impl FnOnce(&mut Value)) -> Value {
    yada(|pod| {
        label(pod, "true");
        change(pod);
    })
}

fn account(change: impl FnOnce(&mut Value)) -> Answers {
    let mut account = yada_account();
    change(&mut account);
    holding(&account)
}

fn recorded(fault: &str) -> Answers {
    let errors: Value = serde_json::from_str(&file("test_data/host-errors.json")).unwrap();
    failing(errors["texts"][fault].as_str().unwrap())
}

fn workload(change: impl FnOnce(&mut Value)) -> Value {
    let mut request = yada(|_| ());
    let pod = request["object"].clone();
    request["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    request["resource"] = json!({"group": "apps", "version": "v1", "resource": "deployments"});
    request["object"] = json!({"metadata": {"name": "web", "namespace": "default"},
        "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": pod["spec"]}}});
    change(&mut request["object"]);
    request
}

fn brings_a_token(pod: &mut Value) {
    pod["spec"]["volumes"] = json!([{"name": "csi", "csi": {"driver": "x"}}]);
    pod["spec"]["containers"] = json!([{"name": "app", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/csi/token"}],
        "volumeMounts": [{"name": "csi", "mountPath": "/csi"}]}]);
}

fn set(pod: &mut Value, name: &str, value: &str) {
    pod["spec"]["containers"][0]["env"] = json!([{"name": name, "value": value}]);
}

fn mounts_secrets(pod: &mut Value) {
    pod["spec"]["volumes"] = json!([{"name": "config", "configMap": {"name": "x"}}]);
    pod["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "config", "mountPath": "/var/run/secrets"}]);
}

fn sets_id(pod: &mut Value, value: &Value) {
    pod["spec"]["containers"][0]["env"] = json!([value]);
    pod["spec"]["containers"][0]["env"][0]["name"] = json!("AZURE_CLIENT_ID");
}

fn takes_the_name(pod: &mut Value) {
    pod["spec"]["volumes"] = json!([{"name": VOLUME, "persistentVolumeClaim": {"claimName": "x"}}]);
    pod["spec"]["containers"][0]["volumeDevices"] = json!([{"name": VOLUME, "devicePath": "/dev/x"}]);
}

const USE: &str = "azure.workload.identity/use";

/// Settings, request and host, such that each of the policy's messages is said.
fn cases() -> Vec<(Value, Value, Answers)> {
    let own = || holding(&yada_account());
    let annotated = |name: &'static str, value: &'static str| {
        account(move |account| {
            account["metadata"]["annotations"][format!("azure.workload.identity/{name}")] = json!(value);
        })
    };
    let proxied = |change: fn(&mut Value)| {
        labelled(|pod| {
            annotate(pod, "inject-proxy-sidecar", "true");
            change(pod);
        })
    };
    let allowed = |namespace: &str, client: &str, tenant: &str| {
        with(
            &json!({"allowedIdentities": [{"namespaces": [namespace], "clientIds": [client], "tenantIds": [tenant]}]}),
        )
    };
    let mount = |index: usize| json!({"name": format!("c{index}"), "volumeMounts": [{"name": "x", "mountPath": MOUNT}]});
    let own_value = |index: usize| json!({"name": format!("c{index}"), "env": [{"name": "AZURE_TENANT_ID", "value": "x"}]});
    let many = |container: &dyn Fn(usize) -> Value| {
        labelled(|pod| pod["spec"]["containers"] = (0..20).map(container).collect())
    };
    let mut service_account_request =
        yada(|object| *object = service_account(&json!({"client-id": CLIENT_ID})));
    service_account_request["object"]["metadata"]["labels"] = json!({});
    service_account_request["kind"]["kind"] = json!("ServiceAccount");
    service_account_request["resource"]["resource"] = json!("serviceaccounts");
    vec![
        (settings(), labelled(|_| ()), annotated("client-id", "${CLIENT_ID}")),
        (settings(), labelled(|_| ()), annotated("tenant-id", "contoso")),
        (json!({}), labelled(|_| ()), own()),
        (with(&json!({"requireClientId": true})), labelled(|_| ()), annotated("client-id", "")),
        (settings(), labelled(|_| ()), annotated("service-account-token-expiration", "1h")),
        (settings(), labelled(|pod| annotate(pod, "service-account-token-expiration", "60")), own()),
        (settings(), proxied(|pod| annotate(pod, "proxy-sidecar-port", "0")), own()),
        (settings(), proxied(|pod| pod["spec"]["hostNetwork"] = json!(true)), own()),
        (settings(), proxied(|pod| pod["spec"]["os"] = json!({"name": "windows"})), own()),
        (settings(), proxied(|pod| pod["spec"]["securityContext"]["runAsNonRoot"] = json!(true)), own()),
        (settings(), many(&mount), own()),
        (settings(), many(&own_value), own()),
        (settings(), labelled(brings_a_token), own()),
        (
            settings(),
            labelled(|pod| {
                pod["spec"]["containers"][0]["volumeDevices"] = json!([{"name": "x", "devicePath": MOUNT}]);
            }),
            own(),
        ),
        (settings(), labelled(takes_the_name), own()),
        (allowed("other", CLIENT_ID, TENANT_ID), labelled(|_| ()), own()),
        (allowed("default", "00000000-0000-0000-0000-000000000000", TENANT_ID), labelled(|_| ()), own()),
        (allowed("default", CLIENT_ID, TENANT_ID), labelled(|_| ()), annotated("client-id", "")),
        (allowed("default", CLIENT_ID, "contoso.com"), labelled(|_| ()), own()),
        (
            allowed("default", CLIENT_ID, TENANT_ID),
            labelled(|pod| sets_id(pod, &json!({"value": "x"}))),
            own(),
        ),
        (
            allowed("default", CLIENT_ID, TENANT_ID),
            labelled(|pod| sets_id(pod, &json!({"value": "11111111-2222-4333-8444-555555555555"}))),
            own(),
        ),
        (
            allowed("default", CLIENT_ID, TENANT_ID),
            labelled(|pod| sets_id(pod, &json!({"valueFrom": {}}))),
            own(),
        ),
        (settings(), labelled(|_| ()), not_found()),
        (settings(), labelled(|_| ()), recorded("resource not granted")),
        (settings(), labelled(|_| ()), recorded("capability not granted")),
        (settings(), labelled(|_| ()), recorded("forbidden")),
        (settings(), labelled(|_| ()), recorded("API server unreachable")),
        (settings(), labelled(|_| ()), holding(&json!({"kind": "Pod"}))),
        (settings(), labelled(|pod| pod["spec"]["serviceAccountName"] = json!("../x")), no_look_up()),
        (settings(), labelled(|pod| pod["spec"]["containers"] = json!({})), no_look_up()),
        (settings(), yada(|pod| pod["metadata"]["labels"][USE] = json!(true)), no_look_up()),
        (json!({"layout": "V1"}), labelled(|_| ()), no_look_up()),
        (settings(), labelled(|_| ()), annotated("client-id", "")),
        (settings(), labelled(|pod| annotate(pod, "skip-containers", "x")), own()),
        (settings(), labelled(|pod| annotate(pod, "skip-container", "x")), own()),
        (settings(), labelled(|pod| annotate(pod, "client-id", "x")), own()),
        (settings(), labelled(|pod| annotate(pod, "use", "true")), own()),
        (settings(), labelled(|pod| annotate(pod, "foo", "x")), own()),
        (
            settings(),
            labelled(|pod| pod["metadata"]["labels"]["azure.workload.identity/client-id"] = json!("x")),
            own(),
        ),
        (settings(), labelled(|pod| annotate(pod, "use-identity-binding", "true")), own()),
        (settings(), labelled(|pod| annotate(pod, "proxy-sidecar-port", "8080")), own()),
        (settings(), labelled(|pod| annotate(pod, "inject-proxy-sidecar", "False")), own()),
        (settings(), labelled(mounts_secrets), own()),
        (settings(), yada(|_| ()), account(|account| account["metadata"]["labels"] = json!({}))),
        (
            with(&json!({"trigger": "ServiceAccount"})),
            labelled(|_| ()),
            account(|account| account["metadata"]["labels"] = json!({})),
        ),
        (with(&json!({"trigger": "Pod"})), yada(|pod| annotate(pod, "skip-containers", "x")), no_look_up()),
        (settings(), labelled(|_| ()), annotated("client-id", "00000000-0000-0000-0000-000000000000")),
        (settings(), labelled(|pod| set(pod, "AZURE_CLIENT_SECRET", "x")), own()),
        (settings(), labelled(|pod| set(pod, "AZURE_TOKEN_CREDENTIALS", "dev")), own()),
        (settings(), labelled(|pod| set(pod, "ARM_USE_MSI", "true")), own()),
        (settings(), labelled(|pod| annotate(pod, "layout", "legacy")), own()),
        (settings(), labelled(|_| ()), annotated("client-id", TENANT_ID)),
        (
            settings(),
            crate::service_accounts::account_request(
                &yada_account(),
                Some(&service_account(&json!({"client-id": TENANT_ID}))),
            ),
            no_look_up(),
        ),
        (
            settings(),
            labelled(|pod| {
                set(pod, "AZURE_FEDERATED_TOKEN_FILE", "/azure/token");
                let projected = json!({"sources": [{"serviceAccountToken": {"path": "token", "audience": "api://AzureADTokenExchange"}}]});
                pod["spec"]["volumes"] = json!([{"name": "wi", "projected": projected}]);
                pod["spec"]["containers"][0]["volumeMounts"] =
                    json!([{"name": "wi", "mountPath": "/azure/token", "subPath": "token"}]);
            }),
            own(),
        ),
        (named(), yada(|_| ()), holding(&service_account(&json!({"identity": "paymnets"})))),
        (
            named(),
            yada(|_| ()),
            holding(&service_account(&json!({"identity": "payments", "client-id": TENANT_ID}))),
        ),
        (settings(), yada(|_| ()), holding(&service_account(&json!({"identity": "payments"})))),
        (settings(), yada(|pod| annotate(pod, "container-identities", "worker")), own()),
        (named(), yada(|pod| annotate(pod, "container-identities", "worker=payments")), own()),
        (
            settings(),
            proxied(|pod| pod["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8000}])),
            own(),
        ),
        (
            settings(),
            labelled(|pod| {
                let args = json!(["--token-file=/var/run/secrets/azure/tokens/azure-identity-token"]);
                pod["spec"]["containers"][0]["args"] = args;
            }),
            own(),
        ),
        (settings(), labelled(|pod| set(pod, "ARM_CLIENT_ID", "$(AZURE_CLIENT_ID)")), own()),
        (
            settings(),
            labelled(|pod| set(pod, "TOKEN", "/var/run/secrets/azure/tokens/azure-identity-token")),
            own(),
        ),
        (settings(), yada(|pod| label(pod, "True")), own()),
        (settings(), labelled(|pod| pod["metadata"]["labels"]["aadpodidbinding"] = json!("x")), own()),
        (with(&json!({"trigger": "ServiceAccount"})), service_account_request, no_look_up()),
        (with(&json!({"onLookupFailure": "Admit"})), yada(|_| ()), recorded("forbidden")),
        (settings(), workload(|_| ()), recorded("forbidden")),
        (json!({}), workload(|_| ()), own()),
        (
            settings(),
            workload(|object| label(object, "true")),
            account(|account| account["metadata"]["labels"] = json!({})),
        ),
        (settings(), workload(|object| annotate(object, "skip-containers", "x")), own()),
        (settings(), workload(|object| annotate(object, "client-id", "x")), own()),
        (
            with(&json!({"allowedIdentities": [{"tenantIds": [TENANT_ID]}]})),
            yada(|pod| {
                pod["spec"]["containers"][0]["env"] =
                    json!([{"name": "AZURE_TENANT_ID", "value": "a.example"}]);
            }),
            own(),
        ),
        (
            with(&json!({"extraEnv": [{"name": "X", "value": "x".repeat(900_000)}]})),
            yada(|pod| {
                pod["spec"]["containers"] = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]);
            }),
            own(),
        ),
        (
            settings(),
            yada(|pod| {
                brings_a_token(pod);
                let projected =
                    json!({"sources": [{"serviceAccountToken": {"path": "token", "audience": "vault"}}]});
                pod["spec"]["volumes"] = json!([{"name": "azure-identity-token", "projected": projected}]);
                pod["spec"]["containers"][0]["volumeMounts"][0]["name"] = json!("azure-identity-token");
            }),
            own(),
        ),
        (
            settings(),
            yada(|pod| {
                pod["spec"]["containers"][0]["env"] =
                    json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/x/$(P)"}]);
            }),
            own(),
        ),
        (
            with(&json!({"allowedIdentities": [{}]})),
            yada(|pod| annotate(pod, "inject-proxy-sidecar", "true")),
            own(),
        ),
    ]
}

fn named() -> Value {
    with(&json!({"identities": {"payments": {"clientId": CLIENT_ID}}}))
}

#[test]
fn every_message_is_in_troubleshooting_and_vice_versa() {
    let (refusals, warnings) = (documented("Refusals"), documented("Warnings"));
    let mut said: BTreeSet<&str> = BTreeSet::new();
    for (settings, request, answers) in cases() {
        let response = evaluate(&settings, &request, answers).response;
        let first = response.message().lines().next().unwrap_or_default();
        if let Some((problem, _)) = first.split_once(": ").and_then(|(_, rest)| rest.rsplit_once("; ")) {
            said.insert(find(&refusals, problem));
        }
        for line in response.message().lines().filter(|line| line.starts_with("and ")) {
            said.insert(find(&warnings, line));
        }
        for warning in crate::common::warnings(&response) {
            let text = warning.split_once(": ").map_or(warning.as_str(), |(_, text)| text);
            let of_container = text.strip_prefix("container ").and_then(|text| text.split_once(' '));
            let text = of_container.map_or(text, |(_, text)| text);
            said.insert(find(&warnings, text));
        }
    }
    let all: BTreeSet<&str> = refusals.iter().chain(&warnings).map(String::as_str).collect();
    assert_eq!(
        all.difference(&said).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "documented, but not said by any case"
    );
}
