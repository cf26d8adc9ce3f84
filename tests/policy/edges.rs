//! Edges of decisions that no other test walked along: each kills changes that cargo-mutants made and nothing noticed.

use crate::common::*;
use serde_json::{Value, json};

fn endpoint() -> Value {
    with(&json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://AKSIdentityBinding",
        "tokenProxy": "https://proxy", "ca": {"configMap": "ca"}}}))
}

/// A container as the webhook up to 1.5 equips it.
fn equipped_by_webhook_1_5() -> Value {
    let folder = "/var/run/secrets/azure/tokens";
    json!({"name": "a", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": format!("{folder}/azure-identity-token")}],
        "volumeMounts": [{"name": "azure-identity-token", "mountPath": folder, "readOnly": true}]})
}

/// YADA's pod with these containers and volumes.
fn pod(containers: &Value, volumes: &Value) -> Value {
    yada(|pod| {
        pod["spec"]["containers"] = containers.clone();
        pod["spec"]["volumes"] = volumes.clone();
    })
}

fn env(container: &Value, name: &str) -> Option<String> {
    let env = container["env"].as_array()?.iter().find(|env| env["name"] == name)?;
    Some(env["value"].as_str().unwrap_or_default().to_owned())
}

fn told(settings: &Value, request: &Value) -> (Value, Vec<String>) {
    let (pod, response) = admitted(settings, request, holding(&yada_account()));
    (pod, warnings(&response))
}

// === Tokens that are there ===

#[test]
fn a_pod_whose_token_is_not_for_the_endpoint_does_not_get_its_variables() {
    let mut request = pod(
        &json!([
            equipped_by_webhook_1_5(),
            {"name": "b"}]),
        &json!([token("azure-identity-token", "api://AzureADTokenExchange", "azure-identity-token")]),
    );
    annotate(&mut request["object"], "use-x", "true");
    let (pod, _) = told(&endpoint(), &request);
    for container in pod["spec"]["containers"].as_array().unwrap() {
        assert_eq!(env(container, "AZURE_CLIENT_ID").as_deref(), Some(CLIENT_ID), "{container}");
        assert_eq!(env(container, "AZURE_KUBERNETES_TOKEN_PROXY"), None, "{container}");
    }
    request["object"]["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]["audience"] =
        json!("api://AKSIdentityBinding");
    let (pod, _) = told(&endpoint(), &request);
    for container in pod["spec"]["containers"].as_array().unwrap() {
        assert_eq!(
            env(container, "AZURE_KUBERNETES_TOKEN_PROXY").as_deref(),
            Some("https://proxy"),
            "{container}"
        );
    }
}

#[test]
fn a_container_that_names_its_token_file_finds_the_endpoints_certificates_beside_it() {
    let mut request = pod(
        &json!([
            {"name": "a", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/secrets/azure/mine/token/azure-identity-token"}]},
            {"name": "b"}]),
        &json!([]),
    );
    annotate(&mut request["object"], "use-x", "true");
    let (pod, warned) = told(&endpoint(), &request);
    let [a, b] = &pod["spec"]["containers"].as_array().unwrap()[..] else { panic!("{pod}") };
    assert_eq!(
        env(a, "AZURE_KUBERNETES_CA_FILE").as_deref(),
        Some("/var/run/secrets/azure/mine/ca-cert/ca.crt")
    );
    assert_eq!(
        a["volumeMounts"],
        json!([{"name": VOLUME, "mountPath": "/var/run/secrets/azure/mine", "readOnly": true}])
    );
    assert_eq!(env(b, "AZURE_KUBERNETES_CA_FILE"), Some(format!("{MOUNT}/ca-cert/ca.crt")));
    assert_eq!(warned, <[&str; 0]>::default());
}

#[test]
fn a_container_that_has_the_shared_volume_elsewhere_is_told_where() {
    let request = pod(
        &json!([
            equipped_by_webhook_1_5(),
            {"name": "b", "volumeMounts": [{"name": "azure-identity-token", "mountPath": "/elsewhere", "readOnly": true}]}]),
        &json!([token("azure-identity-token", "api://AzureADTokenExchange", "azure-identity-token")]),
    );
    let (pod, _) = told(&settings(), &request);
    let b = &pod["spec"]["containers"][1];
    assert_eq!(env(b, "AZURE_FEDERATED_TOKEN_FILE").as_deref(), Some("/elsewhere/azure-identity-token"));
    assert_eq!(b["volumeMounts"], request["object"]["spec"]["containers"][1]["volumeMounts"]);
}

#[test]
fn a_mount_with_only_the_right_path_is_corrected() {
    let request = pod(
        &json!([{"name": "a", "volumeMounts": [{"name": VOLUME, "mountPath": MOUNT, "subPath": "token"}]}]),
        &json!([token(VOLUME, "api://AzureADTokenExchange", "token/azure-identity-token")]),
    );
    let (pod, _) = told(&settings(), &request);
    let right = json!([{"name": VOLUME, "mountPath": MOUNT, "readOnly": true}]);
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"], right);
}

#[test]
fn a_container_gets_the_one_of_two_tokens_that_its_variable_names() {
    let mut volume = token("azure-identity-token", "api://AzureADTokenExchange", "azure-identity-token");
    let second =
        json!({"serviceAccountToken": {"path": "other/token", "audience": "api://AzureADTokenExchange"}});
    volume["projected"]["sources"].as_array_mut().unwrap().push(second);
    let file = "/var/run/secrets/azure/mine/other/token";
    let request = pod(
        &json!([
            equipped_by_webhook_1_5(),
            {"name": "b", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file}]}]),
        &json!([volume]),
    );
    let (pod, warned) = told(&settings(), &request);
    let mount = json!([{"name": "azure-identity-token", "mountPath": "/var/run/secrets/azure/mine", "readOnly": true}]);
    assert_eq!(pod["spec"]["containers"][1]["volumeMounts"], mount);
    assert_eq!(warned, <[&str; 0]>::default());
}

