//! The rest of the contract: proxy, custom token endpoint, governance, debug containers, preflight, coexistence.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines
)] // a test may fail
mod common;
use common::*;
use serde_json::{Value, json};

type Row = (fn(&mut Value), String);

const FOUR: [&str; 4] =
    ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];

fn without_identity(container: &Value) -> Value {
    let mut container = container.clone();
    container.as_object_mut().unwrap().remove("volumeMounts");
    if let Some(env) = container["env"].as_array_mut() {
        env.retain(|env| !FOUR.contains(&env["name"].as_str().unwrap()));
    }
    container
}

// === Proxy ===

#[test]
fn injects_the_native_proxy_first_and_its_init_container_last() {
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "");
        pod["spec"]["initContainers"] = json!([{"name": "own"}]);
    });
    let (pod, response) = admitted(&settings(), &request, holding(&yada_account()));
    let init = &pod["spec"]["initContainers"];
    assert_eq!(names(init), ["azwi-proxy", "own", "azwi-proxy-init"]);
    assert_eq!(
        without_identity(&init[2]),
        json!({"name": "azwi-proxy-init", "image": "mcr.microsoft.com/oss/azure/workload-identity/proxy-init:v1.6.0",
            "imagePullPolicy": "IfNotPresent", "env": [{"name": "PROXY_PORT", "value": "8000"}],
            "securityContext": {"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "privileged": true, "runAsNonRoot": false, "runAsUser": 0}})
    );
    let mut sidecar = without_identity(&init[0]);
    sidecar.as_object_mut().unwrap().remove("env");
    assert_eq!(
        sidecar,
        json!({"name": "azwi-proxy", "image": "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.6.0",
            "imagePullPolicy": "IfNotPresent", "args": ["--proxy-port=8000", "--log-level=info"], "ports": [{"containerPort": 8000}],
            "lifecycle": {"postStart": {"exec": {"command": ["/proxy", "--proxy-port=8000", "--probe", "--log-level=info"]}}},
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "privileged": false,
                "readOnlyRootFilesystem": true, "runAsNonRoot": true}, "restartPolicy": "Always"})
    );
    assert_eq!(names(&init[0]["env"]), FOUR);
    assert_eq!(names(&init[0]["volumeMounts"]), [VOLUME]);
    assert_eq!(names(&init[2]["env"]), [&["PROXY_PORT"][..], &FOUR].concat());
    assert_eq!(response.warnings, None);
}

#[test]
fn follows_the_proxys_settings() {
    let settings = with(
        &json!({"proxy": {"image": "a/proxy:1", "initImage": "a/init:1", "logLevel": "debug", "nativeSidecar": false, "privilegedInit": false}}),
    );
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        annotate(pod, "proxy-sidecar-port", "9000");
        annotate(pod, "skip-containers", "azwi-proxy;azwi-proxy-init");
    });
    let (pod, response) = admitted(&settings, &request, holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["containers"]), ["azwi-proxy", "yadaapi"]);
    let (sidecar, init) = (&pod["spec"]["containers"][0], &pod["spec"]["initContainers"][0]);
    assert_eq!((&sidecar["image"], &sidecar["args"][1]), (&json!("a/proxy:1"), &json!("--log-level=debug")));
    assert_eq!((sidecar.get("env"), sidecar.get("restartPolicy")), (None, None));
    assert_eq!((&init["image"], &init["securityContext"]["privileged"]), (&json!("a/init:1"), &json!(false)));
    assert_eq!(init["env"], json!([{"name": "PROXY_PORT", "value": "9000"}]));
    assert_eq!(response.warnings, None);
}

#[test]
fn leaves_the_proxy_out_where_it_is_declined_or_there() {
    let (pod, _) = admitted(
        &settings(),
        &yada(|pod| annotate(pod, "inject-proxy-sidecar", "false")),
        holding(&yada_account()),
    );
    assert_eq!(pod["spec"].get("initContainers"), None);
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        pod["spec"]["initContainers"] =
            json!([{"name": "azwi-proxy-init", "image": "own"}, {"name": "azwi-proxy", "image": "own"}]);
    });
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["initContainers"]), ["azwi-proxy-init", "azwi-proxy"]);
    assert_eq!(names(&pod["spec"]["initContainers"][1]["env"]), FOUR);
}

