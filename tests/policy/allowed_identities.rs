//! Which identities a namespace may use.

use crate::common::*;
use serde_json::json;

#[test]
fn refuses_an_identity_that_the_namespace_may_not_use_and_says_which_part() {
    let other = "00000000-0000-0000-0000-000000000000";
    let cure = format!(
        "use an identity that is allowed, or have the policy's administrator add to spec.settings.allowedIdentities:\n\
        - {{namespaces: [default], clientIds: [{CLIENT_ID}], tenantIds: [{TENANT_ID}]}}"
    );
    for (allowed, problem) in [
        (json!([{"namespaces": ["team-*"]}]), "no identity is allowed in namespace \"default\", expected a namespace that the policy's setting allowedIdentities lists".to_owned()),
        (json!([{"namespaces": ["def*"], "clientIds": [other]}]), format!("client id \"{CLIENT_ID}\" is not allowed in namespace \"default\", expected one that the policy's setting allowedIdentities lists")),
        (json!([{"clientIds": [CLIENT_ID.to_uppercase()], "tenantIds": [other]}]), format!("tenant id \"{TENANT_ID}\" is not allowed with client id \"{CLIENT_ID}\" in namespace \"default\", expected one that the policy's setting allowedIdentities lists")),
    ] {
        let (message, code) = refused(&with(&json!({"allowedIdentities": allowed})), &yada(|_| ()), holding(&yada_account()));
        assert_eq!((message, code), (format!("ServiceAccount default/myserviceaccount: {problem}; {cure}"), 403));
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
    assert!(message.contains("no client id is not allowed"), "{message}");
    admitted(
        &with(&json!({"allowedIdentities": [{"tenantIds": [TENANT_ID]}]})),
        &yada(|_| ()),
        holding(&service_account(&json!({}))),
    );
}
