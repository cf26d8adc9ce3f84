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
    let text = "ServiceAccount default/myserviceaccount: no annotation azure.workload.identity/client-id, so AZURE_CLIENT_ID is not set";
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
            "Pod default/yadaapi: container yadaapi sets AZURE_TENANT_ID to a different value than the identity's; remove it unless you mean it"
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
            "Pod default/yadaapi: annotation azure.workload.identity/client-id has no effect here, move it to the ServiceAccount"
        ]
    );
    assert_eq!(
        warned(none, &service_account(&json!({"client-id": CLIENT_ID, "skip-containers": "x"}))),
        [
            "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/skip-containers has no effect here, move it to the pod"
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
