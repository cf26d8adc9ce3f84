//! The custom token endpoint.

use crate::common::*;
use serde_json::{Value, json};

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
            json!({"name": "AZURE_KUBERNETES_CA_FILE", "value": format!("{MOUNT}/ca-cert/ca.crt")}),
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
        let token = &pod["spec"]["volumes"][1]["projected"]["sources"][0]["serviceAccountToken"];
        assert_eq!(token["audience"], "api://AzureADTokenExchange");
    }
}
