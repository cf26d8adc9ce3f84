//! What adversaries tried who may create pods and debug them: each kind once. What it costs is in `make budgets`.

use crate::common::*;
use serde_json::{Value, json};

/// A debug request for `pod`: what it asks for is in the new object alone.
fn debugging_with(pod: &Value, debugger: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut request = debugging(pod, debugger);
    change(&mut request["object"]);
    request
}

/// A debug container with an ID that is not allowed.
fn foreign() -> Value {
    json!({"name": "d", "image": "busybox", "env": [{"name": "AZURE_CLIENT_ID", "value": OTHER}]})
}

// === Debug containers ===

#[test]
fn ignores_the_parts_of_a_debug_request_that_the_api_server_drops() {
    let (pod, _) = admitted(&governed(), &yada(|_| ()), holding(&yada_account()));
    let changes: [fn(&mut Value); 5] = [
        |_| (),
        |pod| annotate(pod, "skip-containers", "d"),
        |pod| pod["spec"]["containers"][0]["env"] = json!([]),
        |pod| pod["spec"]["volumes"] = json!([]),
        |pod| pod["metadata"]["labels"] = json!({"azure.workload.identity/use": "false"}),
    ];
    for change in changes {
        let request = debugging_with(&pod, &foreign(), change);
        let evaluation = evaluate(&governed(), &request, no_look_up());
        let message = evaluation.response.message().to_owned();
        assert!(
            message.starts_with(&format!(
                "Pod default/yadaapi: container \"d\" sets AZURE_CLIENT_ID to \"{OTHER}\", which is not allowed"
            )),
            "{message}"
        );
        let audit = evaluation.response.audit_annotations.unwrap();
        assert_eq!(audit["subject"], "system:serviceaccount:default:myserviceaccount");
        assert_eq!(evaluation.calls.log.len(), 1);
        assert!(json!(evaluation.calls.log).to_string().contains("refused"));
    }
}

#[test]
fn checks_the_ids_of_a_debug_container_that_has_no_container_to_copy_from() {
    let equipped = |settings: &Value, change: fn(&mut Value)| {
        admitted(settings, &yada(change), holding(&yada_account())).0
    };
    let endpoint = with(&json!({"allowedIdentities": governed()["allowedIdentities"],
        "customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://AKSIdentityBinding", "sniName": "s"}}));
    let skipped = equipped(&governed(), |pod| annotate(pod, "skip-containers", "yadaapi"));
    let mut own_token = skipped.clone();
    own_token["spec"]["volumes"] = json!([token("own", "api://AzureADTokenExchange", "token")]);
    let mut of_endpoint = own_token.clone();
    of_endpoint["spec"]["volumes"] = json!([token("own", "api://AKSIdentityBinding", "token")]);
    let mut named = equipped(&governed(), |_| ());
    annotate(&mut named, "skip-containers", "d");
    for (settings, pod) in
        [(&governed(), &skipped), (&governed(), &own_token), (&endpoint, &of_endpoint), (&governed(), &named)]
    {
        assert_eq!(refused(settings, &debugging_with(pod, &foreign(), |_| ()), no_look_up()).1, 403, "{pod}");
        let from_secret = json!({"name": "d", "env": [{"name": "AZURE_CLIENT_ID", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]});
        let (message, _) = refused(settings, &debugging_with(pod, &from_secret, |_| ()), no_look_up());
        assert!(
            message.contains(
                "container \"d\" sets AZURE_CLIENT_ID by valueFrom, so the policy's setting allowedIdentities can't check it"
            ),
            "{message}"
        );
        let allowed = json!({"name": "d", "env": [{"name": "AZURE_CLIENT_ID", "value": CLIENT_ID}]});
        assert!(evaluate(settings, &debugging_with(pod, &allowed, |_| ()), no_look_up()).response.allowed);
    }
    // A pod that carries no token is not the policy's.
    let plain = yada(|_| ())["object"].clone();
    assert!(
        evaluate(&governed(), &debugging_with(&plain, &foreign(), |_| ()), no_look_up()).response.allowed
    );
}

