//! Which identities a namespace may use.

use crate::common::*;
use serde_json::json;

#[test]
fn refuses_an_identity_that_the_namespace_may_not_use_and_says_which_part() {
    let other = "00000000-0000-0000-0000-000000000000";
    let cure = format!(
        "use an identity that is allowed, or ask the policy's administrator to add to spec.settings.allowedIdentities:\n\
        - {{namespaces: [\"default\"], clientIds: [\"{CLIENT_ID}\"], tenantIds: [\"{TENANT_ID}\"]}}"
    );
    for (allowed, problem) in [
        (
            json!([{"namespaces": ["team-*"]}]),
            "no identity is allowed in namespace \"default\" by the policy's setting allowedIdentities"
                .to_owned(),
        ),
        (
            json!([{"namespaces": ["def*"], "clientIds": [other]}]),
            format!(
                "client id \"{CLIENT_ID}\" is not allowed in namespace \"default\" by the policy's setting allowedIdentities"
            ),
        ),
        (
            json!([{"clientIds": [CLIENT_ID.to_uppercase()], "tenantIds": [other]}]),
            format!(
                "tenant id \"{TENANT_ID}\" is not allowed with client id \"{CLIENT_ID}\" in namespace \"default\" by the policy's setting allowedIdentities"
            ),
        ),
    ] {
        let (message, code) =
            refused(&with(&json!({"allowedIdentities": allowed})), &yada(|_| ()), holding(&yada_account()));
        assert_eq!(
            (message, code),
            (format!("ServiceAccount default/myserviceaccount: {problem}; {cure}"), 403)
        );
    }
    for allowed in [
        json!([{}]),
        json!([{"namespaces": ["defaul?"], "clientIds": [CLIENT_ID], "tenantIds": [TENANT_ID]}]),
    ] {
        admitted(&with(&json!({"allowedIdentities": allowed})), &yada(|_| ()), holding(&yada_account()));
    }
    let (_, code) =
        refused(&with(&json!({"allowedIdentities": []})), &yada(|_| ()), holding(&yada_account()));
    assert_eq!(code, 403);
    let (message, _) = refused(
        &with(&json!({"allowedIdentities": [{"clientIds": [CLIENT_ID]}]})),
        &yada(|_| ()),
        holding(&service_account(&json!({}))),
    );
    assert!(message.contains("an identity without a client id is not allowed"), "{message}");
    admitted(
        &with(&json!({"allowedIdentities": [{"tenantIds": [TENANT_ID]}]})),
        &yada(|_| ()),
        holding(&service_account(&json!({}))),
    );
}

#[test]
fn compares_tenants_and_clients_without_regard_to_case() {
    let account = service_account(&json!({"client-id": CLIENT_ID, "tenant-id": "Contoso.com"}));
    for (client, tenant) in [(CLIENT_ID.to_uppercase(), "contoso.COM"), (CLIENT_ID.to_owned(), "Contoso.com")]
    {
        let allowed = json!({"allowedIdentities": [{"clientIds": [client], "tenantIds": [tenant]}]});
        admitted(&with(&allowed), &yada(|_| ()), holding(&account));
    }
    let other = json!({"allowedIdentities": [{"tenantIds": ["contoso.org"]}]});
    assert_eq!(refused(&with(&other), &yada(|_| ()), holding(&account)).1, 403);
}

/// An id that is not allowed can be allowed, or replaced, before the workload's pods are made.
#[test]
fn does_not_refuse_a_workload_for_the_identity_of_its_service_account() {
    let settings = with(&json!({"preflight": "Enforce", "allowedIdentities": []}));
    let request = deployment(|_| ());
    let response = evaluate(&settings, &request, holding(&yada_account())).response;
    assert!(response.allowed, "{response:?}");
    assert_eq!(
        warnings(&response),
        [
            "Deployment default/web: its pods will be refused: ServiceAccount default/myserviceaccount: no identity is allowed in namespace \"default\" by the policy's setting allowedIdentities"
        ]
    );
}

#[test]
fn answers_with_the_gravest_of_several_codes() {
    let settings = with(&json!({"allowedIdentities": []}));
    let request = yada(|pod| annotate(pod, "service-account-token-expiration", "60"));
    let (message, code) = refused(&settings, &request, holding(&yada_account()));
    assert_eq!((message.lines().count(), code), (4, 403), "{message}");
}
