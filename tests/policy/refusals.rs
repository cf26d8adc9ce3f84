//! Every refusal and warning, word for word, through the module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines
)] // a test may fail
mod common;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::*;
use policy_runner::host::{Answers, GetResource};
use serde_json::{Value, json};

const ANNOTATE: &str = "kubectl annotate --overwrite serviceaccount -n default myserviceaccount";

#[test]
fn refuses_an_identity_that_can_not_be_right() {
    for (annotations, message) in [
        (
            json!({"client-id": "${workload_id_id}"}),
            format!(
                "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"${{workload_id_id}}\", expected a UUID; \
                 repair it with:\n{ANNOTATE} azure.workload.identity/client-id=<the managed identity's client id>"
            ),
        ),
        (
            json!({"client-id": CLIENT_ID, "tenant-id": "contoso"}),
            format!(
                "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/tenant-id is \"contoso\", expected a UUID or a DNS domain name; \
                 repair it with:\n{ANNOTATE} azure.workload.identity/tenant-id=<the tenant id>"
            ),
        ),
        (
            json!({"client-id": CLIENT_ID, "service-account-token-expiration": "1h"}),
            format!(
                "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/service-account-token-expiration is \"1h\", \
                 expected whole seconds from 3600 to 86400; repair it with:\n{ANNOTATE} azure.workload.identity/service-account-token-expiration=3600"
            ),
        ),
    ] {
        let account = service_account(&annotations);
        assert_eq!(refused(&settings(), &yada(|_| ()), holding(&account)), (message, 400));
    }
}

#[test]
fn refuses_a_pods_own_expiration_that_is_none() {
    let request = yada(|pod| annotate(pod, "service-account-token-expiration", "60"));
    let message = "Pod default/yadaapi: annotation azure.workload.identity/service-account-token-expiration is \"60\", expected whole seconds \
                   from 3600 to 86400; repair it in the pod's manifest, or its workload's pod template, with:\n\
                   metadata: {annotations: {azure.workload.identity/service-account-token-expiration: \"3600\"}}";
    assert_eq!(refused(&settings(), &request, holding(&yada_account())), (message.to_owned(), 400));
}

#[test]
fn refuses_where_no_tenant_is_given() {
    let message = format!(
        "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/tenant-id is missing and the policy's setting tenantId too, \
         expected a UUID or a DNS domain name in one of them; give it in the policy's spec.settings as tenantId, or with:\n\
         {ANNOTATE} azure.workload.identity/tenant-id=<the tenant id>"
    );
    assert_eq!(refused(&json!({}), &yada(|_| ()), holding(&yada_account())), (message, 400));
}

#[test]
fn refuses_a_missing_client_id_where_one_is_required() {
    let settings = json!({"tenantId": TENANT_ID, "requireClientId": true});
    let message = format!(
        "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is missing and the policy's setting requireClientId \
         is true, expected a UUID; give it with:\n{ANNOTATE} azure.workload.identity/client-id=<the managed identity's client id>"
    );
    assert_eq!(refused(&settings, &yada(|_| ()), holding(&service_account(&json!({})))), (message, 400));
}

#[test]
fn names_every_wrong_value_at_once() {
    let account = service_account(
        &json!({"client-id": "x", "tenant-id": "y", "service-account-token-expiration": "z"}),
    );
    let (message, _) = refused(&settings(), &yada(|_| ()), holding(&account));
    assert_eq!(
        message.lines().filter(|line| line.starts_with("ServiceAccount default/myserviceaccount: ")).count(),
        3
    );
}

fn warned(pod: impl FnOnce(&mut Value), account: &Value) -> Vec<String> {
    let (_, response) = admitted(&settings(), &yada(pod), holding(account));
    warnings(&response)
}