#[test]
fn refuses_a_debug_container_only_for_variables_that_it_sets() {
    let (pod, _) = admitted(&settings(), &yada(|_| ()), holding(&yada_account()));
    let settings = with(&json!({"allowedIdentities": [
        {"clientIds": [CLIENT_ID], "tenantIds": [TENANT_ID]}, {"clientIds": [OTHER], "tenantIds": [OTHER_TENANT]}]}));
    let (message, _) = refused(&settings, &debugging_with(&pod, &foreign(), |_| ()), no_look_up());
    assert!(message.contains("container \"d\" sets AZURE_CLIENT_ID"), "{message}");
    let empty = json!({"name": "d", "env": [{"name": "AZURE_CLIENT_ID", "value": ""}]});
    assert!(evaluate(&governed(), &debugging_with(&pod, &empty, |_| ()), no_look_up()).response.allowed);
}

#[test]
fn a_mount_with_a_sub_path_is_not_copied_to_a_debug_container() {
    let pod = yada(|pod| {
        pod["spec"]["volumes"] =
            json!([token("own", "api://AzureADTokenExchange", "token/azure-identity-token")]);
        pod["spec"]["containers"][0]["env"] =
            json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/x/azure-identity-token"}]);
        pod["spec"]["containers"][0]["volumeMounts"] =
            json!([{"name": "own", "mountPath": "/x", "subPath": "token"}]);
    })["object"]
        .clone();
    let request = debugging_with(&pod, &json!({"name": "d", "image": "busybox"}), |_| ());
    assert_eq!(evaluate(&settings(), &request, no_look_up()).answer.unwrap().mutated_object, None);
}

// === Governance ===

#[test]
fn a_skipped_container_that_mounts_the_token_is_governed() {
    let mounting = |volume: &str| {
        yada(|pod| {
            let extra = json!([{"name": "istio-proxy", "env": [{"name": "AZURE_CLIENT_ID", "value": OTHER}],
                "volumeMounts": [{"name": volume, "mountPath": "/t"}]}]);
            pod["spec"]["initContainers"] = extra;
        })
    };
    let by_setting =
        with(&json!({"skipContainers": ["istio-*"], "allowedIdentities": governed()["allowedIdentities"]}));
    let mut by_annotation = mounting(VOLUME);
    annotate(&mut by_annotation["object"], "skip-containers", "istio-proxy");
    for (settings, request) in [(&by_setting, &mounting(VOLUME)), (&governed(), &by_annotation)] {
        let (message, code) = refused(settings, request, holding(&yada_account()));
        assert!(
            message.starts_with("Pod default/yadaapi: container \"istio-proxy\" sets AZURE_CLIENT_ID"),
            "{message}"
        );
        assert_eq!(code, 403);
    }
    assert!(evaluate(&by_setting, &mounting("cache"), holding(&yada_account())).response.allowed);
}

#[test]
fn warns_that_the_proxy_serves_any_identity_if_allowed_identities_is_set() {
    let request = yada(|pod| annotate(pod, "inject-proxy-sidecar", "true"));
    let warning = "Pod default/yadaapi: its proxy gets tokens for any client ID that a container asks for, allowed or not";
    let (_, response) = admitted(&governed(), &request, holding(&yada_account()));
    assert_eq!(warnings(&response), [warning]);
    let (_, response) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(response.warnings, None);
}

#[test]
fn rereads_a_cached_service_account_before_refusing_a_containers_own_id() {
    let two = json!([{"clientIds": [OTHER], "tenantIds": [OTHER_TENANT]}, {"clientIds": [CLIENT_ID], "tenantIds": [TENANT_ID]}]);
    let settings = with(&json!({"lookUp": "Cached", "allowedIdentities": two}));
    let request = yada(|pod| {
        pod["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_TENANT_ID", "value": OTHER_TENANT}]);
    });
    let fresh = service_account(&json!({"client-id": OTHER, "tenant-id": OTHER_TENANT}));
    let stale = yada_account();
    let answers: azwi_policy::host::Answers =
        std::sync::Arc::new(move |request: &azwi_policy::host::GetResource| {
            Ok(if request.disable_cache { &fresh } else { &stale }.to_string().into_bytes())
        });
    assert!(evaluate(&settings, &request, answers).response.allowed);
}