#[test]
fn a_moved_mount_goes_back_and_not_another_volumes_mount_in_its_place() {
    let request = pod(
        &json!([
            equipped_by_webhook_1_5(),
            {"name": "b", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": TOKEN_FILE}],
             "volumeMounts": [{"name": VOLUME, "mountPath": "/moved", "readOnly": true}]}]),
        &json!([
            token("azure-identity-token", "api://AzureADTokenExchange", "azure-identity-token"),
            token(VOLUME, "api://AzureADTokenExchange", "token/azure-identity-token")
        ]),
    );
    let (pod, _) = told(&settings(), &request);
    let back = json!([{"name": VOLUME, "mountPath": MOUNT, "readOnly": true}]);
    assert_eq!(pod["spec"]["containers"][1]["volumeMounts"], back);
}

#[test]
fn a_volume_of_the_pods_author_is_not_taken_for_one_that_was_moved() {
    let mounts = json!([{"name": "mine", "mountPath": "/other", "readOnly": true}]);
    let file = "/var/run/secrets/azure/mine/token/azure-identity-token";
    let request = pod(
        &json!([{"name": "a", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file}], "volumeMounts": mounts}]),
        &json!([token("mine", "api://AzureADTokenExchange", "token/azure-identity-token")]),
    );
    let (pod, _) = told(&settings(), &request);
    let mounts = &pod["spec"]["containers"][0]["volumeMounts"];
    assert_eq!(
        mounts,
        &json!([{"name": "mine", "mountPath": "/other", "readOnly": true},
        {"name": VOLUME, "mountPath": "/var/run/secrets/azure/mine", "readOnly": true}])
    );
}

