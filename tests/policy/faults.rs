//! A look-up that fails, in every way the real host words it: fault × trigger × pod label → verdict.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use crate::common::*;
use azwi_policy::{
    host::{Answers, GetResource},
    response::AdmissionResponse,
};
use serde_json::{Value, json};

type Answer = Result<Vec<u8>, String>;

/// Every fault: the real host's texts as they were recorded, and answers that are no ServiceAccount.
fn faults() -> Vec<(String, Answer)> {
    let recorded: Value = serde_json::from_str(&file("test_data/host-errors.json")).unwrap();
    let mut faults: Vec<(String, Answer)> = recorded["texts"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, text)| (name.clone(), Err(text.as_str().unwrap().to_owned())))
        .collect();
    assert_eq!(faults.len(), 5);
    let missing = "Callback evaluation failure: Cannot find v1/ServiceAccount named 'myserviceaccount' inside of namespace 'Some(\"default\")'";
    faults.retain(|(name, _)| name != "not found");
    faults.push(("not found".to_owned(), Err(missing.to_owned())));
    // kube's client over tower and hyper: what policy-server prints when the API server does not answer in time.
    let timeout = "Callback evaluation failure: ServiceError: client error (SendRequest)\n\nCaused by:\n    connection timed out";
    faults.push(("timeout".to_owned(), Err(timeout.to_owned())));
    faults.push(("an unknown text".to_owned(), Err("\u{7f}\u{0}".repeat(100_000))));
    for (name, answer) in [
        ("an empty answer", String::new()),
        ("an answer that is not JSON", "<html>502 Bad Gateway</html>".to_owned()),
        ("null", "null".to_owned()),
        ("a pod", json!({"kind": "Pod", "metadata": {"name": "myserviceaccount", "namespace": "default"}}).to_string()),
        ("another ServiceAccount", yada_account().to_string().replace("myserviceaccount", "another")),
        ("a ServiceAccount of another namespace", yada_account().to_string().replace("default", "kube-system")),
        ("labels that are a list", json!({"kind": "ServiceAccount", "metadata": {"name": "myserviceaccount", "labels": []}}).to_string()),
        ("a client ID that is a number", json!({"kind": "ServiceAccount", "metadata": {"name": "myserviceaccount",
            "labels": {"azure.workload.identity/use": "true"}, "annotations": {"azure.workload.identity/client-id": 5}}}).to_string()),
    ] {
        faults.push((name.to_owned(), Ok(answer.into_bytes())));
    }
    faults
}

/// Answers with each of these in turn, and then panics; counts.
fn in_turn(answers: Vec<Answer>) -> (Answers, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, answers) = (Arc::clone(&count), Mutex::new(answers.into_iter()));
    let answers: Answers = Arc::new(move |_: &GetResource| {
        counted.fetch_add(1, Ordering::Relaxed);
        answers.lock().unwrap().next().expect("a look-up too many")
    });
    (answers, count)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    /// The pod alone decides: there is no look-up, and it is admitted unchanged.
    Settled,
    /// The pod asks: it is never admitted without an identity.
    Asks,
    /// Only the ServiceAccount could ask.
    Depends,
}

const TABLE: [(&str, Option<&str>, Due); 12] = [
    ("ServiceAccount", None, Due::Depends),
    ("ServiceAccount", Some("true"), Due::Asks),
    ("ServiceAccount", Some("false"), Due::Settled),
    ("ServiceAccount", Some("yes"), Due::Depends),
    ("Pod", None, Due::Settled),
    ("Pod", Some("true"), Due::Asks),
    ("Pod", Some("false"), Due::Settled),
    ("Pod", Some("yes"), Due::Settled),
    ("Any", None, Due::Depends),
    ("Any", Some("true"), Due::Asks),
    ("Any", Some("false"), Due::Settled),
    ("Any", Some("yes"), Due::Depends),
];

fn pod(label: Option<&str>) -> Value {
    yada(|pod| {
        if let Some(value) = label {
            crate::common::label(pod, value);
        }
    })
}

/// The identity's variables in the pod that an answer makes.
fn identity_in(response: &AdmissionResponse) -> Vec<String> {
    let after = response.apply(&pod(None)["object"]).unwrap();
    let names = names(&after["spec"]["containers"][0]["env"]);
    names.iter().filter(|name| FOUR.contains(name)).map(|name| (*name).to_owned()).collect()
}