#[test]
fn refuses_the_proxy_where_it_can_not_work() {
    let mend = "leave the proxy out in the pod's manifest, or its workload's pod template, with:\n\
                metadata: {annotations: {azure.workload.identity/inject-proxy-sidecar: \"false\"}}";
    let windows = format!(
        "Pod default/yadaapi: the proxy sidecar does not run on Windows, expected no proxy or a Linux pod; {mend}"
    );
    let rows: [Row; 4] = [
        (|pod| pod["spec"]["hostNetwork"] = json!(true), format!("Pod default/yadaapi: spec.hostNetwork is true: the proxy would redirect the traffic of the whole node, expected no proxy or the pod's own network; {mend}")),
        (|pod| pod["spec"]["os"] = json!({"name": "windows"}), windows.clone()),
        (|pod| pod["spec"]["nodeSelector"] = json!({"kubernetes.io/os": "windows"}), windows),
        (|pod| annotate(pod, "proxy-sidecar-port", "70000"), "Pod default/yadaapi: annotation azure.workload.identity/proxy-sidecar-port is \"70000\", expected a port from 1 to 65535; \
            repair it in the pod's manifest, or its workload's pod template, with:\nmetadata: {annotations: {azure.workload.identity/proxy-sidecar-port: \"8000\"}}".to_owned()),
    ];
    for (change, message) in rows {
        let request = yada(|pod| {
            annotate(pod, "inject-proxy-sidecar", "true");
            change(pod);
        });
        assert_eq!(refused(&settings(), &request, holding(&yada_account())), (message, 400));
    }
}

#[test]
fn warns_where_the_pod_forbids_the_proxys_init_container() {
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        pod["spec"]["securityContext"] = json!({"runAsNonRoot": true});
    });
    let (_, response) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(
        warnings(&response),
        [
            "Pod default/yadaapi: securityContext.runAsNonRoot is true, but azwi-proxy-init runs as root: the namespace may forbid it"
        ]
    );
}

// === Custom token endpoint ===

#[test]
fn adds_the_custom_token_endpoint_of_each_kind_of_ca() {
    let source = |ca: Value| {
        let endpoint = json!({"annotationSuffix": "identity-binding", "audience": "api://AKSIdentityBinding", "tokenProxy": "https://proxy", "sniName": "sni", "ca": ca});
        let settings = with(&json!({"customTokenEndpoint": endpoint}));
        let request = yada(|pod| annotate(pod, "use-identity-binding", "TRUE"));
        let (pod, response) = admitted(&settings, &request, holding(&yada_account()));
        assert_eq!(response.warnings, None);
        let mut sources = pod["spec"]["volumes"][1]["projected"]["sources"].as_array().unwrap().clone();
        assert_eq!(sources.remove(0)["serviceAccountToken"]["audience"], "api://AKSIdentityBinding");
        (pod["spec"]["containers"][0]["env"].as_array().unwrap()[8..].to_vec(), sources)
    };
    let env = |data: &[Value]| {
        let mut env = vec![
            json!({"name": "AZURE_KUBERNETES_TOKEN_PROXY", "value": "https://proxy"}),
            json!({"name": "AZURE_KUBERNETES_SNI_NAME", "value": "sni"}),
            json!({"name": "AZURE_KUBERNETES_CA_FILE", "value": "/var/run/secrets/azure/wi/ca-cert/ca.crt"}),
        ];
        env.extend(data.to_vec());
        env
    };
    assert_eq!(source(json!(null)), (env(&[]), vec![]));
    assert_eq!(
        source(json!({"data": "PEM\n"})),
        (env(&[json!({"name": "AZURE_KUBERNETES_CA_DATA", "value": "PEM\n"})]), vec![])
    );
    assert_eq!(
        source(json!({"configMap": "ca"})),
        (
            env(&[]),
            vec![
                json!({"configMap": {"name": "ca", "items": [{"key": "ca.crt", "path": "ca-cert/ca.crt"}], "optional": false}})
            ]
        )
    );
    assert_eq!(
        source(
            json!({"clusterTrustBundle": {"signerName": "a/b", "labelSelector": {"matchLabels": {"x": "y"}}}})
        ),
        (
            env(&[]),
            vec![
                json!({"clusterTrustBundle": {"signerName": "a/b", "labelSelector": {"matchLabels": {"x": "y"}}, "path": "ca-cert/ca.crt", "optional": false}})
            ]
        )
    );
    assert_eq!(
        source(json!({"clusterTrustBundle": {"signerName": "a/b"}})),
        (
            env(&[]),
            vec![
                json!({"clusterTrustBundle": {"signerName": "a/b", "path": "ca-cert/ca.crt", "optional": false}})
            ]
        )
    );
}