#[test]
fn the_volume_is_made_right_beside_a_container_that_brings_its_own_token() {
    let own = json!({"name": "own", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/own/token"}],
        "volumeMounts": [{"name": "data", "mountPath": "/own"}]});
    let request =
        pod(&json!([own, {"name": "b"}]), &json!([{"name": VOLUME, "emptyDir": {}}, {"name": "data"}]));
    let (pod, _) = told(&settings(), &request);
    assert!(pod["spec"]["volumes"][0]["projected"].is_object(), "{pod}");
}

#[test]
fn a_token_volume_under_the_layouts_name_is_renewed_though_a_device_has_its_name() {
    let request = pod(
        &json!([{"name": "a", "volumeDevices": [{"name": VOLUME, "devicePath": "/dev/x"}]}]),
        &json!([token(VOLUME, "api://AzureADTokenExchange", "token/azure-identity-token")]),
    );
    let (pod, _) = told(&settings(), &request);
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"][0]["name"], VOLUME);
}

#[test]
fn a_token_counts_whichever_of_two_mounts_at_one_path_has_it() {
    let mount = |name: &str, path: &str| json!({"name": name, "mountPath": path});
    let (data, token_mount) =
        (mount("data", "/var/run/secrets/azure/x"), mount("t", "/var/run/secrets/azure/x/"));
    for mounts in [[&data, &token_mount], [&token_mount, &data]] {
        let request = pod(
            &json!([{"name": "a", "volumeMounts": mounts,
                "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/secrets/azure/x/token"}]}]),
            &json!([{"name": "data", "emptyDir": {}}, token("t", "api://AzureADTokenExchange", "token")]),
        );
        let (pod, _) = told(&settings(), &request);
        assert_eq!(pod["spec"]["containers"][0]["volumeMounts"].as_array().unwrap().len(), 2, "{pod}");
        assert_eq!(env(&pod["spec"]["containers"][0], "AZURE_CLIENT_ID").as_deref(), Some(CLIENT_ID));
    }
}

#[test]
fn only_the_exact_path_run_is_treated_as_a_link() {
    let request = pod(
        &json!([{"name": "a", "volumeMounts": [{"name": "t", "mountPath": "/var/runtime"}],
            "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/runtime/token"}]}]),
        &json!([token("t", "api://AzureADTokenExchange", "token")]),
    );
    let (pod, warned) = told(&settings(), &request);
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"].as_array().unwrap().len(), 2, "{pod}");
    assert!(warned.iter().any(|text| text.contains("AZURE_FEDERATED_TOKEN_FILE")), "{warned:?}");
}

// === Lengths ===

