//! The webhook's configurations, and the policy's settings that say the same.

use serde_json::{Value, json};

/// The tenant of all configurations.
pub const TENANT: &str = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";

/// A configuration of both.
#[derive(Debug)]
pub struct Configuration {
    /// Its name, and that of its recording.
    pub name: &'static str,
    /// What the oracle is started with: the webhook's own variables, and the oracle's for its flags.
    pub environment: Vec<(&'static str, &'static str)>,
    /// The policy's settings.
    pub settings: Value,
}

/// Where the proxy's images are; the tag is that of the oracle.
const IMAGES: &str = "mcr.microsoft.com/oss/azure/workload-identity";

/// Puts the fields of `more` into `settings`, object by object.
fn merge(settings: &mut Value, more: Value) {
    match (settings, more) {
        (Value::Object(settings), Value::Object(more)) => {
            for (name, value) in more {
                merge(settings.entry(name).or_insert(Value::Null), value);
            }
        }
        (settings, more) => *settings = more,
    }
}

/// What the oracle is started with for a custom token endpoint.
const ENDPOINT: [(&str, &str); 4] = [
    ("ORACLE_ENDPOINT_SUFFIX", "identity-binding"),
    ("ORACLE_ENDPOINT_AUDIENCE", "api://AKSIdentityBinding"),
    ("AZURE_KUBERNETES_TOKEN_PROXY", "https://proxy.local"),
    ("AZURE_KUBERNETES_SNI_NAME", "sni.local"),
];

/// All of them, with the policy in a layout: clouds, audience, images, log level, sidecar native and classic, endpoint with each
/// kind of CA.
#[must_use]
pub fn all(layout: &str) -> Vec<Configuration> {
    let mut all = plain(layout);
    all.extend(endpoints(layout));
    all
}

/// A configuration: what is special to it beside what all have.
fn configuration(
    layout: &str,
    name: &'static str,
    environment: &[(&'static str, &'static str)],
    more: Value,
) -> Configuration {
    let mut settings = json!({"tenantId": TENANT, "trigger": "Pod", "layout": layout,
            "proxy": {"image": format!("{IMAGES}/proxy:v1.6.0"), "initImage": format!("{IMAGES}/proxy-init:v1.6.0")}});
    merge(&mut settings, more);
    let base =
        [("AZURE_TENANT_ID", TENANT), ("ORACLE_KUBERNETES_VERSION", "v1.34.0"), ("ORACLE_LOG_LEVEL", "info")];
    let own = environment.iter().copied();
    let environment =
        base.into_iter().filter(|(name, _)| !own.clone().any(|(other, _)| other == *name)).chain(own.clone());
    Configuration { name, environment: environment.collect(), settings }
}

fn plain(layout: &str) -> Vec<Configuration> {
    let configuration = |name, environment: &[_], more| self::configuration(layout, name, environment, more);
    vec![
        configuration("default", &[], json!({})),
        configuration(
            "classic-sidecar",
            &[("ORACLE_KUBERNETES_VERSION", "v1.31.4")],
            json!({"proxy": {"nativeSidecar": false}}),
        ),
        configuration(
            "images-and-log-level",
            &[("PROXY_IMAGE", "a/proxy:1"), ("PROXY_INIT_IMAGE", "a/init:1"), ("ORACLE_LOG_LEVEL", "debug")],
            json!({"proxy": {"image": "a/proxy:1", "initImage": "a/init:1", "logLevel": "debug"}}),
        ),
        configuration(
            "china",
            &[("AZURE_ENVIRONMENT", "AzureChinaCloud")],
            json!({"cloud": "AzureChinaCloud"}),
        ),
        configuration(
            "us-government",
            &[("AZURE_ENVIRONMENT", "AzureUSGovernment")],
            json!({"cloud": "AzureUSGovernment"}),
        ),
        configuration(
            "german",
            &[("AZURE_ENVIRONMENT", "AzureGermanCloud")],
            json!({"cloud": "AzureGermanCloud"}),
        ),
        configuration("audience", &[("ORACLE_AUDIENCE", "api://other")], json!({"audience": "api://other"})),
    ]
}

fn endpoints(layout: &str) -> Vec<Configuration> {
    let configuration = |name, environment: &[_], more| self::configuration(layout, name, environment, more);
    let endpoint = |ca: Value| {
        json!({"customTokenEndpoint": {"annotationSuffix": "identity-binding", "audience": "api://AKSIdentityBinding",
        "tokenProxy": "https://proxy.local", "sniName": "sni.local", "ca": ca}})
    };
    let with =
        |more: (&'static str, &'static str)| ENDPOINT.iter().copied().chain([more]).collect::<Vec<_>>();
    vec![
        configuration(
            "endpoint-ca-data",
            &with(("AZURE_KUBERNETES_CA_DATA", "PEM")),
            endpoint(json!({"data": "PEM"})),
        ),
        configuration(
            "endpoint-ca-configmap",
            &with(("AZURE_KUBERNETES_CA_CONFIGMAP_NAME", "ca")),
            endpoint(json!({"configMap": "ca"})),
        ),
        configuration(
            "endpoint-ca-trust-bundle",
            &[
                with(("AZURE_KUBERNETES_CA_CTB_SIGNER_NAME", "a.b/c")),
                vec![("AZURE_KUBERNETES_CA_CTB_LABEL_SELECTOR", r#"{"matchLabels":{"x":"y"}}"#)],
            ]
            .concat(),
            endpoint(
                json!({"clusterTrustBundle": {"signerName": "a.b/c", "labelSelector": {"matchLabels": {"x": "y"}}}}),
            ),
        ),
    ]
}
