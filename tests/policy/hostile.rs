//! Hostile requests through the module: an answer each time, never a trap.
use crate::common::*;
use serde_json::{Value, json};

/// The answer to a payload as text, with the ServiceAccount of the walkthrough.
fn answer(payload: &str) -> Value {
    let instance = MODULE.instance(holding(&yada_account())).unwrap();
    serde_json::from_slice(&instance.call("validate", payload.as_bytes()).unwrap()).unwrap()
}

fn payload(request: &Value) -> String {
    json!({"settings": settings(), "request": request}).to_string()
}

#[test]
fn answers_nesting_that_is_ten_thousand_deep() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for place in ["futureField", "volumes", "containers", "initContainers", "securityContext"] {
        let marked = payload(&yada(|pod| pod["spec"][place] = json!("DEEP")));
        // As text: the answer keeps the nesting, which serde_json's reader would not go down.
        let instance = MODULE.instance(holding(&yada_account())).unwrap();
        let answer = instance.call("validate", marked.replace("\"DEEP\"", &deep).as_bytes()).unwrap();
        let accepted = format!("{{\"accepted\":{}", place == "futureField");
        assert!(String::from_utf8(answer).unwrap().starts_with(&accepted), "{place}");
    }
    let instance = MODULE.instance(no_look_up()).unwrap();
    let error = instance.call("validate", deep.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("the payload is not a Kubewarden validation request"), "{error}");
    let list = instance.call("validate", format!("{{\"request\":{deep}}}").as_bytes()).unwrap();
    assert!(String::from_utf8(list).unwrap().contains("request is a list, not an object"));
    let settings = format!("{{\"request\":{{}},\"settings\":{deep}}}");
    let refused: Value =
        serde_json::from_slice(&instance.call("validate", settings.as_bytes()).unwrap()).unwrap();
    assert_eq!(refused["accepted"], false);
}

#[test]
fn answers_requests_with_absurd_numbers_and_strings() {
    let marked = payload(&yada(|pod| pod["spec"]["futureField"] = json!("ABSURD")));
    for absurd in
        ["1e999", "-0", "18446744073709551616", "0.1e-400", "\"\\ud800\"", "\"\\u0000\"", "{\"a\":1,\"a\":2}"]
    {
        let instance = MODULE.instance(holding(&yada_account())).unwrap();
        let text = String::from_utf8(
            instance.call("validate", marked.replace("\"ABSURD\"", absurd).as_bytes()).unwrap(),
        )
        .unwrap();
        assert!(
            text.contains("\"accepted\":true") && text.contains(&format!("\"futureField\":{absurd}")),
            "{absurd}: {text}"
        );
    }
    let long = yada(|pod| pod["spec"]["containers"][0]["env"][0]["value"] = json!("x".repeat(1 << 20)));
    assert_eq!(answer(&payload(&long))["accepted"], true);
    let named = yada(|pod| pod["metadata"]["name"] = json!("n".repeat(1 << 20)));
    assert_eq!(answer(&payload(&named))["accepted"], true);
}

#[test]
fn answers_thousands_of_containers_and_variables() {
    let containers = |number: usize| -> Vec<Value> {
        (0..number).map(|index| json!({"name": format!("c{index}"), "image": "x"})).collect()
    };
    let many = |number| yada(|pod| pod["spec"]["containers"] = json!(containers(number)));
    let answer_to_many = answer(&payload(&many(2_500)));
    assert_eq!(names(&answer_to_many["mutated_object"]["spec"]["containers"][2_499]["env"]).len(), 4);
    // With its identity this one would have 6 MB.
    let refused = answer(&payload(&many(10_000)));
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Pod default/yadaapi: with its identity the pod would be larger than 2000000 bytes, more than the API server stores; make it smaller"
        ),
        "{message}"
    );
    let env: Vec<Value> =
        (0..10_000).map(|index| json!({"name": format!("V{index}"), "value": "x"})).collect();
    let wide = yada(|pod| pod["spec"]["containers"][0]["env"] = json!(env));
    assert_eq!(
        names(&answer(&payload(&wide))["mutated_object"]["spec"]["containers"][0]["env"]).len(),
        10_004
    );
}

#[test]
fn shows_no_value_of_the_pod_in_messages_warnings_annotations_or_log() {
    const MARK: &str = "TOP-SECRET";
    let secret = |change: fn(&mut Value)| {
        yada(|pod| {
            for name in [
                "AZURE_CLIENT_ID",
                "AZURE_TENANT_ID",
                "AZURE_FEDERATED_TOKEN_FILE",
                "AZURE_AUTHORITY_HOST",
                "OTHER",
            ] {
                pod["spec"]["containers"][0]["env"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({"name": name, "value": MARK}));
            }
            pod["spec"]["containers"][0]["args"] = json!([MARK]);
            change(pod);
        })
    };
    let changes: [fn(&mut Value); 5] = [
        |_| (),
        |pod| pod["spec"]["volumes"] = json!(MARK),
        |pod| pod["spec"]["containers"][0]["env"][0] = json!(MARK),
        |pod| pod["spec"]["containers"][0]["env"][0]["name"] = json!([MARK]),
        |pod| annotate(pod, "service-account-token-expiration", "1"),
    ];
    for change in changes {
        let evaluation = evaluate(&settings(), &secret(change), holding(&yada_account()));
        let mut said = serde_json::to_value(&evaluation.response).unwrap();
        said.as_object_mut().unwrap().remove("patch");
        assert!(!said.to_string().contains(MARK), "{said}");
        assert!(!json!(evaluation.calls.log).to_string().contains(MARK));
    }
}