/// YADA's pod whose container has its token file at a path of this many bytes.
fn file_of(length: usize) -> (Value, Vec<String>) {
    let (head, tail) = ("/var/run/secrets/azure/", "/token/azure-identity-token");
    let file = format!("{head}{}{tail}", "x".repeat(length - head.len() - tail.len()));
    let containers = json!([{"name": "a", "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file}]}]);
    told(&settings(), &pod(&containers, &json!([])))
}

#[test]
fn a_token_file_is_honoured_up_to_512_bytes() {
    let (pod, warned) = file_of(512);
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"].as_str().unwrap().len(), 485);
    assert_eq!(warned, <[&str; 0]>::default());
    let (pod, warned) = file_of(513);
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"], MOUNT);
    assert_eq!(warned.len(), 1, "{warned:?}");
}

#[test]
fn a_token_file_path_that_no_process_can_open_counts_as_unknown() {
    let unknown =
        |length| file_of(length).1.iter().any(|text| text.contains("to a path that can't be checked"));
    let texts = (file_of(4_095).1, file_of(4_096).1);
    assert_ne!(texts.0, texts.1);
    assert!(!unknown(4_095) && unknown(4_096), "{texts:?}");
}

/// Largest object that the policy makes, in bytes.
const OBJECT_MAX: usize = 2_000_000;

/// The largest padding, in bytes, that is accepted.
fn largest(accepts: impl Fn(usize) -> bool) -> usize {
    let (mut most, mut refused) = (0, OBJECT_MAX);
    assert!(accepts(most) && !accepts(refused));
    while refused - most > 1 {
        let middle = most.midpoint(refused);
        if accepts(middle) { most = middle } else { refused = middle }
    }
    most
}

#[test]
fn a_pod_is_accepted_as_long_as_it_can_be_stored_with_its_identity() {
    let extra: Vec<Value> =
        (0..60).map(|number| json!({"name": format!("V{number}"), "value": "x"})).collect();
    let settings = with(&json!({"extraEnv": extra}));
    for (containers, proxy) in [(1, false), (100, false), (1, true)] {
        let request = |padding: usize| {
            let mut request = pod(
                &(0..containers).map(|number| json!({"name": format!("c{number}"), "args": []})).collect(),
                &json!([]),
            );
            request["object"]["spec"]["containers"][0]["args"] = json!(["x".repeat(padding)]);
            if proxy {
                annotate(&mut request["object"], "inject-proxy-sidecar", "true");
            }
            request
        };
        let accepts = |padding: usize| {
            evaluate(&settings, &request(padding), holding(&yada_account())).response.allowed
        };
        let most = largest(accepts);
        let (pod, _) = admitted(&settings, &request(most), holding(&yada_account()));
        let size = pod.to_string().len();
        assert!(size <= OBJECT_MAX, "{containers} {proxy}: {size}");
        // A share of the fields around is counted for each container and the volume.
        assert!(size + 60 * (containers + 3) > OBJECT_MAX, "{containers} {proxy}: {size}");
    }
}

#[test]
fn containers_to_skip_are_listed_if_they_fit_on_one_line() {
    let advice = |length: usize| {
        let hidden = |name: &str| {
            json!({"name": name, "volumeMounts": [{"name": "data", "mountPath": "/var/run/secrets/azure/wi"},
                {"name": "data", "mountPath": format!("{MOUNT}/token")}]})
        };
        let (one, two) = ("a".repeat(length / 2), "b".repeat(length - length / 2 - 1));
        let request = pod(&json!([hidden(&one), hidden(&two)]), &json!([{"name": "data", "emptyDir": {}}]));
        let (message, _) = refused(&settings(), &request, holding(&yada_account()));
        message.contains(&format!("skip-containers: \"{one};{two}\""))
    };
    assert!(advice(200));
    assert!(advice(253));
    assert!(!advice(254));
    assert!(!advice(300));
}

// === What is said ===

#[test]
fn a_refusal_names_the_variable_that_holds_the_forbidden_id() {
    let governed = governed();
    let message = |client: &str, tenant: &str| {
        let containers = json!([{"name": "a", "env": [
            {"name": "AZURE_CLIENT_ID", "value": client}, {"name": "AZURE_TENANT_ID", "value": tenant}]}]);
        refused(&governed, &pod(&containers, &json!([])), holding(&yada_account())).0
    };
    let of_tenant = message(CLIENT_ID, OTHER_TENANT);
    assert!(
        of_tenant.contains(&format!("sets AZURE_TENANT_ID to \"{OTHER_TENANT}\", which is not allowed")),
        "{of_tenant}"
    );
    let of_client = message("contoso.com", TENANT_ID);
    let of_text = message("no ID at all", TENANT_ID);
    assert_eq!(of_client, of_text);
    assert!(!of_client.contains("contoso"), "{of_client}");
}

#[test]
fn a_skipped_container_with_a_token_of_its_own_is_governed() {
    let governed = governed();
    let mut request = pod(
        &json!([{"name": "a"}, {"name": "s", "env": [{"name": "AZURE_CLIENT_ID", "value": OTHER}],
            "volumeMounts": [{"name": "t", "mountPath": "/t"}]}]),
        &json!([token("t", "api://AzureADTokenExchange", "token")]),
    );
    annotate(&mut request["object"], "skip-containers", "s");
    let (message, code) = refused(&governed, &request, holding(&yada_account()));
    assert_eq!(code, 403);
    assert!(message.contains("container \"s\" sets AZURE_CLIENT_ID"), "{message}");
}

#[test]
fn an_id_by_itself_shows_whether_a_service_account_could_make_it_valid() {
    let governed = with(&json!({"preflight": "Enforce", "allowedIdentities": [walkthroughs_alone()]}));
    let request = |id: &str| {
        deployment(|template| {
            template["metadata"]["annotations"]["azure.workload.identity/container-identities"] =
                json!(format!("yadaapi={id}"));
        })
    };
    // No tenant makes a foreign ID right: it is in the template, and refused there.
    assert_eq!(refused(&governed, &request(OTHER), holding(&yada_account())).1, 403);
    // The tenant is the ServiceAccount's: it can be changed before a pod is made.
    let elsewhere = service_account(&json!({"client-id": CLIENT_ID, "tenant-id": OTHER_TENANT}));
    let response = evaluate(&governed, &request(CLIENT_ID), holding(&elsewhere)).response;
    assert!(response.allowed && !warnings(&response).is_empty(), "{response:?}");
}

#[test]
fn each_sign_that_an_identity_is_intended_is_enough_for_a_warning() {
    let settings = &with(&json!({"trigger": "ServiceAccount"}));
    let plain = json!({"metadata": {"name": "myserviceaccount", "namespace": "default"}});
    let annotated = json!({"metadata": {"name": "myserviceaccount", "namespace": "default",
        "annotations": {"azure.workload.identity/client-id": CLIENT_ID}}});
    let labelled = yada(|pod| label(pod, "true"));
    let with_annotation = yada(|pod| annotate(pod, "service-account-token-expiration", "3600"));
    for (request, account) in [(yada(|_| ()), &annotated), (labelled, &plain), (with_annotation, &plain)] {
        let (_, response) = admitted(settings, &request, holding(account));
        let warned = warnings(&response);
        assert!(warned.iter().any(|text| text.contains("azure.workload.identity/use")), "{warned:?}");
    }
    let (_, response) = admitted(settings, &yada(|_| ()), holding(&plain));
    assert_eq!(response.warnings, None);
}

#[test]
fn a_value_that_does_not_decline_the_proxy_causes_one_warning() {
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "no");
        annotate(pod, "proxy-sidecar-port", "8080");
    });
    let (_, warned) = told(&settings(), &request);
    assert_eq!(warned.iter().filter(|text| text.contains("inject-proxy-sidecar")).count(), 1, "{warned:?}");
}

