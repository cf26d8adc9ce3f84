//! Debug containers.

use crate::common::*;
use serde_json::{Value, json};

fn debug(change: impl FnOnce(&mut Value)) -> Value {
    debug_with(&settings(), |_| (), change)
}

/// `kubectl debug` into a pod that the policy has made with these settings from YADA's, changed by `make`.
fn debug_with(settings: &Value, make: impl FnOnce(&mut Value), change: impl FnOnce(&mut Value)) -> Value {
    let (pod, _) = admitted(settings, &yada(make), holding(&yada_account()));
    let mut request = debugging(&pod, &json!({"name": "debugger", "image": "busybox"}));
    change(&mut request);
    request
}

#[test]
fn gives_a_debug_container_what_the_pod_has() {
    let (pod, _) = admitted(&settings(), &debug(|_| ()), no_look_up());
    let debugger = &pod["spec"]["ephemeralContainers"][0];
    assert_eq!(names(&debugger["env"]), FOUR);
    assert_eq!(debugger["env"][0]["value"], CLIENT_ID);
    assert_eq!(debugger["volumeMounts"], json!([{"name": VOLUME, "mountPath": MOUNT, "readOnly": true}]));
    assert_eq!(pod["spec"]["containers"], debug(|_| ())["object"]["spec"]["containers"]);
}

#[test]
fn leaves_debug_containers_alone_that_are_old_skipped_or_in_a_pod_without_identity() {
    let untouched = |request: &Value| {
        assert_eq!(evaluate(&settings(), request, no_look_up()).answer.unwrap().mutated_object, None);
    };
    untouched(&debug(|request| request["oldObject"] = request["object"].clone()));
    untouched(&debug(|request| annotate(&mut request["oldObject"], "skip-containers", "debugger")));
    untouched(&debug(|request| {
        request["oldObject"]["spec"]["volumes"].as_array_mut().unwrap().remove(1);
    }));
}

#[test]
fn gives_nothing_where_the_reserved_volume_holds_no_token() {
    let request = debug(|request| {
        let volume = &mut request["oldObject"]["spec"]["volumes"][1];
        assert_eq!(volume["name"], VOLUME);
        *volume = json!({"name": VOLUME, "projected": {"sources": [{"configMap": {"name": "x"}}]}});
    });
    assert_eq!(evaluate(&settings(), &request, no_look_up()).answer.unwrap().mutated_object, None);
}

#[test]
fn gives_a_debug_container_the_legacy_layout_of_its_pod() {
    let legacy = with(&json!({"layout": "Legacy"}));
    let (pod, _) = admitted(&settings(), &debug_with(&legacy, |_| (), |_| ()), no_look_up());
    let debugger = &pod["spec"]["ephemeralContainers"][0];
    assert_eq!(debugger["env"][2]["value"], "/var/run/secrets/azure/tokens/azure-identity-token");
    assert_eq!(debugger["volumeMounts"][0]["mountPath"], "/var/run/secrets/azure/tokens");
}

#[test]
fn refuses_a_debug_container_that_hides_the_token() {
    let request = debug(|request| {
        request["object"]["spec"]["ephemeralContainers"][0]["volumeMounts"] =
            json!([{"name": "cache", "mountPath": MOUNT}]);
    });
    let (message, code) = refused(&settings(), &request, no_look_up());
    assert!(
        message.starts_with(&format!(
            "Pod default/yadaapi: container \"debugger\" mounts volume \"cache\" at \"{MOUNT}\""
        )),
        "{message}"
    );
    assert_eq!(code, 400);
}

#[test]
fn keeps_a_debug_containers_own_variables() {
    let request = debug(|request| {
        request["object"]["spec"]["ephemeralContainers"][0]["env"] =
            json!([{"name": "AZURE_CLIENT_ID", "value": "own"}]);
    });
    let (pod, _) = admitted(&settings(), &request, no_look_up());
    let env = &pod["spec"]["ephemeralContainers"][0]["env"];
    assert_eq!((names(env), &env[0]["value"]), (FOUR.to_vec(), &json!("own")));
}

#[test]
fn gives_a_debug_container_the_endpoints_and_the_extra_variables_too() {
    let settings = with(&json!({
        "customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://other", "sniName": "sni"},
        "extraEnv": [{"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}]}));
    let request = debug_with(&settings, |pod| annotate(pod, "use-x", "true"), |_| ());
    let (pod, _) = admitted(&settings, &request, no_look_up());
    let added = names(&pod["spec"]["ephemeralContainers"][0]["env"]);
    assert_eq!(added[4..], ["AZURE_KUBERNETES_SNI_NAME", "AZURE_KUBERNETES_CA_FILE", "ARM_CLIENT_ID"]);
}

/// The API server takes two variables of one name; the last one counts.
#[test]
fn copies_a_variable_once_however_often_the_pod_has_it() {
    let request = debug_with(
        &settings(),
        |pod| {
            pod["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_TENANT_ID", "value": "a.example"},
                {"name": "AZURE_TENANT_ID", "value": "b.example"}]);
        },
        |_| (),
    );
    let (pod, _) = admitted(&settings(), &request, no_look_up());
    let env = &pod["spec"]["ephemeralContainers"][0]["env"];
    assert_eq!(names(env).iter().filter(|name| **name == "AZURE_TENANT_ID").count(), 1);
    assert!(env.as_array().unwrap().contains(&json!({"name": "AZURE_TENANT_ID", "value": "b.example"})));
}

/// It hands an identity to a person, so it leaves the same traces as a pod that is created.
#[test]
fn leaves_audit_annotations_and_a_log_line() {
    let evaluation = evaluate(&settings(), &debug(|_| ()), no_look_up());
    let audit = evaluation.response.audit_annotations.unwrap();
    assert_eq!(audit["client-id"], CLIENT_ID);
    assert_eq!(audit["tenant-id"], TENANT_ID);
    assert_eq!(audit["subject"], "system:serviceaccount:default:myserviceaccount");
    let line = json!(evaluation.calls.log);
    assert_eq!(line.as_array().unwrap().len(), 1);
    assert!(
        line.to_string().contains("Pod default/yadaapi") && line.to_string().contains("mutated"),
        "{line}"
    );
    let silent = debug(|request| request["oldObject"] = request["object"].clone());
    let evaluation = evaluate(&settings(), &silent, no_look_up());
    assert_eq!((evaluation.response.audit_annotations, evaluation.calls.log.len()), (None, 0));
}

/// `check` takes an API server's question, and says what is missing where it is none. The README has one that is answered.
#[test]
fn accepts_an_admission_review_instead_of_a_manifest() {
    let file = std::env::temp_dir().join(format!("review-{}.yaml", std::process::id()));
    for request in ["", "request: {operation: DELETE, object: null}\n"] {
        let review = format!("apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n{request}");
        std::fs::write(&file, review).unwrap();
        let output = std::process::Command::new(RUNNER)
            .args(["check", "--policy", POLICY])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("an AdmissionReview has no request.object"), "{said}");
    }
    std::fs::remove_file(&file).unwrap();
}
