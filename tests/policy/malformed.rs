//! Requests that can not be understood.

use crate::common::*;
use serde_json::{Value, json};

const REQUESTS: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request";

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
            "Pod default/yadaapi: request.object is missing; it must be an object",
        ),
        (
            root(|request| request["object"] = json!(null)),
            "Pod default/yadaapi: request.object is null, not an object",
        ),
        (
            root(|request| request["object"] = json!("x")),
            "Pod default/yadaapi: request.object is a string, not an object",
        ),
        (
            root(|request| request["resource"] = json!(5)),
            "Pod default/yadaapi: request.resource is a number, not an object",
        ),
        (
            root(|request| drop(request.as_object_mut().unwrap().remove("namespace"))),
            "Pod yadaapi: request.namespace is missing; it must be the object's namespace",
        ),
        (
            root(|request| drop(request.as_object_mut().unwrap().remove("operation"))),
            "Pod default/yadaapi: request.operation is missing; it must be a string",
        ),
        (
            yada(|pod| drop(pod.as_object_mut().unwrap().remove("metadata"))),
            "Pod default/yadaapi: metadata is missing; it must be an object",
        ),
        (
            yada(|pod| pod["metadata"]["labels"] = json!([])),
            "Pod default/yadaapi: metadata.labels is a list, not an object",
        ),
        (
            yada(|pod| drop(pod.as_object_mut().unwrap().remove("spec"))),
            "Pod default/yadaapi: spec is missing; it must be an object",
        ),
        (yada(|pod| pod["spec"] = json!("x")), "Pod default/yadaapi: spec is a string, not an object"),
        (
            yada(|pod| pod["spec"]["containers"] = json!({})),
            "Pod default/yadaapi: spec.containers is an object, not a list",
        ),
        (
            yada(|pod| pod["spec"]["containers"][0] = json!(null)),
            "Pod default/yadaapi: spec.containers[0] is null, not an object",
        ),
        (
            yada(|pod| pod["spec"]["containers"][0]["env"] = json!(5)),
            "Pod default/yadaapi: spec.containers[0].env is a number, not a list",
        ),
        (
            yada(|pod| pod["spec"]["containers"][0]["env"][1] = json!(true)),
            "Pod default/yadaapi: spec.containers[0].env[1] is a boolean, not an object",
        ),
        (
            yada(|pod| pod["spec"]["containers"][0]["env"][1]["name"] = json!(1)),
            "Pod default/yadaapi: spec.containers[0].env[1].name is not a string, not a string",
        ),
        (
            yada(|pod| pod["spec"]["volumes"] = json!("x")),
            "Pod default/yadaapi: spec.volumes is a string, not a list",
        ),
        (
            yada(|pod| pod["spec"]["serviceAccountName"] = json!(7)),
            "Pod default/yadaapi: spec.serviceAccountName is a number, not a string",
        ),
    ] {
        let (found, code) = refused(&settings(), &request, holding(&yada_account()));
        let path = message.split(": ").nth(1).unwrap().split(" is ").next().unwrap();
        let fix = if path.starts_with("request") {
            format!("see what a request holds:\n{REQUESTS}")
        } else {
            let fields = path.split('.').map(|field| field.split('[').next().unwrap());
            format!(
                "see what Kubernetes expects:\nkubectl explain pod.{}",
                fields.collect::<Vec<_>>().join(".")
            )
        };
        assert_eq!(found, format!("{message}; {fix}"));
        assert_eq!(code, 400);
    }
}

#[test]
fn names_every_label_and_annotation_that_lacks_its_quotes() {
    let unquoted = |object: &mut Value| {
        object["metadata"]["labels"] = json!({"azure.workload.identity/use": true});
        object["metadata"]["annotations"] =
            json!({"azure.workload.identity/service-account-token-expiration": 7200});
    };
    let mut account = yada_account();
    unquoted(&mut account);
    let pod = yada(unquoted);
    let account = requests::create(requests::SERVICE_ACCOUNT, "default", &account);
    for (title, request) in
        [("Pod default/yadaapi", pod), ("ServiceAccount default/myserviceaccount", account)]
    {
        let (message, code) = refused(&settings(), &request, holding(&yada_account()));
        assert_eq!(
            (message, code),
            (
                format!(
                    "{title}: label azure.workload.identity/use is true without quotes; put it in quotes:\n\
                     metadata: {{labels: {{\"azure.workload.identity/use\": \"true\"}}}}\n\
                     {title}: annotation azure.workload.identity/service-account-token-expiration is 7200 without quotes; put it in quotes:\n\
                     metadata: {{annotations: {{\"azure.workload.identity/service-account-token-expiration\": \"7200\"}}}}"
                ),
                400
            )
        );
    }
}

#[test]
fn reads_an_annotation_that_is_null_as_an_empty_one() {
    let mut account = yada_account();
    account["metadata"]["annotations"]["azure.workload.identity/tenant-id"] = json!(null);
    let (pod, _) = admitted(&settings(), &yada(|_| ()), holding(&account));
    let env = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    assert!(env.contains(&json!({"name": "AZURE_TENANT_ID", "value": TENANT_ID})), "{env:?}");
}

#[test]
fn refuses_a_service_account_name_that_could_be_a_path() {
    let request =
        yada(|pod| pod["spec"]["serviceAccountName"] = json!("../../kube-system/serviceaccounts/x"));
    assert_eq!(
        refused(&settings(), &request, no_look_up()).0,
        "Pod default/yadaapi: spec.serviceAccountName is \"../../kube-system/serviceaccounts/x\", which is not a valid name; \
         list the ServiceAccounts of the namespace with:\nkubectl get serviceaccounts -n default"
    );
}

#[test]
fn answers_with_an_error_only_where_the_payload_is_no_request_at_all() {
    let instance = MODULE.instance(no_look_up()).unwrap();
    for payload in ["", "{", "[]", "{}", "\u{0}", "{\"settings\":{}}"] {
        let error = instance.call("validate", payload.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("the payload is not a Kubewarden validation request: "), "{payload}: {error}");
    }
    instance.call("validate", b"\xff").unwrap_err();
    let surrogate =
        instance.call("validate", br#"{"request":{"kind":{"kind":"\ud800"},"operation":"CREATE"}}"#).unwrap();
    assert!(String::from_utf8(surrogate).unwrap().contains("\"accepted\":false"));
}