#[test]
fn a_skipped_name_that_no_container_has_is_answered_with_the_existing_names() {
    let (_, warned) = told(&settings(), &yada(|pod| annotate(pod, "skip-containers", "foo bar")));
    assert!(warned[0].contains("(the pod has yadaapi)"), "{warned:?}");
}

#[test]
fn an_escaped_reference_and_one_to_an_own_variable_cause_no_warning() {
    let with_env =
        |env: &Value| told(&settings(), &pod(&json!([{"name": "a", "env": env}]), &json!([]))).1.len();
    assert_eq!(with_env(&json!([{"name": "X", "value": "$(AZURE_CLIENT_ID)"}])), 1);
    assert_eq!(with_env(&json!([{"name": "X", "value": "$$(AZURE_CLIENT_ID)"}])), 0);
    assert_eq!(with_env(&json!([{"name": "X", "value": "$(AZURE_OTHER)"}])), 0);
    assert_eq!(with_env(&json!([{"name": "X", "value": "/var/run/secrets/azure/settings.json"}])), 0);
    assert_eq!(with_env(&json!([{"name": "X", "value": "/elsewhere/azure-identity-token"}])), 0);
    let own = json!([{"name": "AZURE_CLIENT_ID", "value": CLIENT_ID}, {"name": "X", "value": "$(AZURE_CLIENT_ID)"}]);
    assert_eq!(with_env(&own), 0);
}

