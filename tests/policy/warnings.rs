//! What is warned about, word for word.

use crate::common::*;
use serde_json::{Value, json};

fn warned(pod: impl FnOnce(&mut Value), account: &Value) -> Vec<String> {
    let (_, response) = admitted(&settings(), &yada(pod), holding(account));
    warnings(&response)
}

#[test]
fn warns_about_a_missing_client_id_unless_every_container_sets_it() {
    let account = service_account(&json!({}));
    let text = "ServiceAccount default/myserviceaccount: no client-id annotation, so AZURE_CLIENT_ID is not set; fine if told elsewhere";
    assert_eq!(warned(|_| (), &account), [text]);
    assert!(text.len() <= 120);
    let set = |pod: &mut Value| {
        pod["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_CLIENT_ID", "value": "x"}]);
    };
    assert_eq!(warned(set, &account), [""; 0]);
}

#[test]
fn warns_about_each_mistake_that_does_not_refuse() {
    let account = yada_account();
    let none = |_: &mut Value| ();
    assert_eq!(warned(none, &account), [""; 0]);
    assert_eq!(
        warned(|pod| annotate(pod, "skip-containers", "yadaapi2"), &account),
        [
            "Pod default/yadaapi: skip-containers names \"yadaapi2\", but no container has that name (the pod has yadaapi)"
        ]
    );
    assert_eq!(
        warned(
            |pod| pod["spec"]["containers"][0]["env"] =
                json!([{"name": "AZURE_TENANT_ID", "value": "secret-value"}]),
            &account
        ),
        [
            "Pod default/yadaapi: container yadaapi sets its own AZURE_TENANT_ID; remove it to use the identity's"
        ]
    );
    assert_eq!(
        warned(|pod| annotate(pod, "skip-container", "x"), &account),
        [
            "Pod default/yadaapi: annotation azure.workload.identity/skip-container is unknown; did you mean skip-containers?"
        ]
    );
    assert_eq!(
        warned(|pod| annotate(pod, "client-id", "x"), &account),
        [
            "Pod default/yadaapi: annotation azure.workload.identity/client-id has no effect here; move it to the ServiceAccount"
        ]
    );
    assert_eq!(
        warned(none, &service_account(&json!({"client-id": CLIENT_ID, "skip-containers": "x"}))),
        [
            "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/skip-containers has no effect here; move it to the pod"
        ]
    );
    assert_eq!(
        warned(|pod| pod["metadata"]["labels"]["aadpodidbinding"] = json!("x"), &account),
        [
            "Pod default/yadaapi: label aadpodidbinding belongs to the retired aad-pod-identity and has no effect; remove it"
        ]
    );
    assert_eq!(
        warned(|pod| label(pod, "True"), &account),
        [
            "Pod default/yadaapi: label azure.workload.identity/use is \"True\", which is ignored; use \"true\" or \"false\""
        ]
    );
}

#[test]
fn warns_about_the_service_accounts_label_that_counts_as_absent() {
    let mut account = yada_account();
    account["metadata"]["labels"]["azure.workload.identity/use"] = json!("yes");
    let (pod, response) = admitted(&settings(), &yada(|_| ()), holding(&account));
    assert_eq!(pod, yada(|_| ())["object"]);
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: label azure.workload.identity/use is \"yes\", which is ignored; use \"true\" or \"false\""
        ]
    );
}

#[test]
fn answers_skip_containers_with_the_separator_or_the_names_that_are_there() {
    let said = |value: &str| {
        let change = |pod: &mut Value| {
            annotate(pod, "skip-containers", value);
            pod["spec"]["containers"] = json!([{"name": "a"}, {"name": "b"}]);
        };
        warned(change, &yada_account())
    };
    for value in ["a,b", "a b", "a:b", "[\"a\"]", "*"] {
        let [warning] = &said(value)[..] else { panic!("{value}: {:?}", said(value)) };
        assert!(warning.ends_with("(separate them with ;)"), "{warning}");
    }
    assert!(said("step-a")[0].ends_with("(the pod has a, b)"));
    assert_eq!(said("istio-proxy; daprd;linkerd-proxy"), [""; 0]);
}

