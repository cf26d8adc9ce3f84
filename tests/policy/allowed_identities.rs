//! Which identities a namespace may use.

use crate::common::*;
use serde_json::{Value, json};

#[test]
fn refuses_an_identity_that_the_namespace_may_not_use_and_says_which_part() {
    let other = "00000000-0000-0000-0000-000000000000";
    let fix = format!(
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
                "client ID \"{CLIENT_ID}\" is not allowed in namespace \"default\" by the policy's setting allowedIdentities"
            ),
        ),
        (
            json!([{"clientIds": [CLIENT_ID.to_uppercase()], "tenantIds": [other]}]),
            format!(
                "tenant ID \"{TENANT_ID}\" is not allowed with client ID \"{CLIENT_ID}\" in namespace \"default\" by the policy's setting allowedIdentities"
            ),
        ),
    ] {
        let (message, code) =
            refused(&with(&json!({"allowedIdentities": allowed})), &yada(|_| ()), holding(&yada_account()));
        assert_eq!(
            (message, code),
            (format!("ServiceAccount default/myserviceaccount: {problem}; {fix}"), 403)
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
    assert!(message.contains("an identity without a client ID is not allowed"), "{message}");
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

/// A pod whose container has this variable.
fn having(variable: &Value) -> Value {
    yada(|pod| pod["spec"]["containers"][0]["env"].as_array_mut().unwrap().push(variable.clone()))
}

#[test]
fn holds_a_containers_own_ids_to_what_is_allowed() {
    let only = with(&json!({"allowedIdentities": [{"clientIds": [CLIENT_ID], "tenantIds": [TENANT_ID]}]}));
    let fix = |id: &str| {
        format!(
            "; remove it, so that the container uses its ServiceAccount's identity, \
             or set it to one that is allowed:\nenv: [{{name: AZURE_{id}, value: \"{id}\"}}]"
        )
    };
    for (variable, id, found) in [
        (
            json!({"name": "AZURE_CLIENT_ID", "value": OTHER}),
            "CLIENT_ID",
            format!("to \"{OTHER}\", which is not allowed in namespace \"default\" by the policy's setting allowedIdentities"),
        ),
        (
            json!({"name": "AZURE_CLIENT_ID", "value": "$(OTHER)"}),
            "CLIENT_ID",
            "to a value that is not an ID, so the policy's setting allowedIdentities can't check it".to_owned(),
        ),
        (
            json!({"name": "AZURE_TENANT_ID", "value": "contoso.com"}),
            "TENANT_ID",
            "to a tenant that is not allowed in namespace \"default\" by the policy's setting allowedIdentities".to_owned(),
        ),
        (
            json!({"name": "AZURE_CLIENT_ID", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}),
            "CLIENT_ID",
            "by valueFrom, so the policy's setting allowedIdentities can't check it".to_owned(),
        ),
    ] {
        let (message, code) = refused(&only, &having(&variable), holding(&yada_account()));
        let expected =
            format!("Pod default/yadaapi: container \"yadaapi\" sets AZURE_{id} {found}{}", fix(id));
        assert_eq!((message, code), (expected, 403));
        // Without the setting, and for a container that is skipped, it does not matter.
        admitted(&settings(), &having(&variable), holding(&yada_account()));
        let mut skipped = having(&variable);
        annotate(&mut skipped["object"], "skip-containers", "yadaapi");
        admitted(&only, &skipped, holding(&yada_account()));
    }
    for value in [CLIENT_ID.to_uppercase(), String::new()] {
        admitted(
            &only,
            &having(&json!({"name": "AZURE_CLIENT_ID", "value": value})),
            holding(&yada_account()),
        );
    }
    // The container sees the last of two, so each must be allowed.
    let twice = yada(|pod| {
        let env = pod["spec"]["containers"][0]["env"].as_array_mut().unwrap();
        env.extend([CLIENT_ID, OTHER].map(|id| json!({"name": "AZURE_CLIENT_ID", "value": id})));
    });
    assert_eq!(refused(&only, &twice, holding(&yada_account())).1, 403);
}

#[test]
fn refuses_a_template_for_ids_of_its_own() {
    let settings = with(&json!({"preflight": "Enforce", "allowedIdentities": [{"clientIds": [CLIENT_ID]}]}));
    let request = deployment(|template| {
        template["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_CLIENT_ID", "value": OTHER}]);
    });
    assert_eq!(refused(&settings, &request, holding(&yada_account())).1, 403);
}

#[test]
fn holds_debug_containers_to_what_is_allowed() {
    let (pod, _) = admitted(&settings(), &yada(|_| ()), holding(&yada_account()));
    let debug = |env: &Value| debugging(&pod, &json!({"name": "debugger", "image": "busybox", "env": env}));
    let allowing = |id: &str| with(&json!({"allowedIdentities": [{"clientIds": [id]}]}));
    let own = json!([{"name": "AZURE_CLIENT_ID", "value": OTHER}]);
    for (settings, env, allowed) in [
        (allowing(CLIENT_ID), json!([]), true),
        (allowing(OTHER), json!([]), false),
        (allowing(CLIENT_ID), own.clone(), false),
        (allowing(OTHER), own, true),
    ] {
        let response = evaluate(&settings, &debug(&env), no_look_up()).response;
        assert_eq!(response.allowed, allowed, "{settings} {env}: {}", response.message());
        assert!(
            allowed
                || response
                    .message()
                    .starts_with("Pod default/yadaapi: container \"debugger\" sets AZURE_CLIENT_ID")
        );
    }
}
