//! What a pod that is due an identity comes out with, through the module.
use crate::common::*;
use azwi_policy::replay;
use serde_json::{Value, json};

#[test]
fn gives_yadas_pod_the_environment_of_the_article() {
    let request = yada(|_| ());
    let answers = replay::from_text(&file("examples/walkthrough/replay.yaml")).unwrap();
    let (pod, response) = admitted(&settings(), &request, answers);
    let expected: Value = serde_json::from_str(&file("examples/walkthrough/expected-env.json")).unwrap();
    assert_eq!(pod["spec"]["containers"][0]["env"], expected);
    assert_eq!(
        pod["spec"]["volumes"][1],
        json!({"name": VOLUME, "projected": {"sources": [{"serviceAccountToken": {
            "audience": "api://AzureADTokenExchange", "expirationSeconds": 3600, "path": "token/azure-identity-token"}}]}})
    );
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"][1],
        json!({"name": VOLUME, "mountPath": MOUNT, "readOnly": true})
    );
    let patch = serde_json::to_value(response.decoded_patch().unwrap().unwrap()).unwrap();
    for operation in patch.as_array().unwrap() {
        assert_eq!(operation["op"], "add");
        let path = operation["path"].as_str().unwrap();
        assert!(
            ["/spec/volumes/", "/spec/containers/0/env/", "/spec/containers/0/volumeMounts/"]
                .iter()
                .any(|on| path.starts_with(on)),
            "{path}"
        );
    }
    assert_eq!(
        serde_json::to_value(response.audit_annotations).unwrap(),
        json!({"service-account": "default/myserviceaccount", "client-id": CLIENT_ID, "tenant-id": TENANT_ID,
               "subject": "system:serviceaccount:default:myserviceaccount"})
    );
    assert_eq!(response.warnings, None);
}

#[test]
fn makes_one_look_up_past_the_cache_and_logs_one_line() {
    let evaluation = evaluate(&settings(), &yada(|_| ()), holding(&yada_account()));
    assert_eq!(evaluation.calls.look_ups.len(), 1);
    assert!(evaluation.calls.look_ups[0].disable_cache);
    let mut log = evaluation.calls.log;
    // Where in the policy's source it was logged, which slog adds.
    for line in &mut log {
        line.as_object_mut().unwrap().retain(|name, _| !["file", "line", "column"].contains(&name.as_str()));
    }
    assert_eq!(
        log,
        [
            json!({"level": "info", "message": "identity injected", "object": "Pod default/yadaapi", "namespace": "default",
            "outcome": "mutated", "service-account": "default/myserviceaccount", "client-id": CLIENT_ID,
            "tenant-id": TENANT_ID, "subject": "system:serviceaccount:default:myserviceaccount"})
        ]
    );
}

#[test]
fn keeps_everything_else_as_it_came() {
    let request = yada(|pod| {
        pod["futureField"] = json!({"a": null, "b": []});
        pod["metadata"]["annotations"] = json!({"big": "18446744073709551616"});
        pod["spec"]["futureField"] = json!([1.5, 1e300, 18_446_744_073_709_551_615_u64, null]);
        pod["spec"]["containers"][0]["futureField"] = json!({"deep": {"er": [null, {}, []]}});
        pod["spec"]["containers"][0]["env"][0]["futureField"] = json!(null);
        pod["spec"]["containers"][0]["volumeMounts"][0]["futureField"] = json!(-0.5);
        pod["spec"]["volumes"][0]["futureField"] = json!({"x": 1});
        pod["spec"]["initContainers"] =
            json!([{"name": "a", "env": null, "restartPolicy": "Always", "command": []}]);
        pod["spec"]["overhead"] = json!(null);
    });
    let (_, response) = admitted(&settings(), &request, holding(&yada_account()));
    let patch = serde_json::to_value(response.decoded_patch().unwrap().unwrap()).unwrap();
    for operation in patch.as_array().unwrap() {
        let (op, path) = (operation["op"].as_str().unwrap(), operation["path"].as_str().unwrap());
        assert!(op == "add" || (op, path) == ("replace", "/spec/initContainers/0/env"), "{operation}");
    }
}

#[test]
fn equips_init_containers_and_containers_but_not_skipped_ones() {
    let request = yada(|pod| {
        pod["spec"]["initContainers"] = json!([{"name": "migrate", "image": "x"}]);
        pod["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "side", "image": "x"}));
        annotate(pod, "skip-containers", " side ; ");
    });
    let (pod, response) = admitted(&settings(), &request, holding(&yada_account()));
    let four = ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];
    assert_eq!(names(&pod["spec"]["initContainers"][0]["env"]), four);
    assert_eq!(names(&pod["spec"]["initContainers"][0]["volumeMounts"]), [VOLUME]);
    assert_eq!(pod["spec"]["containers"][1], json!({"name": "side", "image": "x"}));
    assert_eq!(response.warnings, None);
}