#[test]
fn refuses_a_template_only_if_no_service_account_could_make_it_valid() {
    let two = json!([{"clientIds": [OTHER], "tenantIds": [OTHER_TENANT]}, {"clientIds": [CLIENT_ID], "tenantIds": [TENANT_ID]}]);
    let settings = with(
        &json!({"preflight": "Enforce", "allowedIdentities": two, "identities": {"w": {"clientId": OTHER}}}),
    );
    let with_env = |env: Value| deployment(|template| template["spec"]["containers"][0]["env"] = env);
    let tenant = json!({"name": "AZURE_TENANT_ID", "value": OTHER_TENANT});
    let response = evaluate(&settings, &with_env(json!([tenant])), holding(&yada_account())).response;
    assert!(
        response.allowed && warnings(&response)[0].contains("its pods will be refused: "),
        "{response:?}"
    );
    let both = json!([tenant, {"name": "AZURE_CLIENT_ID", "value": CLIENT_ID}]);
    assert_eq!(refused(&settings, &with_env(both), holding(&yada_account())).1, 403);
    // A container's identity whose tenant is the ServiceAccount's.
    let named = deployment(|template| annotate(template, "container-identities", "yadaapi=w"));
    assert!(evaluate(&settings, &named, holding(&yada_account())).response.allowed);
}

#[test]
fn checks_client_id_and_tenant_id_together() {
    let two = json!([{"clientIds": [OTHER], "tenantIds": [OTHER_TENANT]}, {"clientIds": [CLIENT_ID], "tenantIds": [TENANT_ID]}]);
    let identities = json!({"w": {"clientId": OTHER, "tenantId": OTHER_TENANT}});
    let settings = with(&json!({"allowedIdentities": two, "identities": identities}));
    let tenants = |all: &[&str], own: &str| {
        yada(|pod| {
            let env = all.iter().map(|id| json!({"name": "AZURE_TENANT_ID", "value": id}));
            pod["spec"]["containers"][0]["env"] = env.collect();
            annotate(pod, "container-identities", own);
        })
    };
    // Beside the container's own identity, and not the pod's.
    admitted(&settings, &tenants(&[OTHER_TENANT], "yadaapi=w"), holding(&yada_account()));
    // Each of two counts, as a runtime may take the first or the last.
    let [ours, other] = [TENANT_ID, OTHER_TENANT];
    for all in [vec![other, ours], vec![ours, other], vec![ours, other, ours]] {
        assert_eq!(refused(&settings, &tenants(&all, ""), holding(&yada_account())).1, 403, "{all:?}");
    }
}

#[test]
fn checks_the_proxys_own_identity_against_allowed_identities() {
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        annotate(pod, "container-identities", &format!("azwi-proxy={OTHER}"));
    });
    assert_eq!(refused(&governed(), &request, holding(&yada_account())).1, 403);
}

#[test]
fn records_the_last_of_two_ids_for_a_debug_container() {
    let twice = yada(|pod| {
        let env = [OTHER, CLIENT_ID].map(|id| json!({"name": "AZURE_CLIENT_ID", "value": id}));
        pod["spec"]["containers"][0]["env"] = json!(env);
    });
    let (pod, _) = admitted(&settings(), &twice, holding(&yada_account()));
    let request = debugging_with(&pod, &json!({"name": "d", "image": "busybox"}), |_| ());
    let audit = evaluate(&settings(), &request, no_look_up()).response.audit_annotations.unwrap();
    assert_eq!((audit["client-id"].as_str(), audit.get("container-identities")), (CLIENT_ID, None));
}

#[test]
fn a_container_that_the_pod_skips_gets_nothing_though_it_has_an_identity_of_its_own() {
    let request = yada(|pod| {
        annotate(pod, "skip-containers", "yadaapi");
        annotate(pod, "container-identities", &format!("yadaapi={OTHER}"));
    });
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(pod["spec"]["containers"], request["object"]["spec"]["containers"]);
}

#[test]
fn enforces_nothing_that_the_service_account_alone_gets_wrong() {
    let settings = with(&json!({"preflight": "Enforce", "allowedIdentities": []}));
    let response = evaluate(&settings, &deployment(|_| ()), holding(&yada_account())).response;
    assert!(response.allowed && warnings(&response).len() == 1, "{response:?}");
}

#[test]
fn a_debug_container_that_the_settings_skip_gets_nothing() {
    let (pod, _) = admitted(&settings(), &yada(|_| ()), holding(&yada_account()));
    let request = debugging_with(&pod, &json!({"name": "debugger", "image": "busybox"}), |_| ());
    for (pattern, gets) in [("debug*", false), ("other", true)] {
        let settings = with(&json!({"skipContainers": [pattern]}));
        let answer = evaluate(&settings, &request, no_look_up()).answer.unwrap();
        assert_eq!(answer.mutated_object.is_some(), gets, "{pattern}");
    }
}

