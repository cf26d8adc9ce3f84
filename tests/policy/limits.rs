//! What the API server takes of warnings.

use crate::common::*;
use serde_json::json;

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
    assert!(warnings[0].ends_with("which is ignored; use \"true\" or \"false\""));
}