#[test]
fn leaves_the_endpoint_out_of_pods_that_do_not_ask() {
    let settings =
        with(&json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://other"}}));
    for value in ["false", "", "yes"] {
        let (pod, _) =
            admitted(&settings, &yada(|pod| annotate(pod, "use-x", value)), holding(&yada_account()));
        assert_eq!(names(&pod["spec"]["containers"][0]["env"]).len(), 8);
    }
}

// === Governance ===

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

// === Debug containers ===

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

// === ServiceAccounts ===

fn account_request(account: &Value, old: Option<&Value>) -> Value {
    json!({"uid": "1", "kind": {"group": "", "version": "v1", "kind": "ServiceAccount"},
        "resource": {"group": "", "version": "v1", "resource": "serviceaccounts"}, "name": "myserviceaccount", "namespace": "default",
        "operation": if old.is_some() { "UPDATE" } else { "CREATE" }, "userInfo": {}, "object": account, "oldObject": old})
}

#[test]
fn refuses_a_service_account_whose_identity_can_not_be_right_where_it_is_made() {
    let (message, code) =
        refused(&settings(), &account_request(&service_account(&json!({"client-id": "x"})), None), nobody());
    assert_eq!(
        (message.as_str(), code),
        (
            "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"x\", expected a UUID; repair it with:\n\
          kubectl annotate --overwrite serviceaccount -n default myserviceaccount azure.workload.identity/client-id=<the managed identity's client id>",
            400
        )
    );
    let (_, response) = admitted(&settings(), &account_request(&yada_account(), None), nobody());
    assert_eq!((response.warnings, response.audit_annotations.unwrap().len()), (None, 4));
}

#[test]
fn lets_an_update_pass_that_does_not_touch_what_was_wrong() {
    let wrong = service_account(&json!({"client-id": "x"}));
    let mut touched = wrong.clone();
    touched["metadata"]["labels"]["other"] = json!("y");
    let (_, response) = admitted(&settings(), &account_request(&touched, Some(&wrong)), nobody());
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"x\", expected a UUID"
        ]
    );
    refused(
        &settings(),
        &account_request(&service_account(&json!({"client-id": "y"})), Some(&wrong)),
        nobody(),
    );
    admitted(&settings(), &account_request(&yada_account(), Some(&wrong)), nobody());
}

#[test]
fn warns_about_a_service_accounts_label() {
    let mut unlabelled = yada_account();
    unlabelled["metadata"]["labels"] = json!({});
    let (_, response) =
        admitted(&with(&json!({"trigger": "ServiceAccount"})), &account_request(&unlabelled, None), nobody());
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: its annotations have no effect without the label azure.workload.identity/use=true"
        ]
    );
    unlabelled["metadata"]["labels"] = json!({"azure.workload.identity/use": "yes"});
    let (_, response) = admitted(&settings(), &account_request(&unlabelled, None), nobody());
    assert_eq!(
        warnings(&response),
        [
            "ServiceAccount default/myserviceaccount: label azure.workload.identity/use is \"yes\", which counts as absent, expected \"true\" or \"false\""
        ]
    );
    let plain = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x", "namespace": "default"}});
    assert_eq!(admitted(&json!({}), &account_request(&plain, None), nobody()).1.warnings, None);
}