// === What is told ===

#[test]
fn does_not_name_identities_that_the_namespace_may_not_use() {
    let identities = json!({"main": {"clientId": CLIENT_ID}, "payments-prod": {"clientId": OTHER, "tenantId": "fabrikam.example"}});
    let mut settings = governed();
    settings["identities"] = identities.clone();
    for account in [
        json!({"identity": "mian"}),
        json!({"identity": "payments-prod"}),
        json!({"identity": "payments-prod", "client-id": CLIENT_ID}),
    ] {
        for labelled in [true, false] {
            let mut account = service_account(&account);
            if !labelled {
                account["metadata"]["labels"] = json!({});
            }
            let mut request = yada(|_| ());
            let kind = json!({"group": "", "version": "v1", "kind": "ServiceAccount"});
            request["kind"] = kind;
            request["resource"] = json!({"group": "", "version": "v1", "resource": "serviceaccounts"});
            request["object"] = account.clone();
            let evaluation = evaluate(&settings, &request, no_look_up());
            assert!(!evaluation.response.allowed, "{account}");
            let mut told = serde_json::to_value(&evaluation.response).unwrap().to_string()
                + &json!(evaluation.calls.log).to_string();
            // What was written may be repeated.
            told = told
                .replace("identity is \\\"payments-prod\\\"", "")
                .replace("identity is \\\\\\\"payments-prod\\\\\\\"", "");
            assert!(
                !told.contains("payments-prod") && !told.contains(OTHER) && !told.contains("fabrikam"),
                "{told}"
            );
        }
    }
    let account = service_account(&json!({"identity": "mian"}));
    let (message, _) = refused(&settings, &yada(|_| ()), holding(&account));
    assert!(
        message.contains("a name in the policy's setting identities that this namespace may use (main)"),
        "{message}"
    );
}

#[test]
fn shows_no_value_that_only_looks_like_a_domain() {
    for variable in ["AZURE_CLIENT_ID", "AZURE_TENANT_ID"] {
        let secret = "07401b.f395accd246ae52d";
        let request =
            yada(|pod| pod["spec"]["containers"][0]["env"] = json!([{"name": variable, "value": secret}]));
        let evaluation = evaluate(&governed(), &request, holding(&yada_account()));
        assert!(!evaluation.response.allowed);
        let told = serde_json::to_value(&evaluation.response).unwrap().to_string()
            + &json!(evaluation.calls.log).to_string();
        assert!(!told.contains("07401b"), "{told}");
        let (pod, response) = admitted(&settings(), &request, holding(&yada_account()));
        let debug = evaluate(&settings(), &debugging_with(&pod, &json!({"name": "d"}), |_| ()), no_look_up());
        let told = json!([response.audit_annotations, debug.response.audit_annotations, debug.calls.log])
            .to_string();
        assert!(!told.contains("07401b"), "{told}");
    }
}

// === What is recorded ===

/// Each audit annotation but the ServiceAccount's own.
fn recorded(settings: &Value, request: &Value, account: &Value) -> Value {
    let (_, response) = admitted(settings, request, holding(account));
    let mut audit = json!(response.audit_annotations.unwrap());
    for name in ["service-account", "subject"] {
        audit.as_object_mut().unwrap().remove(name);
    }
    audit
}