#[test]
fn warns_about_a_missing_client_id_unless_every_container_sets_it() {
    let account = service_account(&json!({}));
    let text = "ServiceAccount default/myserviceaccount: no annotation azure.workload.identity/client-id, so AZURE_CLIENT_ID stays unset";
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
        ["Pod default/yadaapi: skip-containers names \"yadaapi2\", but no container has that name"]
    );
    assert_eq!(
        warned(
            |pod| pod["spec"]["containers"][0]["env"] =
                json!([{"name": "AZURE_TENANT_ID", "value": "secret-value"}]),
            &account
        ),
        [
            "Container yadaapi: keeps its own AZURE_TENANT_ID, which differs from the identity's; remove it if that is not meant"
        ]
    );
    assert_eq!(
        warned(|pod| annotate(pod, "skip-container", "x"), &account),
        [
            "Pod default/yadaapi: annotation azure.workload.identity/skip-container is unknown, did you mean azure.workload.identity/skip-containers?"
        ]
    );
    assert_eq!(
        warned(|pod| annotate(pod, "client-id", "x"), &account),
        [
            "Pod default/yadaapi: annotation azure.workload.identity/client-id has no effect here, put it on the ServiceAccount"
        ]
    );
    assert_eq!(
        warned(none, &service_account(&json!({"client-id": CLIENT_ID, "skip-containers": "x"}))),
        [
            "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/skip-containers has no effect here, put it on the pod"
        ]
    );
    assert_eq!(
        warned(|pod| pod["metadata"]["labels"]["aadpodidbinding"] = json!("x"), &account),
        [
            "Pod default/yadaapi: label aadpodidbinding is of the retired aad-pod-identity and has no effect, remove it"
        ]
    );
    assert_eq!(
        warned(|pod| label(pod, "True"), &account),
        [
            "Pod default/yadaapi: label azure.workload.identity/use is \"True\", which counts as absent, expected \"true\" or \"false\""
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
            "ServiceAccount default/myserviceaccount: label azure.workload.identity/use is \"yes\", which counts as absent, expected \"true\" or \"false\""
        ]
    );
}

#[test]
fn tells_the_look_ups_failures_apart() {
    let recorded: Value = serde_json::from_str(&file("test_data/host-errors.json")).unwrap();
    let labelled = yada(|pod| label(pod, "true"));
    let is = "Pod default/yadaapi: its ServiceAccount default/myserviceaccount";
    for (text, code, message) in [
        (
            "resource not granted",
            500,
            format!(
                "{is} could not be read: the policy was not granted v1/ServiceAccount; add to the policy's spec:\n\
            contextAwareResources: [{{apiVersion: v1, kind: ServiceAccount}}]"
            ),
        ),
        (
            "capability not granted",
            500,
            format!(
                "{is} could not be read: the policy was not granted the host capability kubernetes/get_resource; \
            install it as a ClusterAdmissionPolicy, or add to the PolicyServer's spec:\nnamespacedPoliciesCapabilities: [kubernetes/get_resource]"
            ),
        ),
        (
            "forbidden",
            500,
            format!(
                "{is} could not be read: the PolicyServer's own account may not get serviceaccounts (\"ApiError: "
            ),
        ),
        (
            "API server unreachable",
            500,
            format!(
                "{is} could not be read: the host said \"ServiceError: client error (Connect)\"; try again, and look at \
            the PolicyServer's log:\nkubectl logs -n kubewarden -l app.kubernetes.io/component=policy-server"
            ),
        ),
        (
            "not found",
            400,
            format!(
                "{is} does not exist, expected one in the pod's namespace; create it with:\n\
            kubectl create serviceaccount -n default myserviceaccount"
            ),
        ),
    ] {
        let answers = failing(recorded["texts"][text].as_str().unwrap());
        let (found, found_code) = refused(&settings(), &labelled, Arc::clone(&answers));
        assert!(found.starts_with(&message), "{text}: {found}");
        assert_eq!(found_code, code);
        assert!(!found.contains("backtrace"), "{found}");
        // A pod that does not ask itself: let through only where there is no such ServiceAccount.
        let unlabelled = evaluate(&settings(), &yada(|_| ()), Arc::clone(&answers));
        assert_eq!(unlabelled.response.allowed, text == "not found", "{text}");
        // With onLookupFailure: Admit it is admitted, unchanged, with a warning; one that asks never.
        let admit = json!({"tenantId": TENANT_ID, "onLookupFailure": "Admit"});
        let admitted = evaluate(&admit, &yada(|_| ()), Arc::clone(&answers));
        assert_eq!((admitted.response.allowed, &admitted.response.patch), (true, &None));
        assert_eq!(warnings(&admitted.response).len(), usize::from(text != "not found"));
        assert!(!evaluate(&admit, &labelled, answers).response.allowed);
        assert_eq!(admitted.calls.look_ups.len(), 1);
    }
}

