//! The custom token endpoint: AKS identity bindings.

use std::{borrow::Cow, str::FromStr};

use crate::{
    fields::Fields,
    json::{Json, json_string},
    object::pod::Candidate,
    value::{
        names,
        parse::{Accepts, Rejected},
        token::Audience,
    },
};

/// The certificate authority of the endpoint: of one kind, and a selector only with its signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ca {
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
pub(crate) struct TokenEndpoint {
    annotation: String,
    /// Audience of the tokens for this endpoint.
    pub(crate) audience: Audience,
    token_proxy: String,
    sni_name: String,
    ca: Option<Ca>,
}

/// What follows `use-` in the annotation.
struct Suffix(String);

impl Accepts for Suffix {
    fn accepted() -> Cow<'static, str> {
        Cow::Owned(format!(
            "at most {} letters, digits, -, _ and . that end in a letter or digit",
            Self::LENGTH_MAX
        ))
    }
}

impl Suffix {
    /// A qualified name has at most 63 characters behind its `/` (Kubernetes `IsQualifiedName`).
    const LENGTH_MAX: usize = 63 - "use-".len();
}

impl FromStr for Suffix {
    type Err = Rejected;

    /// # Errors
    /// What would not be a name: `x-`, `a/b`, sixty characters.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let ends = text.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if ends && text.len() <= Self::LENGTH_MAX && text.bytes().all(name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Rejected::by::<Self>())
        }
    }
}

/// The audience of the endpoint's tokens.
struct OtherAudience(Audience);

impl Accepts for OtherAudience {
    fn accepted() -> Cow<'static, str> {
        Cow::Owned(format!("an audience other than {}", names::DEFAULT_AUDIENCE))
    }
}

impl FromStr for OtherAudience {
    type Err = Rejected;

    fn from_str(text: &str) -> Result<Self, Rejected> {
        if text.eq_ignore_ascii_case(names::DEFAULT_AUDIENCE) {
            return Err(Rejected::by::<Self>());
        }
        text.parse().map(Self).map_err(|_: Rejected| Rejected::by::<Self>())
    }
}

impl TokenEndpoint {
    /// Reads the setting; `None` where it is missing.
    pub(crate) fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        if !fields.present(name) {
            return None;
        }
        fields.object(name, |fields| {
            fields.known(&["annotationSuffix", "audience", "tokenProxy", "sniName", "ca"]);
            let suffix = fields.required::<Suffix>("annotationSuffix");
            let audience = fields.required::<OtherAudience>("audience");
            let mut text = |name| fields.non_empty(name, "a text").unwrap_or_default();
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

    /// Whether it needs the feature gates of `ClusterTrustBundle`s.
    #[must_use]
    pub(crate) fn needs_gates(&self) -> bool {
        matches!(self.ca, Some(Ca::TrustBundle { .. }))
    }

    /// The pod annotation that asks for it.
    #[must_use]
    pub(crate) fn annotation(&self) -> &str {
        &self.annotation
    }

    /// Whether `pod` asks for it: `"true"` in any case.
    #[must_use]
    pub(crate) fn is_wanted(&self, pod: Candidate) -> bool {
        pod.metadata
            .annotations
            .value(&self.annotation)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// `AZURE_KUBERNETES_TOKEN_PROXY`, which is not written where it is empty.
    pub(crate) fn token_proxy(&self) -> &str {
        &self.token_proxy
    }

    /// `AZURE_KUBERNETES_SNI_NAME`, likewise.
    pub(crate) fn sni_name(&self) -> &str {
        &self.sni_name
    }

    /// `AZURE_KUBERNETES_CA_DATA`, likewise.
    pub(crate) fn ca_data(&self) -> &str {
        match &self.ca {
            Some(Ca::Data(data)) => data,
            Some(Ca::ConfigMap(_) | Ca::TrustBundle { .. }) | None => "",
        }
    }

    /// The volume's second source, as JSON; `None` if the authority is not a file.
    pub(crate) fn source(&self) -> Option<String> {
        let path = json_string(names::CA_PATH);
        match self.ca.as_ref()? {
            Ca::Data(_) => None,
            Ca::ConfigMap(name) => Some(format!(
                r#"{{"configMap":{{"name":{},"items":[{{"key":"ca.crt","path":{path}}}],"optional":false}}}}"#,
                json_string(name)
            )),
            Ca::TrustBundle { signer, selector } => {
                let selector = selector
                    .as_ref()
                    .map(|selector| format!(r#""labelSelector":{selector},"#))
                    .unwrap_or_default();
                Some(format!(
                    r#"{{"clusterTrustBundle":{{"signerName":{},{selector}"path":{path},"optional":false}}}}"#,
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
        fields.problem(last, &format!("only one of {}", given.join(" and ")));
        return None;
    }
    match given.first().copied() {
        Some("data") => fields.non_empty("data", "certificates in PEM").map(Ca::Data),
        Some("configMap") => fields.non_empty("configMap", "a ConfigMap's name").map(Ca::ConfigMap),
        Some(_) => fields.object("clusterTrustBundle", |fields| {
            fields.known(&["signerName", "labelSelector"]);
            let signer = fields.non_empty("signerName", "a signer's name");
            if !fields.present("signerName") {
                fields.problem("signerName", "a signer's name");
            }
            let selector = selector(fields, "labelSelector");
            Some(Ca::TrustBundle { signer: signer?, selector })
        }),
        None => {
            fields.problem("data", "one of data, configMap or clusterTrustBundle");
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
        if fields.value("matchLabels").is_some_and(|json| !matches!(json, Json::Object(_))) {
            fields.problem("matchLabels", "an object");
        }
        if fields.value("matchExpressions").is_some_and(|json| !matches!(json, Json::List(_))) {
            fields.problem("matchExpressions", "a list");
        }
    });
    let mut text = String::new();
    json.write(&mut text);
    Some(text)
}