#[test]
fn audit_names_an_identity_only_where_a_container_has_it() {
    let settings = with(&json!({"identities": {"main": {"clientId": CLIENT_ID, "tenantId": TENANT_ID}}}));
    let account = service_account(&json!({"identity": "main"}));
    let own = json!([{"name": "AZURE_CLIENT_ID", "value": OTHER}, {"name": "AZURE_TENANT_ID", "value": OTHER_TENANT}]);
    let audit = |env: &Value| {
        let request = pod(&json!([{"name": "a", "env": env}]), &json!([]));
        json!(admitted(&settings, &request, holding(&account)).1.audit_annotations)
    };
    let named = audit(&json!([]));
    assert_eq!((&named["identity"], &named["client-id"]), (&json!("main"), &json!(CLIENT_ID)));
    let other = audit(&own);
    assert_eq!((&other["identity"], &other["client-id"]), (&json!(null), &json!(OTHER)));
    let beside = pod(&json!([{"name": "a"}, {"name": "b", "env": own}]), &json!([]));
    let beside = json!(admitted(&settings, &beside, holding(&account)).1.audit_annotations);
    assert_eq!(beside["container-tenants"], json!(format!("b={OTHER_TENANT}")));
}

#[test]
fn the_fix_covers_as_many_entries_as_fit_on_a_line_of_a_manifest() {
    let settings = with(&json!({"identities": {"main": {"clientId": CLIENT_ID, "tenantId": TENANT_ID}}}));
    let message = |count: usize| {
        let entries: Vec<String> = (0..count).map(|number| format!("c{number}=maim")).collect();
        let request = yada(|pod| annotate(pod, "container-identities", &entries.join(";")));
        refused(&settings, &request, holding(&yada_account())).0
    };
    let most = 8; // A line of a manifest.
    assert!(message(most).contains("c0=main"), "{}", message(most));
    assert!(!message(most + 1).contains("c0=main"), "{}", message(most + 1));
}

#[test]
fn a_refusal_is_logged_for_pods_and_workloads() {
    let log = |settings: &Value, request: &Value, answers| {
        let calls = evaluate(settings, request, answers).calls;
        assert_eq!(calls.log.len(), 1, "{:?}", calls.log);
        calls.log[0]["message"].as_str().unwrap().to_owned()
    };
    let unread = yada(|pod| label(pod, "true"));
    let text = log(&settings(), &unread, not_found());
    assert!(text.contains("does not exist"), "{text}");
    let enforced = with(&json!({"preflight": "Enforce"}));
    let workload = deployment(|template| {
        template["spec"]["hostNetwork"] = json!(true);
        template["metadata"]["annotations"]["azure.workload.identity/inject-proxy-sidecar"] = json!("true");
    });
    let text = log(&enforced, &workload, holding(&yada_account()));
    assert!(text.contains("hostNetwork"), "{text}");
}

// === Findings ===

/// Rule, path, container and value of what the function `findings` tells of a request; its answer is that of `validate`.
fn found(settings: &Value, request: &Value) -> Vec<[String; 4]> {
    let examined = MODULE.examine(settings, request, holding(&yada_account())).unwrap();
    let evaluated = MODULE.evaluate(settings, request, holding(&yada_account())).unwrap();
    assert_eq!(json!(examined.response), json!(evaluated.response));
    let text = |text: Option<String>| text.unwrap_or_default();
    let findings = examined.findings.into_iter();
    findings.map(|found| [found.rule, text(found.path), text(found.container), text(found.found)]).collect()
}

