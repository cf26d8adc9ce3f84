//! What is refused, word for word.

use crate::common::*;
use serde_json::json;

const ANNOTATE: &str = "kubectl annotate --overwrite serviceaccount -n default myserviceaccount";

#[test]
fn refuses_an_identity_that_can_not_be_right() {
    for (annotations, message) in [
        (
            json!({"client-id": "${workload_id_id}"}),
            format!(
                "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"${{workload_id_id}}\", which is not a UUID; \
                 fix it with:\n{ANNOTATE} azure.workload.identity/client-id=CLIENT_ID"
            ),
        ),
        (
            json!({"client-id": CLIENT_ID, "tenant-id": "contoso"}),
            format!(
                "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/tenant-id is \"contoso\", which is not a UUID or a DNS domain name; \
                 fix it with:\n{ANNOTATE} azure.workload.identity/tenant-id=TENANT_ID"
            ),
        ),
        (
            json!({"client-id": CLIENT_ID, "service-account-token-expiration": "1h"}),
            format!(
                "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/service-account-token-expiration is \"1h\", \
                 which is not a whole number of seconds from 3600 to 86400; fix it with:\n{ANNOTATE} azure.workload.identity/service-account-token-expiration=3600"
            ),
        ),
    ] {
        let account = service_account(&annotations);
        assert_eq!(refused(&settings(), &yada(|_| ()), holding(&account)), (message, 400));
    }
}

#[test]
fn refuses_an_invalid_expiration_on_the_pod() {
    let request = yada(|pod| annotate(pod, "service-account-token-expiration", "60"));
    let message = "Pod default/yadaapi: annotation azure.workload.identity/service-account-token-expiration is \"60\", which is not a whole number of seconds \
                   from 3600 to 86400; fix it in the pod, or in the pod template of its workload:\n\
                   metadata: {annotations: {azure.workload.identity/service-account-token-expiration: \"3600\"}}";
    assert_eq!(refused(&settings(), &request, holding(&yada_account())), (message.to_owned(), 400));
}

#[test]
fn refuses_where_no_tenant_is_given() {
    let message = format!(
        "ServiceAccount default/myserviceaccount: no tenant ID: neither annotation azure.workload.identity/tenant-id nor the policy's setting tenantId is set; \
         set tenantId in the policy's spec.settings, or run:\n\
         {ANNOTATE} azure.workload.identity/tenant-id=TENANT_ID"
    );
    assert_eq!(refused(&json!({}), &yada(|_| ()), holding(&yada_account())), (message, 400));
}

#[test]
fn refuses_a_missing_client_id_where_one_is_required() {
    let settings = json!({"tenantId": TENANT_ID, "requireClientId": true});
    let message = format!(
        "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is missing, and the policy's setting requireClientId \
         is true; add it with:\n{ANNOTATE} azure.workload.identity/client-id=CLIENT_ID"
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