#[test]
fn says_what_forbids_the_look_up_and_how_to_allow_it() {
    let recorded: Value = serde_json::from_str(&file("test_data/host-errors.json")).unwrap();
    let (message, _) = refused(
        &settings(),
        &yada(|pod| label(pod, "true")),
        failing(recorded["texts"]["forbidden"].as_str().unwrap()),
    );
    assert!(message.ends_with(
        "allow it with (for the default PolicyServer):\n\
         kubectl create clusterrole kubewarden-serviceaccount-reader --verb=get --resource=serviceaccounts\n\
         kubectl create clusterrolebinding kubewarden-serviceaccount-reader --clusterrole=kubewarden-serviceaccount-reader \
         --serviceaccount=kubewarden:policy-server"
    ), "{message}");
}

#[test]
fn refuses_an_answer_that_is_not_the_service_account() {
    for answer in [
        "",
        "null",
        "[]",
        "{}",
        "\"x\"",
        "{\"kind\":\"Pod\",\"metadata\":{}}",
        "{\"metadata\":{\"name\":\"other\"}}",
        "{\"metadata\":{\"labels\":[]}}",
    ] {
        let answer = answer.to_owned();
        let answers: Answers = Arc::new(move |_: &GetResource| Ok(answer.clone().into_bytes()));
        let (message, code) = refused(&settings(), &yada(|_| ()), answers);
        assert_eq!(
            (message.as_str(), code),
            (
                "Pod default/yadaapi: its ServiceAccount default/myserviceaccount could not be read: the host answered something else than that \
                 ServiceAccount; look at what the API server answers:\nkubectl get serviceaccount -n default myserviceaccount -o yaml",
                500
            )
        );
    }
}

#[test]
fn confirms_a_doubtful_copy_of_the_cache_once() {
    let wrong = service_account(&json!({"client-id": "x"})).to_string();
    let right = yada_account().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answers: Answers = Arc::new(move |request: &GetResource| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(if request.disable_cache { right.clone() } else { wrong.clone() }.into_bytes())
    });
    admitted(&settings(), &yada(|_| ()), answers);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let still_wrong =
        evaluate(&settings(), &yada(|_| ()), holding(&service_account(&json!({"client-id": "x"}))));
    let caches: Vec<bool> = still_wrong.calls.look_ups.iter().map(|look_up| look_up.disable_cache).collect();
    assert_eq!(caches, [false, true]);
}

