//! Workloads, before their pods are made.

use crate::common::*;
use serde_json::{Value, json};

const KINDS: [(&str, &str, &str); 7] = [
    ("apps", "Deployment", "deployments"),
    ("apps", "StatefulSet", "statefulsets"),
    ("apps", "DaemonSet", "daemonsets"),
    ("apps", "ReplicaSet", "replicasets"),
    ("", "ReplicationController", "replicationcontrollers"),
    ("batch", "Job", "jobs"),
    ("batch", "CronJob", "cronjobs"),
];

#[test]
fn reports_for_each_kind_of_workload_why_its_pods_will_be_refused() {
    for kind in KINDS {
        let judged = |settings: &Value, request: &Value, account: &Value| {
            let evaluation = evaluate(settings, request, holding(account));
            assert_eq!(evaluation.answer.unwrap().mutated_object, None);
            (evaluation.response.allowed, warnings(&evaluation.response))
        };
        assert_eq!(judged(&settings(), &workload(kind, |_| ()), &yada_account()), (true, vec![]), "{kind:?}");
        let wrong = service_account(&json!({"client-id": "x"}));
        let says = vec![format!(
            "{} default/web: its pods will be refused: ServiceAccount default/myserviceaccount: annotation azure.workload.identity/client-id is \"x\", which is not a UUID",
            kind.1
        )];
        assert_eq!(judged(&settings(), &workload(kind, |_| ()), &wrong), (true, says.clone()), "{kind:?}");
        assert_eq!(
            judged(&with(&json!({"preflight": "Enforce"})), &workload(kind, |_| ()), &wrong),
            (true, says)
        );
        // `preflight: Off` without quotes is false, as kubectl reads it.
        for off in [json!("Off"), json!(false)] {
            let settings = with(&json!({"preflight": off}));
            assert_eq!(judged(&settings, &workload(kind, |_| ()), &wrong), (true, vec![]));
        }
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
        let response = evaluate(settings, request, no_look_up()).response;
        assert_eq!((response.allowed, response.warnings), (true, None));
    };
    silent(&settings(), &scaled);
    silent(&with(&json!({"trigger": "Pod"})), &workload(KINDS[0], |_| ()));
    silent(&settings(), &workload(KINDS[0], |template| label(template, "false")));
    let mut plain = yada_account();
    plain["metadata"]["labels"] = json!({});
    plain["metadata"]["annotations"] = json!({});
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
            "Job default/web: annotation azure.workload.identity/client-id has no effect here; move it to the ServiceAccount",
            "Job default/web: annotation azure.workload.identity/skip-containers has no effect here; move it to spec.template.metadata",
            "Job default/web: label azure.workload.identity/use has no effect here; move it to spec.template.metadata",
        ]
    );
}

#[test]
fn warns_about_the_metadata_of_a_cron_jobs_job_template() {
    let mut request = workload(KINDS[6], |_| ());
    request["object"]["spec"]["jobTemplate"]["metadata"] = json!({"labels": {"azure.workload.identity/use": "true"},
        "annotations": {"azure.workload.identity/skip-containers": "istio-proxy"}});
    let path = "spec.jobTemplate.spec.template.metadata";
    assert_eq!(
        warnings(&evaluate(&settings(), &request, not_found()).response),
        [
            format!(
                "CronJob default/web: annotation azure.workload.identity/skip-containers has no effect here; move it to {path}"
            ),
            format!(
                "CronJob default/web: label azure.workload.identity/use has no effect here; move it to {path}"
            ),
        ]
    );
}

#[test]
fn does_not_warn_about_a_workloads_label_if_the_service_accounts_label_injects() {
    let mut request = workload(KINDS[0], |_| ());
    request["object"]["metadata"]["labels"] = json!({"azure.workload.identity/use": "true"});
    let said = |settings: &Value, account: &Value| {
        warnings(&evaluate(settings, &request, holding(account)).response)
    };
    assert_eq!(said(&settings(), &yada_account()), [""; 0]);
    let by_account = with(&json!({"trigger": "ServiceAccount"}));
    let mut unlabelled = yada_account();
    unlabelled["metadata"]["labels"] = json!({});
    let expected = "Deployment default/web: label azure.workload.identity/use has no effect here; move it to the ServiceAccount";
    assert_eq!(said(&by_account, &unlabelled)[0], expected);
}

#[test]
fn judges_an_update_that_puts_the_label_on_the_workload_itself() {
    let mut request = workload(KINDS[0], |_| ());
    request["operation"] = json!("UPDATE");
    request["oldObject"] = request["object"].clone();
    request["object"]["metadata"]["labels"] = json!({"azure.workload.identity/use": "true"});
    let told = "Deployment default/web: label azure.workload.identity/use has no effect here; move it to spec.template.metadata";
    assert_eq!(warnings(&evaluate(&settings(), &request, not_found()).response), [told]);
}

#[test]
fn never_refuses_a_workload_for_a_failed_look_up() {
    let labelled = workload(KINDS[0], |template| label(template, "true"));
    let enforce = with(&json!({"preflight": "Enforce"}));
    let response = evaluate(&enforce, &labelled, not_found()).response;
    assert_eq!(
        (response.allowed, warnings(&response)),
        (true, vec!["Deployment default/web: its ServiceAccount default/myserviceaccount can't be read (it does not exist); its pods get no identity until that is fixed".to_owned()])
    );
    // What the template itself gets wrong is certain all the same.
    let wrong = workload(KINDS[0], |template| {
        label(template, "true");
        annotate(template, "service-account-token-expiration", "x");
    });
    refused(&enforce, &wrong, not_found());
}

#[test]
fn is_silent_where_only_the_order_of_the_templates_fields_changed() {
    let mut request = deployment(|_| ());
    request["operation"] = json!("UPDATE");
    request["oldObject"] = request["object"].clone();
    request["object"]["spec"]["template"] = json!("NEW");
    request["oldObject"]["spec"]["template"] = json!("OLD");
    let (app, labels) = (r#"{"name":"app","image":"x"}"#, r#""metadata":{"labels":{"app":"web"}}"#);
    let ppa = r#"{"image":"x","name":"app"}"#;
    let old = format!(r#"{{{labels},"spec":{{"containers":[{app}],"serviceAccountName":"web"}}}}"#);
    let reordered = format!(r#"{{"spec":{{"serviceAccountName":"web","containers":[{ppa}]}},{labels}}}"#);
    let answer = |new: &str| {
        let text = json!({"settings": settings(), "request": request}).to_string();
        let text = text.replace("\"OLD\"", &old).replace("\"NEW\"", new);
        let instance = MODULE.instance(not_found()).unwrap();
        let answer = instance.call("validate", text.as_bytes()).unwrap();
        (instance.calls().look_ups.len(), String::from_utf8(answer).unwrap())
    };
    assert_eq!(answer(&reordered), (0, r#"{"accepted":true}"#.to_owned()));
    assert_eq!(answer(&old.replace("\"x\"", "\"y\"")).0, 1);
}

/// Found by the law that what `Enforce` refuses makes pods that are refused: a mirror pod is left as it is.
#[test]
fn does_not_judge_the_template_of_a_mirror_pod() {
    let request = workload(KINDS[0], |template| {
        label(template, "true");
        annotate(template, "inject-proxy-sidecar", "true");
        template["metadata"]["annotations"]["kubernetes.io/config.mirror"] = json!("x");
        template["spec"]["hostNetwork"] = json!(true);
    });
    let response = evaluate(&with(&json!({"preflight": "Enforce"})), &request, no_look_up()).response;
    assert_eq!((response.allowed, response.warnings), (true, None));
}
