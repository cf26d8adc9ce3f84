//! Requests that can not be understood.

use crate::common::*;
use serde_json::{Value, json};

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
            "Pod default/yadaapi: spec.containers[0].env[1].name is not a string, expected a string",
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
        assert_eq!(found, format!("{message}; see what Kubernetes expects:\nkubectl explain pod.spec"));
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
         list the ServiceAccounts of the namespace with:\nkubectl get serviceaccounts"
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