// === Workloads ===

const KINDS: [(&str, &str, &str); 7] = [
    ("apps", "Deployment", "deployments"),
    ("apps", "StatefulSet", "statefulsets"),
    ("apps", "DaemonSet", "daemonsets"),
    ("apps", "ReplicaSet", "replicasets"),
    ("", "ReplicationController", "replicationcontrollers"),
    ("batch", "Job", "jobs"),
    ("batch", "CronJob", "cronjobs"),
];

fn workload((group, kind, resource): (&str, &str, &str), change: impl FnOnce(&mut Value)) -> Value {
    let pod = yada(|_| ())["object"].clone();
    let mut template = json!({"metadata": {"labels": {"app": "yadaapi"}}, "spec": pod["spec"]});
    change(&mut template);
    let spec = if kind == "CronJob" {
        json!({"jobTemplate": {"spec": {"template": template}}})
    } else {
        json!({"template": template})
    };
    json!({"uid": "1", "kind": {"group": group, "version": "v1", "kind": kind}, "resource": {"group": group, "version": "v1", "resource": resource},
        "name": "web", "namespace": "default", "operation": "CREATE", "userInfo": {},
        "object": {"metadata": {"name": "web", "namespace": "default"}, "spec": spec}})
}

#[test]
fn says_of_each_kind_of_workload_what_its_pods_will_meet() {
    for kind in KINDS {
        let judged = |settings: &Value, request: &Value, account: &Value| {
            let evaluation = evaluate(settings, request, holding(account));
            assert_eq!(evaluation.answer.unwrap().mutated_object, None);
            (evaluation.response.allowed, warnings(&evaluation.response))
        };
        assert_eq!(judged(&settings(), &workload(kind, |_| ()), &yada_account()), (true, vec![]), "{kind:?}");
        let wrong = service_account(&json!({"client-id": "x"}));
        let says = vec!["ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"x\", expected a UUID".to_owned()];
        assert_eq!(judged(&settings(), &workload(kind, |_| ()), &wrong), (true, says.clone()), "{kind:?}");
        assert_eq!(
            judged(&with(&json!({"preflight": "Enforce"})), &workload(kind, |_| ()), &wrong),
            (true, says)
        );
        assert_eq!(
            judged(&with(&json!({"preflight": "Off"})), &workload(kind, |_| ()), &wrong),
            (true, vec![])
        );
        let hasty = workload(kind, |template| annotate(template, "service-account-token-expiration", "60"));
        assert!(judged(&settings(), &hasty, &yada_account()).0);
        let (message, _) = refused(&with(&json!({"preflight": "Enforce"})), &hasty, holding(&yada_account()));
        assert!(message.starts_with(&format!("{} default/web: annotation azure.workload.identity/service-account-token-expiration is \"60\"", kind.1)), "{message}");
    }
}

#[test]
fn says_nothing_when_a_workload_is_scaled_or_has_nothing_to_do_with_identity() {
    let mut scaled = workload(KINDS[0], |_| ());
    scaled["operation"] = json!("UPDATE");
    scaled["oldObject"] = scaled["object"].clone();
    scaled["object"]["spec"]["replicas"] = json!(5);
    let silent = |settings: &Value, request: &Value| {
        let response = evaluate(settings, request, nobody()).response;
        assert_eq!((response.allowed, response.warnings), (true, None));
    };
    silent(&settings(), &scaled);
    silent(&with(&json!({"trigger": "Pod"})), &workload(KINDS[0], |_| ()));
    silent(&settings(), &workload(KINDS[0], |template| label(template, "false")));
    let mut plain = yada_account();
    plain["metadata"]["labels"] = json!({});
    assert_eq!(evaluate(&settings(), &workload(KINDS[0], |_| ()), holding(&plain)).response.warnings, None);
    assert_eq!(evaluate(&settings(), &workload(KINDS[0], |_| ()), not_found()).response.warnings, None);
}

