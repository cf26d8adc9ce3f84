//! Identities by name, one identity a container, and containers that never need one.

use crate::common::*;
use serde_json::{Value, json};

const PAYMENTS: &str = "11111111-2222-4333-8444-555555555555";
const READER: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const OTHER_TENANT: &str = "contoso.onmicrosoft.com";

fn named() -> Value {
    with(&json!({"identities": {
        "payments": {"clientId": PAYMENTS, "tenantId": OTHER_TENANT, "tokenExpirationSeconds": 7200},
        "orders": {"clientId": READER},
    }}))
}

/// The variables of a container by their names.
fn env(pod: &Value, container: &str, variable: &str) -> Vec<String> {
    let containers = pod["spec"]["containers"].as_array().unwrap();
    let container = containers.iter().find(|one| one["name"] == container).unwrap();
    let env = container["env"].as_array().into_iter().flatten();
    env.filter(|env| env["name"] == variable).map(|env| env["value"].as_str().unwrap().to_owned()).collect()
}

/// A pod of these containers.
fn pod_of(containers: &[&str], identities: &str) -> Value {
    yada(|pod| {
        let containers = containers.iter().map(|name| json!({"name": name, "image": "x"}));
        pod["spec"]["containers"] = containers.collect();
        if !identities.is_empty() {
            annotate(pod, "container-identities", identities);
        }
    })
}

#[test]
fn takes_client_id_tenant_and_expiration_from_the_named_identity() {
    let account = service_account(&json!({"identity": "payments"}));
    let (pod, response) = admitted(&named(), &yada(|_| ()), holding(&account));
    assert_eq!(env(&pod, "yadaapi", "AZURE_CLIENT_ID"), [PAYMENTS]);
    assert_eq!(env(&pod, "yadaapi", "AZURE_TENANT_ID"), [OTHER_TENANT]);
    let token = &pod["spec"]["volumes"].as_array().unwrap().last().unwrap()["projected"]["sources"][0];
    assert_eq!(token["serviceAccountToken"]["expirationSeconds"], 7200);
    let audit = response.audit_annotations.unwrap();
    assert_eq!((audit["identity"].as_str(), audit["client-id"].as_str()), ("payments", PAYMENTS));
    assert_eq!(response.warnings, None);
    let (pod, _) =
        admitted(&named(), &yada(|_| ()), holding(&service_account(&json!({"identity": "orders"}))));
    assert_eq!(env(&pod, "yadaapi", "AZURE_TENANT_ID"), [TENANT_ID]);
    let own =
        json!({"identity": "payments", "tenant-id": TENANT_ID, "service-account-token-expiration": "3600"});
    let (pod, _) = admitted(&named(), &yada(|_| ()), holding(&service_account(&own)));
    assert_eq!(env(&pod, "yadaapi", "AZURE_TENANT_ID"), [TENANT_ID]);
    let token = &pod["spec"]["volumes"].as_array().unwrap().last().unwrap()["projected"]["sources"][0];
    assert_eq!(token["serviceAccountToken"]["expirationSeconds"], 3600);
}

#[test]
fn refuses_a_name_that_is_not_there_with_the_nearest() {
    let account = service_account(&json!({"identity": "paymnets"}));
    let expected = "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/identity is \"paymnets\", which is not a name in the policy's setting identities (payments, orders); \
        fix it with:\nkubectl annotate --overwrite serviceaccount -n default myserviceaccount azure.workload.identity/identity=payments";
    assert_eq!(refused(&named(), &yada(|_| ()), holding(&account)), (expected.to_owned(), 400));
    let empty = with(&json!({"identities": {}}));
    let (message, _) = refused(&empty, &yada(|_| ()), holding(&account));
    assert!(
        message.contains("identities (none); fix it with:") && message.ends_with("identity=IDENTITY_NAME")
    );
    let mut request = yada(|object| *object = account.clone());
    for field in ["kind", "resource"] {
        let version =
            json!({"group": "", "version": "v1", "kind": "ServiceAccount", "resource": "serviceaccounts"});
        request[field] = version;
    }
    let (message, _) = refused(&named(), &request, no_look_up());
    assert!(
        message.ends_with("metadata: {annotations: {azure.workload.identity/identity: \"payments\"}}"),
        "{message}"
    );
}

#[test]
fn refuses_a_client_id_beside_a_name_unless_they_agree() {
    let both = |id: &str| holding(&service_account(&json!({"identity": "payments", "client-id": id})));
    let (pod, _) = admitted(&named(), &yada(|_| ()), both(&PAYMENTS.to_uppercase()));
    assert_eq!(env(&pod, "yadaapi", "AZURE_CLIENT_ID"), [PAYMENTS]);
    let expected = format!(
        "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"{CLIENT_ID}\", which is not the client ID of identity payments; \
        remove it with:\nkubectl annotate serviceaccount -n default myserviceaccount azure.workload.identity/client-id-"
    );
    assert_eq!(refused(&named(), &yada(|_| ()), both(CLIENT_ID)), (expected, 400));
}

