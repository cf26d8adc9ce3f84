//! The look-up of a ServiceAccount: when it is made, and what is said where it fails.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::common::*;
use azwi_policy::host::{Answers, GetResource};
use serde_json::{Value, json};

#[test]
fn tells_the_look_ups_failures_apart() {
    let recorded: Value = serde_json::from_str(&file("test_data/host-errors.json")).unwrap();
    let labelled = yada(|pod| label(pod, "true"));
    let is = "Pod default/yadaapi: its ServiceAccount default/myserviceaccount";
    for (text, code, message) in [
        (
            "resource not granted",
            500,
            format!(
                "{is} could not be read: the policy has no access to v1/ServiceAccount; add to the policy's spec:\n\
            contextAwareResources: [{{apiVersion: v1, kind: ServiceAccount}}]"
            ),
        ),
        (
            "capability not granted",
            500,
            format!(
                "{is} could not be read: the policy has no access to the host capability kubernetes/get_resource; \
            install it as a ClusterAdmissionPolicy, or add to the PolicyServer's spec:\nnamespacedPoliciesCapabilities: [kubernetes/get_resource]"
            ),
        ),
        (
            "forbidden",
            500,
            format!(
                "{is} could not be read: the PolicyServer's account may not get ServiceAccounts (\"ApiError: "
            ),
        ),
        (
            "API server unreachable",
            500,
            format!(
                "{is} could not be read: the host reported \"ServiceError: client error (Connect)\"; try again, or see the PolicyServer's \
            log:\nkubectl logs -n kubewarden -l app.kubernetes.io/component=policy-server"
            ),
        ),
        (
            "not found",
            400,
            format!(
                "{is} does not exist; create it with:\n\
            kubectl create serviceaccount -n default myserviceaccount"
            ),
        ),
    ] {
        let answers = failing(recorded["texts"][text].as_str().unwrap());
        let (found, found_code) = refused(&settings(), &labelled, Arc::clone(&answers));
        assert!(found.starts_with(&message), "{text}: {found}");
        assert_eq!(found_code, code);
        assert!(!found.contains("backtrace"), "{found}");
        // A pod that does not ask itself is admitted only if its ServiceAccount does not exist.
        let unlabelled = evaluate(&settings(), &yada(|_| ()), Arc::clone(&answers));
        assert_eq!(unlabelled.response.allowed, text == "not found", "{text}");
        // With onLookupFailure: Admit it is admitted, unchanged, with a warning; one that asks never.
        let admit = json!({"tenantId": TENANT_ID, "onLookupFailure": "Admit"});
        let admitted = evaluate(&admit, &yada(|_| ()), Arc::clone(&answers));
        assert_eq!((admitted.response.allowed, &admitted.response.patch), (true, &None));
        assert_eq!(warnings(&admitted.response).len(), usize::from(text != "not found"));
        assert!(!evaluate(&admit, &labelled, answers).response.allowed);
        assert_eq!(admitted.calls.look_ups.len(), 1);
    }
}

/// What the pod itself gets wrong is certain, whatever its ServiceAccount turns out to hold.
#[test]
fn answers_with_the_pods_own_mistake_after_one_look_up() {
    let request = yada(|pod| annotate(pod, "service-account-token-expiration", "60"));
    let wrong = service_account(&json!({"client-id": "x"})).to_string().into_bytes();
    let once: Answers =
        Arc::new(
            move |asked: &GetResource| {
                if asked.disable_cache { Err("gone".to_owned()) } else { Ok(wrong.clone()) }
            },
        );
    let evaluation = evaluate(&with(&json!({"lookUp": "Cached"})), &request, once);
    let message = evaluation.response.message();
    assert!(message.contains("service-account-token-expiration is \"60\""), "{message}");
    assert_eq!(evaluation.calls.look_ups.len(), 1);
}

#[test]
fn says_what_forbids_the_look_up_and_how_to_allow_it() {
    let recorded: Value = serde_json::from_str(&file("test_data/host-errors.json")).unwrap();
    let (message, _) = refused(
        &settings(),
        &yada(|pod| label(pod, "true")),
        failing(recorded["texts"]["forbidden"].as_str().unwrap()),
    );
    assert!(message.ends_with(
        "allow it with:\n\
         kubectl create clusterrole read-serviceaccounts --verb=get --resource=serviceaccounts\n\
         kubectl create clusterrolebinding read-serviceaccounts.kubewarden.policy-server --clusterrole=read-serviceaccounts \
         --serviceaccount=kubewarden:policy-server"
    ), "{message}");
}

