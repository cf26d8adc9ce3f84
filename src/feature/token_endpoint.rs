//! The custom token endpoint: AKS identity bindings.

use std::str::FromStr;

use crate::{
    json::{Json, fields::Fields, json_string},
    object::pod::Candidate,
    value::{names, token::Audience},
};

/// Where the endpoint's certificate authority is in the container (webhook `CAFilePath` below `VolumeMountPath`).
pub const CA_FILE: &str = "/var/run/secrets/azure/wi/ca-cert/ca.crt";
/// Its path within the volume (webhook `CAFilePath`).
const CA_PATH: &str = "ca-cert/ca.crt";

/// The certificate authority of the endpoint: of one kind, and a selector only with its signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ca {
    /// Its certificates themselves, for `AZURE_KUBERNETES_CA_DATA`.
    Data(String),
    /// The key `ca.crt` of this ConfigMap.
    ConfigMap(String),
    /// The `ClusterTrustBundles` of a signer.
    TrustBundle {
        /// The signer's name.
        signer: String,
        /// A label selector, as JSON.
        selector: Option<String>,
    },
}

/// The setting `customTokenEndpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEndpoint {
    annotation: String,
    /// Audience of the tokens for this endpoint.
    pub audience: Audience,
    token_proxy: String,
    sni_name: String,
    ca: Option<Ca>,
}

/// What follows `use-` in the annotation.
struct Suffix(String);

impl FromStr for Suffix {
    type Err = ();

    /// The annotation's name must be a qualified name (Kubernetes `IsQualifiedName`): at most 63 characters behind `/`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let ends = text.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if ends && text.len() <= 63 - "use-".len() && text.bytes().all(name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(())
        }
    }
}

struct OtherAudience(Audience);

impl FromStr for OtherAudience {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.eq_ignore_ascii_case(names::DEFAULT_AUDIENCE) {
            return Err(());
        }
        text.parse().map(Self).map_err(|_| ())
    }
}

struct NonEmpty(String);

impl FromStr for NonEmpty {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.is_empty() { Err(()) } else { Ok(Self(text.to_owned())) }
    }
}

const SUFFIX: &str = "at most 59 letters, digits, -, _ and . that end in a letter or digit";
const AUDIENCE: &str = "an audience other than api://AzureADTokenExchange";

impl TokenEndpoint {
    /// Reads the setting; `None` where it is missing.
    pub fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        if !fields.present(name) {
            return None;
        }
        fields.object(name, |fields| {
            fields.known(&["annotationSuffix", "audience", "tokenProxy", "sniName", "ca"]);
            let suffix = fields.parsed::<Suffix>("annotationSuffix", SUFFIX);
            let audience = fields.parsed::<OtherAudience>("audience", AUDIENCE);
            for (field, accepted) in [("annotationSuffix", SUFFIX), ("audience", AUDIENCE)] {
                if !fields.present(field) {
                    fields.problem(field, accepted);
                }
            }
            let mut text =
                |name| fields.parsed::<NonEmpty>(name, "a text").map(|text| text.0).unwrap_or_default();
            let (token_proxy, sni_name) = (text("tokenProxy"), text("sniName"));
            let ca = if fields.present("ca") { fields.object("ca", ca) } else { None };
            Some(Self {
                annotation: format!("{}{}", names::USE_ENDPOINT_PREFIX, suffix?.0),
                audience: audience?.0,
                token_proxy,
                sni_name,
                ca,
            })
        })
    }

    /// The pod annotation that asks for it.
    #[must_use]
    pub fn annotation(&self) -> &str {
        &self.annotation
    }

    /// Whether `pod` asks for it: `"true"` in any case.
    #[must_use]
    pub fn is_wanted(&self, pod: Candidate) -> bool {
        pod.metadata
            .annotations
            .value(&self.annotation)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The variables after `AZURE_AUTHORITY_HOST`; one without a value is not written.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, &str); 4] {
        let data = match &self.ca {
            Some(Ca::Data(data)) => data,
            Some(Ca::ConfigMap(_) | Ca::TrustBundle { .. }) | None => "",
        };
        let [token_proxy, sni_name, ca_file, ca_data] = names::TOKEN_ENDPOINT_VARIABLES;
        [(token_proxy, &self.token_proxy), (sni_name, &self.sni_name), (ca_file, CA_FILE), (ca_data, data)]
    }

    /// The volume's second source, as JSON.
    #[must_use]
    pub fn source(&self) -> Option<String> {
        match self.ca.as_ref()? {
            Ca::Data(_) => None,
            Ca::ConfigMap(name) => Some(format!(
                r#"{{"configMap":{{"name":{},"items":[{{"key":"ca.crt","path":"{CA_PATH}"}}],"optional":false}}}}"#,
                json_string(name)
            )),
            Ca::TrustBundle { signer, selector } => {
                let selector = selector
                    .as_ref()
                    .map(|selector| format!(r#""labelSelector":{selector},"#))
                    .unwrap_or_default();
                Some(format!(
                    r#"{{"clusterTrustBundle":{{"signerName":{},{selector}"path":"{CA_PATH}","optional":false}}}}"#,
                    json_string(signer)
                ))
            }
        }
    }
}

fn ca(fields: &mut Fields) -> Option<Ca> {
    fields.known(&["data", "configMap", "clusterTrustBundle"]);
    let given: Vec<&str> =
        ["data", "configMap", "clusterTrustBundle"].into_iter().filter(|name| fields.present(name)).collect();
    if given.len() > 1 {
        let last = given.last().copied().unwrap_or_default();
        fields.problem(last, format!("one kind of ca, not {} at once", given.join(" and ")));
        return None;
    }
    match given.first().copied() {
        Some("data") => fields.parsed::<NonEmpty>("data", "certificates in PEM").map(|data| Ca::Data(data.0)),
        Some("configMap") => {
            fields.parsed::<NonEmpty>("configMap", "a ConfigMap's name").map(|name| Ca::ConfigMap(name.0))
        }
        Some(_) => fields.object("clusterTrustBundle", |fields| {
            fields.known(&["signerName", "labelSelector"]);
            let signer = fields.parsed::<NonEmpty>("signerName", "a signer's name");
            if !fields.present("signerName") {
                fields.problem("signerName", "a signer's name");
            }
            let selector = selector(fields, "labelSelector");
            Some(Ca::TrustBundle { signer: signer?.0, selector })
        }),
        None => {
            fields.problem("data", "a ca of one kind: data, configMap or clusterTrustBundle");
            None
        }
    }
}

fn selector(fields: &mut Fields, name: &str) -> Option<String> {
    let json = fields.value(name)?;
    if !matches!(json, Json::Object(_)) {
        fields.problem(name, "an object with matchLabels and matchExpressions");
        return None;
    }
    fields.object(name, |fields| {
        fields.known(&["matchLabels", "matchExpressions"]);
        for (field, object) in [("matchLabels", true), ("matchExpressions", false)] {
            let fits = fields.value(field).is_none_or(|json| match json {
                Json::Object(_) => object,
                Json::List(_) => !object,
                Json::Raw(_) => false,
            });
            if !fits {
                fields.problem(field, if object { "an object" } else { "a list" });
            }
        }
    });
    let mut text = String::new();
    json.write(&mut text);
    Some(text)
}
