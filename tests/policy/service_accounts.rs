//! ServiceAccounts, where they are written.

use crate::common::*;
use serde_json::{Value, json};

pub(crate) fn account_request(account: &Value, old: Option<&Value>) -> Value {
    let create = || requests::create(requests::SERVICE_ACCOUNT, "default", account);
    old.map_or_else(create, |old| requests::update(requests::SERVICE_ACCOUNT, "default", account, old))
}

#[test]
fn refuses_a_service_account_whose_identity_can_not_be_right_where_it_is_made() {
    let (message, code) = refused(
        &settings(),
        &account_request(&service_account(&json!({"client-id": "x"})), None),
        no_look_up(),
    );
    assert_eq!(
        (message.as_str(), code),
        (
            "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"x\", which is not a UUID; fix it in its manifest:\n\
          metadata: {annotations: {azure.workload.identity/client-id: \"CLIENT_ID\"}}",
            400
        )
    );
    let (_, response) = admitted(&settings(), &account_request(&yada_account(), None), no_look_up());
    assert_eq!((response.warnings, response.audit_annotations.unwrap().len()), (None, 4));
}

#[test]
fn judges_an_update_that_begins_to_inject_as_if_it_were_new() {
    let labelled = service_account(&json!({"client-id": "x"}));
    let mut before = labelled.clone();
    before["metadata"]["labels"] = json!({});
    let (message, _) = refused(&settings(), &account_request(&labelled, Some(&before)), no_look_up());
    assert!(message.ends_with("azure.workload.identity/client-id=CLIENT_ID"), "{message}");
    let (_, response) = admitted(&settings(), &account_request(&before, Some(&labelled)), no_look_up());
    let told = "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"x\", which is not a UUID";
    assert_eq!(warnings(&response), [told]);
}

/// Operators that ask for tokens themselves read the same annotations, and may know their tenant.
#[test]
fn judges_an_unlabelled_service_account_only_by_what_it_holds() {
    for trigger in ["Pod", "Any", "ServiceAccount"] {
        let settings = json!({"trigger": trigger, "requireClientId": true, "allowedIdentities": []});
        let mut account = yada_account();
        account["metadata"]["labels"] = json!({});
        admitted(&settings, &account_request(&account, None), no_look_up());
        account["metadata"]["annotations"]["azure.workload.identity/client-id"] = json!("x");
        assert_eq!(refused(&settings, &account_request(&account, None), no_look_up()).1, 400, "{trigger}");
    }
}

#[test]
fn lets_an_update_pass_that_does_not_touch_what_was_wrong() {
    let wrong = service_account(&json!({"client-id": "x"}));
    let mut touched = wrong.clone();
    touched["metadata"]["labels"]["other"] = json!("y");
    let (_, response) = admitted(&settings(), &account_request(&touched, Some(&wrong)), no_look_up());
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"x\", which is not a UUID"
        ]
    );
    refused(
        &settings(),
        &account_request(&service_account(&json!({"client-id": "y"})), Some(&wrong)),
        no_look_up(),
    );
    admitted(&settings(), &account_request(&yada_account(), Some(&wrong)), no_look_up());
}

#[test]
fn warns_about_a_service_accounts_label() {
    let mut unlabelled = yada_account();
    unlabelled["metadata"]["labels"] = json!({});
    let (_, response) = admitted(
        &with(&json!({"trigger": "ServiceAccount"})),
        &account_request(&unlabelled, None),
        no_look_up(),
    );
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: its annotations need the label azure.workload.identity/use: \"true\""
        ]
    );
    unlabelled["metadata"]["labels"] = json!({"azure.workload.identity/use": "yes"});
    let (_, response) = admitted(&settings(), &account_request(&unlabelled, None), no_look_up());
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: label azure.workload.identity/use is \"yes\", which is ignored; use \"true\" or \"false\""
        ]
    );
    let plain = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x", "namespace": "default"}});
    assert_eq!(admitted(&json!({}), &account_request(&plain, None), no_look_up()).1.warnings, None);
}

#[test]
fn checks_the_expiration_and_warns_about_a_missing_client_id_of_a_new_service_account() {
    let hasty = service_account(&json!({"client-id": CLIENT_ID, "service-account-token-expiration": "60"}));
    let (message, code) = refused(&settings(), &account_request(&hasty, None), no_look_up());
    assert!(message.contains("service-account-token-expiration is \"60\""), "{message}");
    assert_eq!(code, 400);
    let lower = service_account(&json!({"client-id": CLIENT_ID, "layout": "legacy"}));
    let (message, code) = refused(&settings(), &account_request(&lower, None), no_look_up());
    assert!(message.contains("layout is \"legacy\", which is not PerPod, Fixed or Legacy"), "{message}");
    assert_eq!(code, 400);
    let nobodys = service_account(&json!({}));
    let (_, response) = admitted(&settings(), &account_request(&nobodys, None), no_look_up());
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: no client-id annotation, so AZURE_CLIENT_ID is not set; fine if told elsewhere"
        ]
    );
}