#[test]
fn ignores_the_case_of_ids_and_the_trailing_slash_of_hosts() {
    let change = |pod: &mut Value| {
        pod["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_CLIENT_ID", "value": CLIENT_ID.to_uppercase()},
            {"name": "AZURE_TENANT_ID", "value": TENANT_ID.to_uppercase()},
            {"name": "AZURE_AUTHORITY_HOST", "value": "https://Login.microsoftonline.com"}]);
    };
    assert_eq!(warned(change, &yada_account()), [""; 0]);
    let other = |pod: &mut Value| {
        pod["spec"]["containers"][0]["env"] =
            json!([{"name": "AZURE_AUTHORITY_HOST", "value": "https://login.microsoftonline.us/"}]);
    };
    let told = "Pod default/yadaapi: container yadaapi sets its own AZURE_AUTHORITY_HOST; remove it to use the identity's";
    assert_eq!(warned(other, &yada_account()), [told]);
}

#[test]
fn warns_about_what_keeps_the_sdk_from_the_identity() {
    let said = |env: &Value| {
        let change = |pod: &mut Value| pod["spec"]["containers"][0]["env"] = env.clone();
        warned(change, &yada_account())
    };
    let container = "Pod default/yadaapi: container yadaapi";
    let first = "which DefaultAzureCredential tries first; remove it";
    for (env, expected) in [
        (
            json!([{"name": "AZURE_CLIENT_SECRET", "value": "S3CRET"}]),
            vec![format!("{container} has AZURE_CLIENT_SECRET, {first}")],
        ),
        (
            json!([{"name": "AZURE_CLIENT_SECRET", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]),
            vec![format!("{container} has AZURE_CLIENT_SECRET, {first}")],
        ),
        (
            json!([{"name": "AZURE_USERNAME", "value": "a"}, {"name": "AZURE_PASSWORD", "value": "b"}]),
            vec![format!("{container} has AZURE_USERNAME, {first}")],
        ),
        (
            json!([{"name": "AZURE_USERNAME", "value": "a"}, {"name": "AZURE_CLIENT_SECRET", "value": ""}]),
            vec![],
        ),
        (
            json!([{"name": "AZURE_TOKEN_CREDENTIALS", "value": "dev"}]),
            vec![format!(
                "{container} sets AZURE_TOKEN_CREDENTIALS to a value without workload identity; remove it"
            )],
        ),
        (json!([{"name": "AZURE_TOKEN_CREDENTIALS", "value": "workloadidentitycredential"}]), vec![]),
        (
            json!([{"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}]),
            vec![format!(
                "{container} sets ARM_CLIENT_ID to $(AZURE_CLIENT_ID), not expanded; use the setting extraEnv"
            )],
        ),
        (json!([{"name": "A", "value": "$$(AZURE_CLIENT_ID)"}, {"name": "B", "value": "$(OTHER)"}]), vec![]),
        (
            json!([{"name": "TOKEN", "value": "/var/run/secrets/azure/tokens/azure-identity-token"}]),
            vec![format!(
                "{container} sets TOKEN to a token file that it does not have; use $AZURE_FEDERATED_TOKEN_FILE"
            )],
        ),
        (json!([{"name": "TOKEN", "value": TOKEN_FILE}]), vec![]),
    ] {
        assert_eq!(said(&env), expected, "{env}");
    }
    let zero = service_account(&json!({"client-id": "00000000-0000-0000-0000-000000000000"}));
    let expected = "ServiceAccount default/myserviceaccount: client-id is all zeros, a placeholder; set it to the identity's client ID";
    assert_eq!(warned(|_| (), &zero), [expected]);
}

#[test]
fn warns_about_a_token_file_in_the_arguments_that_is_not_there() {
    let said = |field: &str, words: Value| {
        warned(|pod| pod["spec"]["containers"][0][field] = words.clone(), &yada_account())
    };
    let expected = |field: &str| {
        format!(
            "Pod default/yadaapi: container yadaapi has the path of another token file in its {field}; use $(AZURE_FEDERATED_TOKEN_FILE)"
        )
    };
    let legacy = "--token-file=/var/run/secrets/azure/tokens/azure-identity-token";
    assert_eq!(said("args", json!(["--verbose", legacy])), [expected("args")]);
    let script = "exec login --file '/var/run/secrets/azure/tokens/azure-identity-token' --quiet";
    assert_eq!(said("command", json!(["sh", "-c", script])), [expected("command")]);
    for right in
        [json!([format!("--token-file={TOKEN_FILE}")]), json!(["--token-file=$(AZURE_FEDERATED_TOKEN_FILE)"])]
    {
        assert_eq!(said("args", right), [""; 0]);
    }
    assert_eq!(said("args", json!(["--dir=/var/run/secrets/azure"])), [""; 0]);
}

#[test]
fn says_why_there_is_no_identity_where_one_was_meant() {
    let mut account = yada_account();
    account["metadata"]["labels"] = json!({});
    let command = "kubectl label serviceaccount -n default myserviceaccount azure.workload.identity/use=true";
    let neither = format!(
        "Pod default/yadaapi: gets no identity: neither it nor its ServiceAccount has the label; to add it: {command}"
    );
    assert_eq!(warned(|_| (), &account), [neither.as_str()]);
    let declined = |pod: &mut Value| label(pod, "false");
    assert_eq!(warned(declined, &account), [""; 0]);
    let mut refused = account.clone();
    refused["metadata"]["labels"] = json!({"azure.workload.identity/use": "false"});
    assert_eq!(warned(|_| (), &refused), [""; 0]);
    let by_account = with(&json!({"trigger": "ServiceAccount"}));
    let labelled = yada(|pod| label(pod, "true"));
    let lacks = format!(
        "Pod default/yadaapi: gets no identity: its ServiceAccount lacks the label; to add it: {command}"
    );
    assert_eq!(warnings(&evaluate(&by_account, &labelled, holding(&account)).response), [lacks]);
    let by_pod = with(&json!({"trigger": "Pod"}));
    let annotated = yada(|pod| annotate(pod, "skip-containers", "yadaapi"));
    let expected = "Pod default/yadaapi: gets no identity: add the label azure.workload.identity/use: \"true\" to the pod";
    assert_eq!(warnings(&evaluate(&by_pod, &annotated, no_look_up()).response), [expected]);
}

#[test]
fn names_what_asks_for_the_nodes_identity_and_nothing_else() {
    let of = |name: &str, value: &str| {
        let change =
            |pod: &mut Value| pod["spec"]["containers"][0]["env"] = json!([{"name": name, "value": value}]);
        warned(change, &yada_account()).len()
    };
    for (name, value, number) in [
        ("ARM_USE_MSI", "true", 1),
        ("ARM_USE_MSI", "false", 0),
        ("CREDENTIAL", "ManagedIdentityCredential", 1),
        ("CREDENTIALS", "WorkloadIdentityCredential,ManagedIdentityCredential", 0),
        ("ENDPOINT", "http://169.254.169.254/metadata/identity/oauth2/token", 1),
        ("NO_PROXY", "169.254.169.254,10.0.0.0/8", 0),
        ("no_proxy", "localhost,169.254.169.254", 0),
    ] {
        assert_eq!(of(name, value), number, "{name}={value}");
    }
    let runs = |command: Value| {
        warned(|pod: &mut Value| pod["spec"]["containers"][0]["command"] = command, &yada_account()).len()
    };
    assert_eq!(runs(json!(["sh", "-c", "az login --identity"])), 1);
    assert_eq!(runs(json!(["/usr/bin/az", "login", "-i"])), 1);
    assert_eq!(runs(json!(["az", "login", "-i"])), 1);
    assert_eq!(runs(json!(["sh", "-c", "az login --service-principal -u x --federated-token y"])), 0);
    assert_eq!(runs(json!(["sh", "-c", "az aks list; docker login -i"])), 0);
}
