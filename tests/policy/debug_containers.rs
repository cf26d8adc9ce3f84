//! Debug containers.

use crate::common::*;
use serde_json::{Value, json};

fn debug(change: impl FnOnce(&mut Value)) -> Value {
    let (pod, _) = admitted(&settings(), &yada(|_| ()), holding(&yada_account()));
    let mut request = yada(|object| *object = pod.clone());
    request["operation"] = json!("UPDATE");
    request["subResource"] = json!("ephemeralcontainers");
    request["oldObject"] = pod;
    request["object"]["spec"]["ephemeralContainers"] = json!([{"name": "debugger", "image": "busybox"}]);
    change(&mut request);
    request
}

#[test]
fn gives_a_debug_container_what_the_pod_has() {
    let (pod, _) = admitted(&settings(), &debug(|_| ()), nobody());
    let debugger = &pod["spec"]["ephemeralContainers"][0];
    assert_eq!(names(&debugger["env"]), FOUR);
    assert_eq!(debugger["env"][0]["value"], CLIENT_ID);
    assert_eq!(debugger["volumeMounts"], json!([{"name": VOLUME, "mountPath": MOUNT, "readOnly": true}]));
    assert_eq!(pod["spec"]["containers"], debug(|_| ())["object"]["spec"]["containers"]);
}

#[test]
fn leaves_debug_containers_alone_that_are_old_skipped_or_in_a_pod_without_identity() {
    let untouched = |request: &Value| {
        assert_eq!(evaluate(&settings(), request, nobody()).answer.unwrap().mutated_object, None);
    };
    untouched(&debug(|request| request["oldObject"] = request["object"].clone()));
    untouched(&debug(|request| annotate(&mut request["object"], "skip-containers", "debugger")));
    untouched(&debug(|request| drop(request["object"]["spec"]["volumes"].as_array_mut().unwrap().remove(1))));
}