#[test]
fn records_the_identities_that_the_containers_end_up_with() {
    let (equipped, _) = admitted(&settings(), &yada(|_| ()), holding(&yada_account()));
    let again = yada(|pod| *pod = equipped.clone());
    let changed = service_account(&json!({"client-id": OTHER, "tenant-id": OTHER_TENANT}));
    assert_eq!(
        recorded(&settings(), &again, &changed),
        json!({"client-id": CLIENT_ID, "tenant-id": TENANT_ID})
    );
    let (_, response) = admitted(&settings(), &again, holding(&changed));
    assert_eq!(warnings(&response).len(), 2, "{response:?}");
    let mut named = again.clone();
    annotate(&mut named["object"], "container-identities", &format!("yadaapi={OTHER}"));
    assert_eq!(
        recorded(&settings(), &named, &yada_account()),
        json!({"client-id": CLIENT_ID, "tenant-id": TENANT_ID})
    );
    let own = yada(|pod| {
        pod["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_CLIENT_ID", "value": OTHER}]);
    });
    assert_eq!(
        recorded(&settings(), &own, &yada_account()),
        json!({"client-id": OTHER, "tenant-id": TENANT_ID})
    );
    let two = yada(|pod| {
        let containers = pod["spec"]["containers"].as_array_mut().unwrap();
        containers.push(json!({"name": "b", "env": [{"name": "AZURE_CLIENT_ID", "value": OTHER}, {"name": "AZURE_TENANT_ID", "value": "x.example"}]}));
    });
    assert_eq!(
        recorded(&settings(), &two, &yada_account()),
        json!({"client-id": CLIENT_ID, "tenant-id": TENANT_ID, "container-identities": format!("b={OTHER}"), "container-tenants": "b=?"})
    );
    let skipped = yada(|pod| annotate(pod, "skip-containers", "yadaapi"));
    assert_eq!(recorded(&settings(), &skipped, &yada_account()), json!({}));
    let evaluation = evaluate(&settings(), &skipped, holding(&yada_account()));
    let line = json!(evaluation.calls.log).to_string();
    assert!(line.contains("volume added, all containers are skipped") && !line.contains(CLIENT_ID), "{line}");
}

// === Paths, names and second passes ===

/// The pod after one pass, and whether a second changes it.
fn twice(settings: &Value, request: &Value) -> (Value, Option<Value>) {
    let (once, _) = admitted(settings, request, holding(&yada_account()));
    let mut again = request.clone();
    again["object"] = once.clone();
    (once, evaluate(settings, &again, holding(&yada_account())).answer.unwrap().mutated_object)
}

fn equipped_at(name: &str, mount: &str, file: &str) -> Value {
    json!({"name": name, "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file}], "volumeMounts": [{"name": VOLUME, "mountPath": mount}]})
}

#[test]
fn a_second_pass_changes_nothing_after_a_dangling_mount_two_tokens_or_a_proxy_of_its_own_identity() {
    let dangling = yada(|pod| {
        let mut first = equipped_at("c0", MOUNT, TOKEN_FILE);
        first["volumeMounts"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "run", "mountPath": "/var/run/secrets"}));
        pod["spec"]["volumes"] = json!([{"name": "run", "emptyDir": {}}]);
        pod["spec"]["containers"] = json!([first, {"name": "c1"}]);
    });
    let two = yada(|pod| {
        let mut volume = token(VOLUME, "api://AzureADTokenExchange", "a/azure-identity-token");
        let second = json!({"serviceAccountToken": {"path": "b/azure-identity-token", "audience": "api://AzureADTokenExchange"}});
        volume["projected"]["sources"].as_array_mut().unwrap().push(second);
        pod["spec"]["volumes"] = json!([volume]);
        pod["spec"]["containers"] = json!([
            equipped_at("c0", "/var/run/secrets/azure/wi", "/var/run/secrets/azure/wi/a/azure-identity-token"),
            {"name": "c1", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/secrets/azure/x/b/azure-identity-token"}],
                "volumeMounts": [{"name": VOLUME, "mountPath": "/var/run/secrets/azure/y"}]}]);
    });
    let proxy = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        annotate(pod, "container-identities", &format!("azwi-proxy={OTHER}"));
    });
    for request in [dangling, two, proxy.clone()] {
        let (once, second) = twice(&settings(), &request);
        assert_eq!(second, None, "{once}");
    }
    let (pod, response) = admitted(&settings(), &proxy, holding(&yada_account()));
    assert_eq!(response.warnings, None);
    assert_eq!(response.audit_annotations.unwrap()["container-identities"], format!("azwi-proxy={OTHER}"));
    assert!(pod["spec"]["initContainers"][0]["env"].to_string().contains(OTHER));
}