#[test]
fn fails_closed_wherever_an_identity_was_due() {
    let mut tried = 0;
    for (fault, answer) in faults() {
        for (trigger, label, due) in TABLE {
            for policy in ["Refuse", "Admit"] {
                let settings = json!({"tenantId": TENANT_ID, "trigger": trigger, "onLookupFailure": policy});
                let (answers, count) = in_turn(vec![answer.clone()]);
                let evaluation = evaluate(&settings, &pod(label), answers);
                let response = &evaluation.response;
                let case = format!("{fault} × {trigger} × {label:?} × {policy}: {response:?}");
                tried += 1;
                assert_eq!(count.load(Ordering::Relaxed), usize::from(due != Due::Settled), "{case}");
                assert_eq!(evaluation.answer.as_ref().unwrap().mutated_object, None, "{case}");
                let code = response.status.as_ref().and_then(|status| status.code);
                let not_found = fault == "not found";
                match (due, not_found, policy) {
                    (Due::Asks, true, _) => {
                        assert_eq!((response.allowed, code), (false, Some(400)), "{case}");
                    }
                    (Due::Asks, false, _) | (Due::Depends, false, "Refuse") => {
                        assert_eq!((response.allowed, code), (false, Some(500)), "{case}");
                    }
                    // Where it does not exist, the API server's own ServiceAccount admission refuses the pod.
                    (Due::Settled, _, _) | (Due::Depends, true, _) => assert!(response.allowed, "{case}"),
                    (Due::Depends, false, _) => {
                        assert!(response.allowed && !warnings(response).is_empty(), "{case}");
                        assert_eq!(evaluation.calls.log.len(), 1, "{case}");
                    }
                }
                // A person can read it: no backtrace, no control characters, no megabytes.
                assert!(
                    response.message().len() < 2_000 && !response.message().contains("backtrace"),
                    "{case}"
                );
                assert!(!response.message().chars().any(|c| c.is_control() && c != '\n'), "{case}");
            }
        }
    }
    let text = format!(
        "{tried} failed look-ups tried ({} faults × {} triggers and labels × 2), and {} that fail first or second; 0 identities due that were left out",
        faults().len(),
        TABLE.len(),
        2 * faults().len()
    );
    conformance::summary::leave("faults", &text).unwrap();
}

/// An error is always fresh: it is the verdict, and the controller's retry is what heals it.
#[test]
fn does_not_ask_again_after_an_error() {
    for (fault, answer) in faults() {
        let (answers, count) = in_turn(vec![answer, Ok(yada_account().to_string().into_bytes())]);
        let response = evaluate(&settings(), &pod(Some("true")), Arc::clone(&answers)).response;
        assert!(!response.allowed, "{fault}");
        assert_eq!(count.load(Ordering::Relaxed), 1, "{fault}");
        let response = evaluate(&settings(), &pod(Some("true")), answers).response;
        assert!(response.allowed && response.patch.is_some(), "{fault}");
        assert_eq!(identity_in(&response), FOUR, "{fault}");
    }
}

/// A cached copy that is doubtful is confirmed; where that fails, the failure is the verdict.
#[test]
fn refuses_where_a_doubtful_copy_can_not_be_confirmed() {
    let cached = with(&json!({"lookUp": "Cached"}));
    let doubtful = service_account(&json!({})).to_string().into_bytes();
    for (fault, answer) in faults() {
        let (answers, count) = in_turn(vec![Ok(doubtful.clone()), answer]);
        let response = evaluate(&cached, &pod(Some("true")), answers).response;
        assert!(!response.allowed, "{fault}");
        assert_eq!(count.load(Ordering::Relaxed), 2, "{fault}");
    }
    let (answers, count) = in_turn(vec![Ok(doubtful), Ok(yada_account().to_string().into_bytes())]);
    let response = evaluate(&cached, &pod(None), answers).response;
    assert!(response.allowed && response.patch.is_some() && response.warnings.is_none());
    assert_eq!(identity_in(&response), FOUR);
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[test]
fn takes_a_service_account_with_a_megabyte_of_managed_fields() {
    let mut account = yada_account();
    account["metadata"]["managedFields"] = json!([{"manager": "x".repeat(1 << 20), "fieldsV1": {"f:a": {}}}]);
    let (answers, _) = in_turn(vec![Ok(account.to_string().into_bytes())]);
    let (pod, response) = admitted(&settings(), &pod(None), answers);
    assert_eq!(names(&pod["spec"]["containers"][0]["env"]).len(), 8);
    assert_eq!(response.warnings, None);
}
