//! Pods that have a part of their identity, or all of it.

use crate::common::*;
use serde_json::json;

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