#[test]
fn writes_the_legacy_layout_where_it_is_set() {
    let settings = json!({"tenantId": TENANT_ID, "layout": "Legacy", "cloud": "AzureChinaCloud", "audience": "api://x", "tokenExpirationSeconds": 7200});
    let (pod, _) = admitted(&settings, &yada(|_| ()), holding(&yada_account()));
    assert_eq!(
        pod["spec"]["volumes"][1],
        json!({"name": "azure-identity-token", "projected": {"sources": [{"serviceAccountToken": {
            "audience": "api://x", "expirationSeconds": 7200, "path": "azure-identity-token"}}]}})
    );
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"][1],
        json!({"name": "azure-identity-token", "mountPath": "/var/run/secrets/azure/tokens", "readOnly": true})
    );
    let env = &pod["spec"]["containers"][0]["env"];
    assert_eq!(env[6]["value"], "/var/run/secrets/azure/tokens/azure-identity-token");
    assert_eq!(env[7]["value"], "https://login.chinacloudapi.cn/");
}

#[test]
fn appends_extra_env_after_the_four_and_only_where_it_is_missing() {
    let settings = json!({"tenantId": TENANT_ID, "extraEnv": [
        {"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}, {"name": "AKV_NAME", "value": "other"}, {"name": "EMPTY", "value": ""}]});
    let (pod, _) = admitted(&settings, &yada(|_| ()), holding(&yada_account()));
    let env = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    assert_eq!(env[8..], [json!({"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"})]);
}

#[test]
fn takes_the_pods_expiration_before_the_service_accounts_before_the_setting() {
    let account =
        service_account(&json!({"client-id": CLIENT_ID, "service-account-token-expiration": "7200"}));
    let seconds = |request: &Value| {
        let (pod, _) = admitted(&settings(), request, holding(&account));
        pod["spec"]["volumes"][1]["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"]
            .clone()
    };
    assert_eq!(seconds(&yada(|_| ())), 7200);
    assert_eq!(seconds(&yada(|pod| annotate(pod, "service-account-token-expiration", "86400"))), 86400);
    assert_eq!(seconds(&yada(|pod| annotate(pod, "service-account-token-expiration", ""))), 7200);
}

#[test]
fn changes_nothing_in_its_own_output() {
    let (pod, _) = admitted(&settings(), &yada(|_| ()), holding(&yada_account()));
    let again = yada(|object| *object = pod.clone());
    assert_eq!(evaluate(&settings(), &again, holding(&yada_account())).answer.unwrap().mutated_object, None);
    // The API server has filled in the mode meanwhile.
    let defaulted = yada(|object| {
        *object = pod;
        object["spec"]["volumes"][1]["projected"]["defaultMode"] = json!(420);
    });
    assert_eq!(
        evaluate(&settings(), &defaulted, holding(&yada_account())).answer.unwrap().mutated_object,
        None
    );
}

#[test]
fn replaces_a_volume_and_a_mount_that_have_the_reserved_name() {
    let request = yada(|pod| {
        pod["spec"]["volumes"]
            .as_array_mut()
            .unwrap()
            .insert(0, json!({"name": VOLUME, "hostPath": {"path": "/"}}));
        let mount = json!({"name": VOLUME, "mountPath": "/host"});
        pod["spec"]["containers"][0]["volumeMounts"].as_array_mut().unwrap().insert(0, mount);
    });
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["volumes"]), [VOLUME, "kube-api-access-7xk2p"]);
    assert_eq!(pod["spec"]["volumes"][0].get("hostPath"), None);
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"][0],
        json!({"name": VOLUME, "mountPath": MOUNT, "readOnly": true})
    );
}

#[test]
fn leaves_a_container_alone_that_the_legacy_webhook_has_equipped() {
    let webhooks = with(&json!({"layout": "Legacy"}));
    let (equipped, _) = admitted(&webhooks, &yada(|_| ()), holding(&yada_account()));
    let again = yada(|object| *object = equipped);
    let evaluation = evaluate(&settings(), &again, holding(&yada_account()));
    assert_eq!(evaluation.answer.unwrap().mutated_object, None);
    assert_eq!(evaluation.response.warnings, None);
}

#[test]
fn refuses_a_mount_that_would_hide_the_token() {
    let around = "/var/run//secrets/azure/x/../wi/d3f089d52aa311812405d5d067015a/token".to_owned();
    for path in [MOUNT.to_owned(), format!("{MOUNT}/"), around, TOKEN_FILE.to_owned()] {
        let request = yada(|pod| {
            let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array_mut().unwrap();
            mounts.push(json!({"name": "cache", "mountPath": path}));
        });
        assert_eq!(
            refused(&settings(), &request, holding(&yada_account())),
            (
                format!(
                    "Pod default/yadaapi: container \"yadaapi\" mounts volume \"cache\" at \"{path}\", which hides the identity's token; \
                     move that mount, or give the container no identity:\n\
                     metadata: {{annotations: {{azure.workload.identity/skip-containers: \"yadaapi\"}}}}"
                ),
                400
            )
        );
    }
    let beside =
        ["/var/run/secrets", "/var/run/secrets/azure/wi", "/var/run/secrets/azure/wi2"].map(str::to_owned);
    // Where the authority of an endpoint would be: this pod does not ask for one.
    for path in beside.into_iter().chain([format!("{MOUNT}/other"), format!("{MOUNT}/ca-cert")]) {
        let request = yada(|pod| {
            let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array_mut().unwrap();
            mounts.push(json!({"name": "cache", "mountPath": path}));
        });
        admitted(&settings(), &request, holding(&yada_account()));
    }
}

#[test]
fn reads_the_service_account_of_the_requests_namespace() {
    let mut request = yada(|pod| {
        pod["metadata"]["namespace"] = json!("elsewhere");
        pod["spec"]["serviceAccountName"] = json!("");
        pod["spec"]["serviceAccount"] = json!("older");
    });
    request["namespace"] = json!("here");
    let asked = &evaluate(&settings(), &request, not_found()).calls.look_ups[0];
    assert_eq!((asked.namespace.as_deref(), asked.name.as_str()), (Some("here"), "older"));
}

#[test]
fn adds_no_variable_twice_however_many_there_are() {
    let extra: Vec<Value> =
        (0..20).map(|index| json!({"name": format!("EXTRA_{index}"), "value": "x"})).collect();
    let request = yada(|pod| {
        pod["spec"]["containers"][0]["env"] =
            json!([{"name": "EXTRA_7", "value": "own"}, {"name": "AZURE_TENANT_ID", "value": TENANT_ID}]);
    });
    let (pod, _) = admitted(&with(&json!({"extraEnv": extra})), &request, holding(&yada_account()));
    let env = &pod["spec"]["containers"][0]["env"];
    let all = names(env);
    assert_eq!((all.len(), &env[0]["value"]), (24, &json!("own")));
    assert_eq!(all.iter().filter(|name| ["EXTRA_7", "AZURE_TENANT_ID"].contains(name)).count(), 2);
}

#[test]
fn replaces_a_reserved_volume_that_no_container_has_its_token_in() {
    let (made, _) = admitted(&settings(), &yada(|_| ()), holding(&yada_account()));
    let with_volume = |change: fn(&mut Value)| {
        yada(|object| {
            let mut volume = made["spec"]["volumes"][1].clone();
            change(&mut volume);
            object["spec"]["volumes"].as_array_mut().unwrap().push(volume);
        })
    };
    let volume = |request: &Value| {
        let (pod, _) = admitted(&settings(), request, holding(&yada_account()));
        assert_eq!(names(&pod["spec"]["volumes"]), ["kube-api-access-7xk2p", VOLUME]);
        pod["spec"]["volumes"][1].clone()
    };
    let other_mode = with_volume(|volume| volume["projected"]["defaultMode"] = json!(256));
    assert_eq!(volume(&other_mode), made["spec"]["volumes"][1]);
    // 0644, in decimal: what the API server fills in.
    let defaulted = with_volume(|volume| volume["projected"]["defaultMode"] = json!(420));
    assert_eq!(volume(&defaulted)["projected"]["defaultMode"], 420);
}

#[test]
fn logs_a_refusal_as_a_warning() {
    let account = service_account(&json!({"client-id": "x"}));
    let evaluation = evaluate(&settings(), &yada(|_| ()), holding(&account));
    let line = &evaluation.calls.log[0];
    assert_eq!(evaluation.calls.log.len(), 1);
    assert_eq!((&line["level"], &line["outcome"]), (&json!("warning"), &json!("refused")));
    assert_eq!(line["message"], "annotation azure.workload.identity/client-id is \"x\", which is not a UUID");
}

#[test]
fn a_pod_or_its_service_account_chooses_the_layout() {
    const OLD: &str = "/var/run/secrets/azure/tokens/azure-identity-token";
    let file = |pod: &Value| {
        let env = pod["spec"]["containers"][0]["env"].as_array().unwrap().clone();
        let file = env.into_iter().find(|env| env["name"] == "AZURE_FEDERATED_TOKEN_FILE").unwrap();
        file["value"].as_str().unwrap().to_owned()
    };
    let given = |of_pod: &str, of_account: &str| {
        let mut account = yada_account();
        if !of_account.is_empty() {
            account["metadata"]["annotations"]["azure.workload.identity/layout"] = json!(of_account);
        }
        let request = yada(|pod| {
            if !of_pod.is_empty() {
                annotate(pod, "layout", of_pod);
            }
        });
        let (pod, response) = admitted(&settings(), &request, holding(&account));
        assert_eq!(warnings(&response), [""; 0]);
        file(&pod)
    };
    assert_eq!(given("Legacy", ""), OLD);
    assert_eq!(given("", "Legacy"), OLD);
    assert!(given("PerPod", "Legacy").starts_with("/var/run/secrets/azure/wi/"));
    assert_eq!(given("Fixed", "Legacy"), "/var/run/secrets/azure/wi/token/azure-identity-token");
}