#[test]
fn refuses_an_answer_that_is_not_the_service_account() {
    for answer in [
        "",
        "null",
        "[]",
        "{}",
        "\"x\"",
        "{\"kind\":\"Pod\",\"metadata\":{}}",
        "{\"metadata\":{\"name\":\"other\"}}",
        "{\"metadata\":{\"labels\":[]}}",
    ] {
        let answer = answer.to_owned();
        let answers: Answers = Arc::new(move |_: &GetResource| Ok(answer.clone().into_bytes()));
        let (message, code) = refused(&settings(), &yada(|_| ()), answers);
        assert_eq!(
            (message.as_str(), code),
            (
                "Pod default/yadaapi: its ServiceAccount default/myserviceaccount could not be read: the host did not return a valid ServiceAccount; see what the API server returns:\nkubectl get serviceaccount -n default myserviceaccount -o yaml",
                500
            )
        );
    }
}

/// A host whose cache has one copy of the ServiceAccount, and the API server another.
fn stale(cached: &Value, fresh: &Value) -> (Answers, Arc<AtomicUsize>) {
    let (cached, fresh) = (cached.to_string(), fresh.to_string());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answers: Answers = Arc::new(move |request: &GetResource| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(if request.disable_cache { fresh.clone() } else { cached.clone() }.into_bytes())
    });
    (answers, asked)
}

#[test]
fn confirms_a_doubtful_copy_of_the_cache_once() {
    let cached = with(&json!({"lookUp": "Cached"}));
    let wrong = service_account(&json!({"client-id": "x"}));
    let (answers, asked) = stale(&wrong, &yada_account());
    admitted(&cached, &yada(|_| ()), answers);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let still_wrong = evaluate(&cached, &yada(|_| ()), holding(&wrong));
    let caches: Vec<bool> = still_wrong.calls.look_ups.iter().map(|look_up| look_up.disable_cache).collect();
    assert_eq!(caches, [false, true]);
    // What was right a moment ago is believed.
    let (answers, asked) = stale(&yada_account(), &wrong);
    admitted(&cached, &yada(|_| ()), answers);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// A rollout right after a label, an annotation or an id has changed gets what is there now.
#[test]
fn reads_the_current_service_account_by_default() {
    let mut unlabelled = yada_account();
    unlabelled["metadata"]["labels"] = json!({});
    let other_id = "11111111-2222-4333-8444-555555555555";
    let other = service_account(&json!({"client-id": other_id}));
    let hasty = service_account(&json!({"client-id": CLIENT_ID, "service-account-token-expiration": "7200"}));
    let env = |pod: &Value, index: usize| pod["spec"]["containers"][0]["env"][index]["value"].clone();
    for (cached, fresh, changed) in [
        (&unlabelled, &yada_account(), true),
        (&yada_account(), &unlabelled, false),
        (&yada_account(), &other, true),
        (&yada_account(), &hasty, true),
    ] {
        let (answers, asked) = stale(cached, fresh);
        let (pod, _) = admitted(&settings(), &yada(|_| ()), answers);
        assert_eq!((asked.load(Ordering::SeqCst), pod != yada(|_| ())["object"]), (1, changed));
        if fresh == &other {
            assert_eq!(env(&pod, 4), other_id);
        }
        if fresh == &hasty {
            let source = &pod["spec"]["volumes"][1]["projected"]["sources"][0]["serviceAccountToken"];
            assert_eq!(source["expirationSeconds"], 7200);
        }
    }
    let refused = stale(&yada_account(), &service_account(&json!({"client-id": "x"})));
    assert!(!evaluate(&settings(), &yada(|_| ()), refused.0).response.allowed);
}

#[test]
fn asks_nobody_where_the_pod_alone_decides() {
    let untouched = |settings: &Value, request: &Value| {
        let evaluation = evaluate(settings, request, no_look_up());
        assert!(evaluation.response.allowed);
        assert_eq!((evaluation.answer.unwrap().mutated_object, evaluation.calls.log.len()), (None, 0));
    };
    for trigger in ["Any", "Pod", "ServiceAccount"] {
        untouched(&json!({"trigger": trigger}), &yada(|pod| label(pod, "false")));
        untouched(
            &json!({"trigger": trigger}),
            &yada(|pod| pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"})),
        );
    }
    untouched(&json!({"trigger": "Pod"}), &yada(|_| ()));
    let mut update = yada(|pod| label(pod, "true"));
    update["operation"] = json!("UPDATE");
    untouched(&json!({}), &update);
    let mut status = yada(|pod| label(pod, "true"));
    status["subResource"] = json!("status");
    untouched(&json!({}), &status);
}