#[test]
fn refuses_a_container_whose_token_another_mount_hides() {
    let request = yada(|pod| {
        let first = json!({"name": "a", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/m/t"}], "volumeMounts": [{"name": "own", "mountPath": "/m"}]});
        let second = json!({"name": "b", "volumeMounts": [{"name": "own", "mountPath": "/m"}, {"name": "data", "mountPath": "/m/t"}]});
        pod["spec"]["volumes"] =
            json!([token("own", "api://AzureADTokenExchange", "t"), {"name": "data", "emptyDir": {}}]);
        pod["spec"]["containers"] = json!([first, second]);
    });
    let (message, code) = refused(&settings(), &request, holding(&yada_account()));
    assert!(message.starts_with("Pod default/yadaapi: container \"b\" mounts volume \"data\" at \"/m/t\", which hides the identity's token"), "{message}");
    assert_eq!(code, 400);
}

#[test]
fn compares_paths_and_names_as_the_pods_operating_system_does() {
    let at = |path: &str, change: fn(&mut Value)| {
        yada(|pod| {
            pod["spec"]["volumes"] = json!([{"name": "c", "emptyDir": {}}]);
            pod["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "c", "mountPath": path}]);
            change(pod);
        })
    };
    let windows: fn(&mut Value) = |pod| pod["spec"]["os"] = json!({"name": "windows"});
    let fixed = with(&json!({"layout": "Fixed"}));
    for (request, is_hidden) in [
        (at("/run/secrets/azure/wi", |_| ()), true),
        (at("var/run/secrets/azure/wi", |_| ()), true),
        (at(r"C:\var\run\Secrets\azure\wi", windows), true),
        (at(r"C:\var\run\Secrets\azure\wi", |_| ()), false),
        (at("/runs/secrets/azure/wi", |_| ()), false),
    ] {
        let response = evaluate(&fixed, &request, holding(&yada_account())).response;
        assert_eq!(response.allowed, !is_hidden, "{} {request}", response.message());
    }
    let lower = |pod: &mut Value| {
        pod["spec"]["containers"][0]["env"] = json!([{"name": "azure_client_id", "value": OTHER}]);
    };
    let (pod, _) = admitted(
        &settings(),
        &yada(|pod| {
            lower(pod);
            windows(pod);
        }),
        holding(&yada_account()),
    );
    assert_eq!(
        names(&pod["spec"]["containers"][0]["env"]),
        ["azure_client_id", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"]
    );
    assert_eq!(
        refused(
            &governed(),
            &yada(|pod| {
                lower(pod);
                windows(pod);
            }),
            holding(&yada_account())
        )
        .1,
        403
    );
    let (pod, _) = admitted(&settings(), &yada(lower), holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["containers"][0]["env"]).len(), 5);
}

#[test]
fn says_that_a_token_file_can_not_be_checked_and_mounts_the_token_where_it_belongs() {
    for file in [
        json!({"value": "/var/run/secrets/azure/$(P)/token"}),
        json!({"value": "relative/token"}),
        json!({"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
    ] {
        let mut variable = json!({"name": "AZURE_FEDERATED_TOKEN_FILE"});
        variable.as_object_mut().unwrap().extend(file.as_object().unwrap().clone());
        let request = yada(|pod| pod["spec"]["containers"][0]["env"] = json!([variable]));
        let (pod, response) = admitted(&settings(), &request, holding(&yada_account()));
        assert_eq!(pod["spec"]["containers"][0]["volumeMounts"][1]["mountPath"], MOUNT);
        assert_eq!(
            warnings(&response),
            [
                "Pod default/yadaapi: container yadaapi sets AZURE_FEDERATED_TOKEN_FILE to a path that can't be checked; remove it"
            ]
        );
    }
}

#[test]
fn sees_the_last_of_two_token_files_as_the_container_does() {
    let files = |first: &str, last: &str| {
        yada(|pod| {
            pod["spec"]["volumes"] = json!([token("own", "api://AzureADTokenExchange", "t")]);
            pod["spec"]["containers"][0]["env"] = json!([
                {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": first}, {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": last}]);
            pod["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "own", "mountPath": "/m"}]);
        })
    };
    let (pod, _) = admitted(&settings(), &files("/elsewhere", "/m/t"), holding(&yada_account()));
    assert_eq!(pod["spec"]["volumes"].as_array().unwrap().len(), 1, "{pod}");
    let (pod, _) = admitted(&settings(), &files("/m/t", "/elsewhere"), holding(&yada_account()));
    assert_eq!(pod["spec"]["volumes"].as_array().unwrap().len(), 2, "{pod}");
}

#[test]
fn warns_about_a_token_for_another_audience_under_a_reserved_name() {
    let request = yada(|pod| {
        pod["spec"]["volumes"] = json!([token(VOLUME, "vault", "token/azure-identity-token")]);
        pod["spec"]["containers"] = json!([equipped_at("a", MOUNT, TOKEN_FILE)]);
    });
    let (_, response) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(
        warnings(&response),
        ["Pod default/yadaapi: container a has a token for the audience \"vault\", which is not the pod's"]
    );
}

#[test]
fn omits_the_brackets_if_there_is_no_name_to_list() {
    let request = yada(|pod| {
        annotate(pod, "skip-containers", "yadaapi");
        annotate(pod, "container-identities", &format!("absent={OTHER}"));
    });
    let (_, response) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(
        warnings(&response),
        ["Pod default/yadaapi: container-identities names \"absent\", which gets no identity"]
    );
}

#[test]
fn records_that_more_containers_have_another_identity_than_it_lists() {
    let named: Vec<String> = (0..33).map(|index| format!("c{index}={OTHER}")).collect();
    let request = yada(|pod| {
        annotate(pod, "container-identities", &named.join(";"));
        pod["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .extend((0..33).map(|index| json!({"name": format!("c{index}")})));
    });
    let (_, response) = admitted(&settings(), &request, holding(&yada_account()));
    let told = response.audit_annotations.unwrap()["container-identities"].clone();
    assert_eq!((told.matches(OTHER).count(), told.ends_with("; …")), (32, true), "{told}");
}

/// A pod with these volumes, whose container has this token file and these mounts.
fn mounting(volumes: Value, file: &str, mounts: &[(&str, &str)]) -> Value {
    yada(|pod| {
        let mounts = mounts.iter().map(|(name, path)| json!({"name": name, "mountPath": path}));
        pod["spec"]["containers"] = json!([{"name": "a", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file}],
            "volumeMounts": mounts.collect::<Vec<_>>()}]);
        pod["spec"]["volumes"] = volumes;
    })
}

#[test]
fn recognizes_a_token_file_at_the_path_where_the_container_sees_it() {
    let azure = "api://AzureADTokenExchange";
    let three = ["x", "y", "t"].map(|path| json!({"serviceAccountToken": {"path": path, "audience": azure}}));
    let of_three = json!([{"name": "own", "projected": {"sources": three}}]);
    let data = json!({"name": "data", "emptyDir": {}});
    for (volumes, file, mounts, equipped) in [
        (of_three, "/m/t", vec![("own", "/m")], true),
        (json!([token("own", azure, "t/x")]), "/m/t", vec![("own", "/m")], false),
        (json!([token(VOLUME, azure, "t/x"), data]), "/m/t/x", vec![(VOLUME, "/m"), ("data", "/m/t")], false),
        (json!([token(VOLUME, azure, "t/x"), data]), "/m/t/x", vec![("data", "/"), (VOLUME, "/m")], true),
    ] {
        let request = mounting(volumes, file, &mounts);
        let (pod, response) = admitted(&settings(), &request, holding(&yada_account()));
        let own = "Pod default/yadaapi: container a uses its own token file; the policy does not change this container";
        assert_eq!(
            warnings(&response),
            if equipped { vec![] } else { vec![own.to_owned()] },
            "{file} {mounts:?}"
        );
        let mounts = &pod["spec"]["containers"][0]["volumeMounts"];
        assert_eq!(*mounts, request["object"]["spec"]["containers"][0]["volumeMounts"], "{file}");
    }
}

#[test]
fn keeps_a_leftover_volume_that_something_else_uses() {
    const LEFT: &str = "azure-workload-identity-reserved-ab";
    let azure = "api://AzureADTokenExchange";
    let volumes = json!([
        token(VOLUME, azure, "token/azure-identity-token"),
        token(LEFT, azure, "token/azure-identity-token")
    ]);
    let by_key =
        json!([{"name": "K", "valueFrom": {"fileKeyRef": {"volumeName": LEFT, "path": "p", "key": "k"}}}]);
    for (user, kept) in [
        (json!({"name": "b"}), false),
        (json!({"name": "b", "volumeDevices": [{"name": LEFT, "devicePath": "/d"}]}), true),
        (json!({"name": "b", "env": by_key}), true),
    ] {
        let mut request =
            mounting(volumes.clone(), TOKEN_FILE, &[(VOLUME, MOUNT), (LEFT, "/var/run/secrets/azure/wi")]);
        request["object"]["spec"]["containers"].as_array_mut().unwrap().push(user.clone());
        annotate(&mut request["object"], "skip-containers", "b");
        let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
        assert_eq!(names(&pod["spec"]["volumes"]).contains(&LEFT), kept, "{user}");
        assert_eq!(names(&pod["spec"]["containers"][0]["volumeMounts"]), [VOLUME], "{user}");
    }
}

#[test]
fn warns_only_about_the_nearest_mount_above_the_token() {
    let request = |outer: Value, inner: Value| {
        yada(|pod| {
            pod["spec"]["volumes"] = json!([outer, inner]);
            pod["spec"]["containers"][0]["volumeMounts"] =
                json!([{"name": "outer", "mountPath": "/var"}, {"name": "inner", "mountPath": "/var/run"}]);
        })
    };
    let writable = |name: &str| json!({"name": name, "emptyDir": {}});
    let fixed = |name: &str| json!({"name": name, "configMap": {"name": "x"}});
    let (_, response) =
        admitted(&settings(), &request(writable("outer"), fixed("inner")), holding(&yada_account()));
    assert!(
        warnings(&response)[0].contains("may not start: read-only mount \"inner\" at \"/var/run\""),
        "{response:?}"
    );
    let (_, response) =
        admitted(&settings(), &request(fixed("outer"), writable("inner")), holding(&yada_account()));
    assert_eq!(response.warnings, None);
}

#[test]
fn protects_the_path_of_the_ca_file_only_in_the_volume_that_is_written() {
    let settings = with(
        &json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://x", "ca": {"configMap": "ca"}}}),
    );
    let request = |own: bool| {
        yada(|pod| {
            annotate(pod, "use-x", "true");
            let at = if own { "/m" } else { MOUNT };
            let mut containers = vec![
                json!({"name": "b", "volumeMounts": [{"name": "data", "mountPath": format!("{at}/ca-cert")}]}),
            ];
            if own {
                containers.push(json!({"name": "a", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/m/t"}], "volumeMounts": [{"name": "own", "mountPath": "/m"}]}));
            }
            pod["spec"]["containers"] = json!(containers);
            pod["spec"]["volumes"] = json!([token("own", "api://x", "t"), {"name": "data", "emptyDir": {}}]);
        })
    };
    for own in [true, false] {
        let response = evaluate(&settings, &request(own), holding(&yada_account())).response;
        assert_eq!(response.allowed, own, "{}", response.message());
    }
}

#[test]
fn does_not_use_a_sub_path_mount_for_the_token() {
    let mut request =
        mounting(json!([token("own", "api://AzureADTokenExchange", "t")]), "/m/t", &[("own", "/m")]);
    let part = json!({"name": "b", "volumeMounts": [{"name": "own", "mountPath": "/x", "subPath": "t"}]});
    request["object"]["spec"]["containers"].as_array_mut().unwrap().push(part);
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(
        pod["spec"]["containers"][1]["volumeMounts"],
        json!([{"name": "own", "mountPath": "/m", "readOnly": true}])
    );
}

#[test]
fn a_debug_request_whose_old_object_can_not_be_read_is_refused() {
    let (pod, _) = admitted(&governed(), &yada(|_| ()), holding(&yada_account()));
    let mut request = debugging_with(&pod, &foreign(), |pod| annotate(pod, "skip-containers", "d"));
    for old in
        [json!([]), json!("pod"), json!({"metadata": {}, "spec": {"containers": vec![json!({}); 40_000]}})]
    {
        request["oldObject"] = old;
        let (message, code) = refused(&governed(), &request, no_look_up());
        assert!(
            message.contains("request.oldObject is ") && message.contains("not the pod as it runs"),
            "{message}"
        );
        assert_eq!(code, 400);
    }
}

#[test]
fn refuses_exactly_the_annotations_that_kubernetes_refuses() {
    let of = |number: usize, text: &str| {
        yada(|pod| pod["metadata"]["annotations"]["example.com/x"] = json!(text.repeat(number)))
    };
    let limit = 256 * 1024 - "example.com/x".len();
    admitted(&settings(), &of(limit, "x"), holding(&yada_account()));
    let (message, _) = refused(&settings(), &of(limit + 1, "x"), holding(&yada_account()));
    assert!(message.contains("metadata.annotations is more than 256 KiB"), "{message}");
    // As the API server writes it.
    let request = of(limit, "<").to_string().replace('<', "\\u003c");
    let payload = format!("{{\"settings\":{},\"request\":{request}}}", settings());
    let instance = MODULE.instance(holding(&yada_account())).unwrap();
    let answer = String::from_utf8(instance.call("validate", payload.as_bytes()).unwrap()).unwrap();
    assert!(answer.starts_with("{\"accepted\":true"), "{}", &answer[..200]);
}