#[test]
fn a_finding_has_the_path_of_its_field() {
    let secret = json!([{"name": "X"}, {"name": "AZURE_CLIENT_SECRET", "value": "x"}]);
    let with_secret = json!([{"name": "a"}, {"name": "b", "env": secret}]);
    let hidden = |path: &str| json!([{"name": "a"}, {"name": "b", "volumeMounts": [{"name": "c", "mountPath": "/c"}, {"name": "c", "mountPath": path}]}]);
    let volumes = json!([{"name": "c", "emptyDir": {}}]);
    assert_eq!(
        found(&settings(), &pod(&hidden(MOUNT), &volumes)),
        [["mount-hides-token", "spec.containers[1].volumeMounts[1]", "b", MOUNT]]
    );
    assert_eq!(
        found(&settings(), &pod(&with_secret, &volumes)),
        [["credential-wins", "spec.containers[1].env[1]", "b", ""]]
    );
    let workload = |containers: &Value| {
        deployment(|template| {
            template["spec"]["containers"] = containers.clone();
            template["spec"]["volumes"] = volumes.clone();
        })
    };
    let mut proxied = workload(&with_secret);
    annotate(&mut proxied["object"]["spec"]["template"], "inject-proxy-sidecar", "true");
    proxied["object"]["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    assert_eq!(found(&settings(), &proxied), [["pods-refused", "spec.template.spec.hostNetwork", "", ""]]);
    assert_eq!(
        found(&settings(), &workload(&with_secret)),
        [["credential-wins", "spec.template.spec.containers[1].env[1]", "b", ""]]
    );
    let misspelt = deployment(|template| annotate(template, "skip-container", "x"));
    assert_eq!(
        found(&settings(), &misspelt),
        [[
            "misspelt",
            "spec.template.metadata.annotations[\"azure.workload.identity/skip-container\"]",
            "",
            ""
        ]]
    );
}

#[test]
fn settings_have_findings_too() {
    let examine = |settings: &Value| -> Value {
        let instance = MODULE.instance(no_look_up()).unwrap();
        let answer = instance.call("findings", json!({"settings": settings}).to_string().as_bytes());
        serde_json::from_slice(&answer.unwrap()).unwrap()
    };
    assert_eq!(examine(&settings()), json!({"response": {"valid": true}, "findings": [], "omitted": 0}));
    let wrong = examine(&json!({"tenantId": "x y", "extraEnv": [{"name": "A"}]}));
    assert_eq!(wrong["response"], json!({"valid": false}));
    let paths: Vec<&Value> =
        wrong["findings"].as_array().unwrap().iter().map(|found| &found["path"]).collect();
    assert_eq!(paths, ["spec.settings.tenantId", "spec.settings.extraEnv[0].value"]);
    let taken = examine(&with(&json!({"extraEnv": [{"name": "PROXY_PORT", "value": "1"}]})));
    assert_eq!(taken["response"], json!({"valid": true}));
    assert_eq!(
        (&taken["findings"][0]["severity"], &taken["findings"][0]["path"]),
        (&json!("warning"), &json!("spec.settings.extraEnv[0].name"))
    );
}

// === Judges and features ===

#[test]
fn a_debug_container_that_has_everything_is_not_touched() {
    let (pod, _) = told(&settings(), &pod(&json!([{"name": "a"}]), &json!([])));
    let mut debugger = pod["spec"]["containers"][0].clone();
    debugger["name"] = json!("d");
    let evaluation = evaluate(&settings(), &debugging(&pod, &debugger), no_look_up());
    assert_eq!(evaluation.response.patch, None);
    assert_eq!(evaluation.response.audit_annotations, None);
    assert!(evaluation.calls.log.is_empty());
}

#[test]
fn a_debug_containers_audit_has_its_tenant_by_id() {
    let env = json!([{"name": "AZURE_TENANT_ID", "value": OTHER_TENANT}]);
    let (pod, _) = told(&settings(), &pod(&json!([{"name": "a", "env": env}]), &json!([])));
    let response = evaluate(&settings(), &debugging(&pod, &json!({"name": "d"})), no_look_up()).response;
    assert_eq!(response.audit_annotations.unwrap()["tenant-id"], OTHER_TENANT);
}

#[test]
fn an_update_of_a_workload_is_judged_if_its_template_says_something_else() {
    let update = |change: fn(&mut Value)| {
        let mut request = deployment(|_| ());
        request["operation"] = json!("UPDATE");
        request["oldObject"] = request["object"].clone();
        change(&mut request["object"]["spec"]["template"]);
        warnings(&evaluate(&settings(), &request, holding(&yada_account())).response)
    };
    assert_eq!(update(|_| ()), <[&str; 0]>::default());
    let misspelt = update(|template| annotate(template, "skip-container", "x"));
    assert_eq!(misspelt.len(), 1, "{misspelt:?}");
}

#[test]
fn an_update_of_a_workload_that_only_reorders_its_template_is_not_judged() {
    let request = |old: &str, new: &str| {
        let text = format!(
            r#"{{"uid": "1", "kind": {{"group": "apps", "version": "v1", "kind": "Deployment"}},
            "resource": {{"group": "apps", "version": "v1", "resource": "deployments"}}, "namespace": "default", "operation": "UPDATE",
            "object": {{"metadata": {{"name": "web"}}, "spec": {{"template": {new}}}}},
            "oldObject": {{"metadata": {{"name": "web"}}, "spec": {{"template": {old}}}}}}}"#
        );
        let payload = format!(r#"{{"settings": {{}}, "request": {text}}}"#);
        let instance = MODULE.instance(holding(&yada_account())).unwrap();
        let answer = instance.call("validate", payload.as_bytes()).unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    let metadata = r#""metadata": {"annotations": {"azure.workload.identity/skip-container": "x"}}"#;
    let spec = r#""spec": {"serviceAccountName": "myserviceaccount", "containers": [{"name": "a"}]}"#;
    let (one, other) = (format!("{{{metadata}, {spec}}}"), format!("{{{spec}, {metadata}}}"));
    assert_eq!(request(&one, &other), json!({"accepted": true}));
    assert_ne!(request(&one, &one.replace("\"a\"", "\"b\"")), json!({"accepted": true}));
}

#[test]
fn a_running_pod_takes_a_debug_container_as_long_as_it_can_be_stored() {
    let (pod, _) = told(&settings(), &pod(&json!([{"name": "a", "args": []}]), &json!([])));
    let request = |padding: usize| {
        let mut pod = pod.clone();
        pod["spec"]["containers"][0]["args"] = json!(["x".repeat(padding)]);
        debugging(&pod, &json!({"name": "d"}))
    };
    let accepts = |padding| evaluate(&settings(), &request(padding), no_look_up()).response.allowed;
    let most = largest(accepts);
    let (stored, _) = admitted(&settings(), &request(most), no_look_up());
    let size = stored.to_string().len();
    assert!(size + 100 > OBJECT_MAX, "{size}");
}

#[test]
fn a_list_of_names_that_is_whole_does_not_end_in_dots() {
    let named = |count: usize| {
        let identities: serde_json::Map<String, Value> =
            (0..count).map(|number| (format!("name-{number}"), json!({"clientId": CLIENT_ID}))).collect();
        let account = service_account(&json!({"identity": "zzz"}));
        refused(&with(&json!({"identities": identities})), &yada(|_| ()), holding(&account)).0
    };
    let most = (1..20).take_while(|count| !named(*count).contains('…')).last().unwrap();
    assert_eq!(most, 5);
    assert!(named(most).contains(&format!("name-{}", most - 1)), "{}", named(most));
    assert!(!named(most + 1).contains(&format!("name-{most})")), "{}", named(most + 1));
}

#[test]
fn a_label_selector_holds_an_object_and_a_list() {
    let valid = |selector: Value| {
        let endpoint = json!({"annotationSuffix": "x", "audience": "api://other",
            "ca": {"clusterTrustBundle": {"signerName": "a/b", "labelSelector": selector}}});
        azure_workload_identity_policy::Settings::parse(
            &with(&json!({"customTokenEndpoint": endpoint})).to_string(),
        )
        .is_ok()
    };
    assert!(valid(json!({"matchLabels": {"a": "b"}})) && valid(json!({"matchExpressions": []})));
    assert!(!valid(json!({"matchLabels": []})) && !valid(json!({"matchExpressions": {}})));
}