#[test]
fn warns_about_labels_and_annotations_beside_the_template() {
    let mut request = workload(KINDS[5], |_| ());
    request["object"]["metadata"]["labels"] = json!({"azure.workload.identity/use": "true"});
    request["object"]["metadata"]["annotations"] =
        json!({"azure.workload.identity/skip-containers": "x", "azure.workload.identity/client-id": "x"});
    let response = evaluate(&settings(), &request, not_found()).response;
    assert_eq!(
        warnings(&response),
        [
            "Job default/web: label azure.workload.identity/use has no effect here, put it on spec.template.metadata",
            "Job default/web: annotation azure.workload.identity/client-id has no effect here, put it on the ServiceAccount",
            "Job default/web: annotation azure.workload.identity/skip-containers has no effect here, put it on spec.template.metadata",
        ]
    );
}

#[test]
fn never_refuses_a_workload_for_a_failed_look_up() {
    let labelled = workload(KINDS[0], |template| label(template, "true"));
    let enforce = with(&json!({"preflight": "Enforce"}));
    let response = evaluate(&enforce, &labelled, not_found()).response;
    assert_eq!(
        (response.allowed, warnings(&response)),
        (true, vec!["ServiceAccount default/myserviceaccount: it does not exist: pods of this workload get no identity until that is mended".to_owned()])
    );
    // What the template itself gets wrong is certain all the same.
    let wrong = workload(KINDS[0], |template| {
        label(template, "true");
        annotate(template, "service-account-token-expiration", "x");
    });
    refused(&enforce, &wrong, not_found());
}

// === Limits ===

#[test]
fn keeps_warnings_within_256_characters_for_the_longest_names() {
    let long = "a".repeat(253);
    let request = yada(|pod| {
        pod["metadata"]["name"] = json!(long);
        pod["spec"]["serviceAccountName"] = json!(long);
        pod["metadata"]["labels"]["aadpodidbinding"] = json!("x");
        pod["spec"]["containers"][0]["name"] = json!("c".repeat(63));
        pod["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "x"}]);
        annotate(pod, "skip-containers", &"s".repeat(63));
        annotate(pod, &"u".repeat(63), "x");
        label(pod, &"l".repeat(63));
    });
    let mut account = service_account(&json!({"proxy-sidecar-port": "x"}));
    account["metadata"]["name"] = json!(long);
    let (_, response) = admitted(&settings(), &request, holding(&account));
    let warnings = warnings(&response);
    assert_eq!(warnings.len(), 7, "{warnings:#?}");
    for warning in &warnings {
        assert!(warning.chars().count() <= 256, "{warning}");
    }
    assert!(warnings[0].ends_with("which counts as absent, expected \"true\" or \"false\""));
}

// === Coexistence ===

#[test]
fn completes_a_container_in_which_only_part_of_the_injection_is_there() {
    let request = yada(|pod| {
        pod["spec"]["containers"][0]["env"] =
            json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": TOKEN_FILE}]);
    });
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["containers"][0]["env"]), [FOUR[2], FOUR[0], FOUR[1], FOUR[3]]);
    assert_eq!(names(&pod["spec"]["containers"][0]["volumeMounts"]), ["kube-api-access-7xk2p", VOLUME]);
    assert_eq!(names(&pod["spec"]["volumes"]), ["kube-api-access-7xk2p", VOLUME]);
}

#[test]
fn changes_nothing_in_its_own_output_with_every_feature_in() {
    let settings = with(
        &json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://other", "ca": {"configMap": "ca"}},
        "extraEnv": [{"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}]}),
    );
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        annotate(pod, "use-x", "true");
    });
    let (pod, _) = admitted(&settings, &request, holding(&yada_account()));
    let again = yada(|object| *object = pod);
    assert_eq!(evaluate(&settings, &again, holding(&yada_account())).answer.unwrap().mutated_object, None);
}