#[test]
fn has_no_effect_without_the_setting() {
    let account = service_account(&json!({"identity": "payments", "client-id": CLIENT_ID}));
    let (pod, response) = admitted(&settings(), &yada(|_| ()), holding(&account));
    assert_eq!(env(&pod, "yadaapi", "AZURE_CLIENT_ID"), [CLIENT_ID]);
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/identity needs the setting identities"
        ]
    );
}

#[test]
fn gives_each_container_the_identity_that_the_pod_names_for_it() {
    let request = pod_of(&["web", "worker", "reader"], &format!("worker=payments; reader = {READER}"));
    let (pod, response) = admitted(&named(), &request, holding(&yada_account()));
    for (container, client, tenant) in
        [("web", CLIENT_ID, TENANT_ID), ("worker", PAYMENTS, OTHER_TENANT), ("reader", READER, TENANT_ID)]
    {
        assert_eq!(env(&pod, container, "AZURE_CLIENT_ID"), [client], "{container}");
        assert_eq!(env(&pod, container, "AZURE_TENANT_ID"), [tenant], "{container}");
        assert_eq!(env(&pod, container, "AZURE_FEDERATED_TOKEN_FILE"), [TOKEN_FILE], "{container}");
    }
    let audit = response.audit_annotations.unwrap();
    assert_eq!(audit["container-identities"], format!("worker={PAYMENTS}; reader={READER}"));
    assert_eq!(response.warnings, None);
    let mut again = request.clone();
    again["object"] = pod;
    let second = evaluate(&named(), &again, holding(&yada_account()));
    assert_eq!(second.answer.unwrap().mutated_object, None);
    // Without a client ID of the ServiceAccount's own, too.
    let (pod, response) =
        admitted(&named(), &pod_of(&["worker"], "worker=payments"), holding(&service_account(&json!({}))));
    assert_eq!(
        (env(&pod, "worker", "AZURE_CLIENT_ID"), response.warnings),
        (vec![PAYMENTS.to_owned()], None)
    );
}

#[test]
fn lets_a_containers_own_variable_win_and_says_so() {
    let mut request = pod_of(&["worker"], "worker=payments");
    request["object"]["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_CLIENT_ID", "value": READER}]);
    let (pod, response) = admitted(&named(), &request, holding(&yada_account()));
    assert_eq!(env(&pod, "worker", "AZURE_CLIENT_ID"), [READER]);
    let told =
        "Pod default/yadaapi: container worker sets its own AZURE_CLIENT_ID; remove it to use the identity's";
    assert_eq!(warnings(&response), [told]);
    request["object"]["spec"]["containers"][0]["env"][0]["value"] = json!(PAYMENTS);
    let (_, response) = admitted(&named(), &request, holding(&yada_account()));
    assert_eq!(warnings(&response), [""; 0]);
}

#[test]
fn says_what_is_wrong_with_the_containers_identities_and_keeps_the_rest() {
    let said = |settings: &Value, identities: &str| {
        refused(settings, &pod_of(&["worker", "reader"], identities), holding(&yada_account())).0
    };
    let annotation = "Pod default/yadaapi: annotation azure.workload.identity/container-identities";
    let fix = "fix it in the pod, or in the pod template of its workload:\nmetadata: {annotations: {azure.workload.identity/container-identities:";
    assert_eq!(
        said(&named(), &format!("worker=paymnets;reader={READER}")),
        format!(
            "{annotation} is \"paymnets\", which is not a UUID or a name in the policy's setting identities (payments, orders); {fix} \"worker=payments;reader={READER}\"}}}}"
        )
    );
    assert_eq!(
        said(&settings(), "worker=payments"),
        format!("{annotation} is \"payments\", which is not a UUID; {fix} \"worker=CLIENT_ID\"}}}}")
    );
    let entries =
        "which is not a list of CONTAINER=IDENTITY entries, separated by ;, with each container once";
    for (text, found) in
        [("worker", "worker"), ("worker=payments;worker=orders", "worker=orders"), ("=payments", "=payments")]
    {
        assert!(
            said(&named(), text).starts_with(&format!("{annotation} is \"{found}\", {entries}; {fix}")),
            "{text}"
        );
    }
    let request = pod_of(&["worker"], "wroker=payments");
    let (_, response) = admitted(&named(), &request, holding(&yada_account()));
    assert_eq!(
        warnings(&response),
        [
            "Pod default/yadaapi: container-identities names \"wroker\", which gets no identity (those that do: worker)"
        ]
    );
}