#[test]
fn asks_nobody_where_the_pod_alone_decides() {
    let untouched = |settings: &Value, request: &Value| {
        let evaluation = evaluate(settings, request, nobody());
        assert!(evaluation.response.allowed);
        assert_eq!((evaluation.answer.unwrap().mutated_object, evaluation.calls.log.len()), (None, 0));
    };
    for trigger in ["Any", "Pod", "ServiceAccount"] {
        untouched(&json!({"trigger": trigger}), &yada(|pod| label(pod, "false")));
        untouched(
            &json!({"trigger": trigger}),
            &yada(|pod| pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"})),
        );
    }
    untouched(&json!({"trigger": "Pod"}), &yada(|_| ()));
    let mut update = yada(|pod| label(pod, "true"));
    update["operation"] = json!("UPDATE");
    untouched(&json!({}), &update);
    let mut status = yada(|pod| label(pod, "true"));
    status["subResource"] = json!("status");
    untouched(&json!({}), &status);
}

#[test]
fn refuses_what_it_can_not_understand_and_says_which_field() {
    let root = |change: fn(&mut Value)| {
        let mut request = yada(|_| ());
        change(&mut request);
        request
    };
    for (request, message) in [
        (
            root(|request| drop(request.as_object_mut().unwrap().remove("object"))),
            "Request: request.object is missing, expected an object",
        ),
        (
            root(|request| request["object"] = json!(null)),
            "Request: request.object is null, expected an object",
        ),
        (
            root(|request| request["object"] = json!("x")),
            "Request: request.object is a string, expected an object",
        ),
        (
            root(|request| request["resource"] = json!(5)),
            "Request: request.resource is a number, expected an object",
        ),
        (
            root(|request| drop(request.as_object_mut().unwrap().remove("namespace"))),
            "Request: request.namespace is missing, expected the object's namespace",
        ),
        (
            root(|request| drop(request.as_object_mut().unwrap().remove("operation"))),
            "Request: request.operation is missing, expected a string",
        ),
        (
            yada(|pod| drop(pod.as_object_mut().unwrap().remove("metadata"))),
            "Request: metadata is missing, expected an object",
        ),
        (
            yada(|pod| pod["metadata"]["labels"] = json!([])),
            "Request: metadata.labels is a list, expected an object",
        ),
        (
            yada(|pod| {
                pod["metadata"]["annotations"] = json!({"azure.workload.identity/skip-containers": 5});
            }),
            "Request: metadata.annotations.azure.workload.identity/skip-containers is a number, expected a string",
        ),
        (
            yada(|pod| drop(pod.as_object_mut().unwrap().remove("spec"))),
            "Pod default/yadaapi: spec is missing, expected an object",
        ),
        (yada(|pod| pod["spec"] = json!("x")), "Pod default/yadaapi: spec is a string, expected an object"),
        (
            yada(|pod| pod["spec"]["containers"] = json!({})),
            "Pod default/yadaapi: spec.containers is an object, expected a list",
        ),
        (
            yada(|pod| pod["spec"]["containers"][0] = json!(null)),
            "Pod default/yadaapi: spec.containers[0] is null, expected an object",
        ),
        (
            yada(|pod| pod["spec"]["containers"][0]["env"] = json!(5)),
            "Pod default/yadaapi: spec.containers[0].env is a number, expected a list",
        ),
        (
            yada(|pod| pod["spec"]["containers"][0]["env"][1] = json!(true)),
            "Pod default/yadaapi: spec.containers[0].env[1] is a boolean, expected an object",
        ),
        (
            yada(|pod| pod["spec"]["containers"][0]["env"][1]["name"] = json!(1)),
            "Pod default/yadaapi: spec.containers[0].env[1].name is no string, expected a string",
        ),
        (
            yada(|pod| pod["spec"]["volumes"] = json!("x")),
            "Pod default/yadaapi: spec.volumes is a string, expected a list",
        ),
        (
            yada(|pod| pod["spec"]["serviceAccountName"] = json!(7)),
            "Pod default/yadaapi: spec.serviceAccountName is a number, expected a string",
        ),
    ] {
        let (found, code) = refused(&settings(), &request, holding(&yada_account()));
        assert_eq!(
            found,
            format!("{message}; compare it with what the API server expects:\nkubectl explain pod.spec")
        );
        assert_eq!(code, 400);
    }
}

#[test]
fn refuses_a_service_account_name_that_could_be_a_path() {
    let request =
        yada(|pod| pod["spec"]["serviceAccountName"] = json!("../../kube-system/serviceaccounts/x"));
    assert_eq!(
        refused(&settings(), &request, nobody()).0,
        "Pod default/yadaapi: spec.serviceAccountName is \"../../kube-system/serviceaccounts/x\", expected the name of a ServiceAccount; \
         list those of the namespace with:\nkubectl get serviceaccounts"
    );
}

#[test]
fn answers_with_an_error_only_where_the_payload_is_no_request_at_all() {
    let instance = MODULE.instance(nobody()).unwrap();
    for payload in ["", "{", "[]", "{}", "\u{0}", "{\"settings\":{}}"] {
        let error = instance.call("validate", payload.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("the payload is not a Kubewarden validation request: "), "{payload}: {error}");
    }
    instance.call("validate", b"\xff").unwrap_err();
    let surrogate =
        instance.call("validate", br#"{"request":{"kind":{"kind":"\ud800"},"operation":"CREATE"}}"#).unwrap();
    assert!(String::from_utf8(surrogate).unwrap().contains("\"accepted\":false"));
}