#[test]
fn checks_the_identity_of_each_container_against_allowed_identities() {
    let allowed = |ids: Value| {
        let mut settings = named();
        settings["allowedIdentities"] = json!([{"namespaces": ["default"], "clientIds": ids}]);
        settings
    };
    let request = pod_of(&["web", "worker"], "worker=payments");
    admitted(&allowed(json!([CLIENT_ID, PAYMENTS])), &request, holding(&yada_account()));
    let (message, code) = refused(&allowed(json!([CLIENT_ID])), &request, holding(&yada_account()));
    assert!(
        message.starts_with(
            "Pod default/yadaapi: annotation azure.workload.identity/container-identities is \"payments\", which is not a UUID or a name in the policy's setting identities that this namespace may use (none)"
        ),
        "{message}"
    );
    assert_eq!((code, message.contains(PAYMENTS)), (400, false));
    let by_id = pod_of(&["web", "worker"], &format!("worker={PAYMENTS}"));
    assert_eq!(refused(&allowed(json!([CLIENT_ID])), &by_id, holding(&yada_account())).1, 403);
    let by_name = holding(&service_account(&json!({"identity": "payments"})));
    let (message, code) = refused(&allowed(json!([CLIENT_ID])), &yada(|_| ()), by_name);
    assert_eq!((code, message.contains(PAYMENTS)), (400, false), "{message}");
}

#[test]
fn gives_a_debug_container_the_identity_of_the_container_that_it_debugs() {
    let request = pod_of(&["web", "worker"], "worker=payments");
    let (pod, _) = admitted(&named(), &request, holding(&yada_account()));
    let debugged = |target: Option<&str>| {
        let mut debugger = json!({"name": "debugger", "image": "busybox"});
        if let Some(target) = target {
            debugger["targetContainerName"] = json!(target);
        }
        let (pod, response) = admitted(&named(), &debugging(&pod, &debugger), no_look_up());
        let client = pod["spec"]["ephemeralContainers"][0]["env"][0]["value"].as_str().unwrap().to_owned();
        (client, response.audit_annotations.unwrap().get("container-identities").cloned())
    };
    assert_eq!(debugged(Some("worker")), (PAYMENTS.to_owned(), Some(format!("debugger={PAYMENTS}"))));
    for target in [None, Some("web"), Some("absent")] {
        assert_eq!(debugged(target), (CLIENT_ID.to_owned(), None), "{target:?}");
    }
}

#[test]
fn leaves_debug_containers_that_get_nothing_out_of_the_audit() {
    let (pod, _) =
        admitted(&named(), &pod_of(&["web", "worker"], "worker=payments"), holding(&yada_account()));
    let debugger = |name: &str| json!({"name": name, "image": "busybox", "targetContainerName": "worker"});
    let mut request = debugging(&pod, &debugger("new"));
    request["oldObject"]["spec"]["ephemeralContainers"] = json!([debugger("old")]);
    request["object"]["spec"]["ephemeralContainers"] =
        json!([debugger("old"), debugger("skipped"), debugger("new")]);
    annotate(&mut request["oldObject"], "skip-containers", "skipped");
    let (_, response) = admitted(&named(), &request, no_look_up());
    assert_eq!(response.audit_annotations.unwrap()["container-identities"], format!("new={PAYMENTS}"));
}

#[test]
fn leaves_out_the_containers_that_never_need_an_identity() {
    let settings = with(&json!({"skipContainers": ["istio-proxy", "linkerd-*"]}));
    let containers = ["web", "istio-proxy", "linkerd-proxy", "linkerd"];
    let (pod, response) = admitted(&settings, &pod_of(&containers, ""), holding(&yada_account()));
    let has = |pod: &Value, name: &str| !env(pod, name, "AZURE_CLIENT_ID").is_empty();
    assert_eq!(containers.map(|name| has(&pod, name)), [true, false, false, true]);
    assert_eq!(response.warnings, None);
    let mut request = pod_of(&containers, &format!("istio-proxy={PAYMENTS}"));
    annotate(&mut request["object"], "skip-containers", "linkerd");
    let (pod, _) = admitted(&settings, &request, holding(&yada_account()));
    assert_eq!(containers.map(|name| has(&pod, name)), [true, true, false, false]);
    // The policy's own proxy is none of them.
    let all = with(&json!({"skipContainers": ["*"]}));
    let request = yada(|pod| annotate(pod, "inject-proxy-sidecar", "true"));
    let (pod, _) = admitted(&all, &request, holding(&yada_account()));
    assert_eq!(env(&pod, "yadaapi", "AZURE_CLIENT_ID"), [""; 0]);
    let proxies = pod["spec"]["initContainers"].as_array().unwrap();
    assert!(proxies.iter().all(|proxy| proxy["env"].to_string().contains(CLIENT_ID)), "{proxies:?}");
}

#[test]
fn changes_nothing_for_objects_that_do_not_use_them() {
    let plain = evaluate(&settings(), &yada(|_| ()), holding(&yada_account()));
    let set = with(&json!({"identities": {"payments": {"clientId": PAYMENTS}}, "skipContainers": []}));
    let other = evaluate(&set, &yada(|_| ()), holding(&yada_account()));
    assert_eq!(plain.response, other.response);
}
