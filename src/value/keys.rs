//! The labels and annotations of workload identity: which there are, where each has an effect, and what a misspelt one was meant to be.

use crate::value::names;

/// Labels and annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataKind {
    /// A label.
    Label,
    /// An annotation.
    Annotation,
}

impl MetadataKind {
    /// The field that holds them.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Label => "labels",
            Self::Annotation => "annotations",
        }
    }

    /// One of them.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Annotation => "annotation",
        }
    }
}

/// The objects on which they have an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// A ServiceAccount.
    ServiceAccount,
    /// A pod, or the pod template of a workload.
    Pod,
}

/// The annotations, each with the objects on which it has an effect.
const ANNOTATIONS: &[(&str, &[Bearer])] = &[
    (names::CLIENT_ID, &[Bearer::ServiceAccount]),
    (names::IDENTITY, &[Bearer::ServiceAccount]),
    (names::TENANT_ID, &[Bearer::ServiceAccount]),
    (names::TOKEN_EXPIRATION, &[Bearer::ServiceAccount, Bearer::Pod]),
    (names::SKIP_CONTAINERS, &[Bearer::Pod]),
    (names::CONTAINER_IDENTITIES, &[Bearer::Pod]),
    (names::INJECT_PROXY_SIDECAR, &[Bearer::Pod]),
    (names::PROXY_SIDECAR_PORT, &[Bearer::Pod]),
];

/// The objects on which the annotation `name` has an effect; `None` where there is no such annotation.
#[must_use]
pub(crate) fn bearers(name: &str) -> Option<&'static [Bearer]> {
    ANNOTATIONS.iter().find(|(known, _)| *known == name).map(|(_, bearers)| *bearers)
}

/// Whether the prefix of `name` was meant to be that of workload identity, but is another: `azure.workload-identity/use`.
#[must_use]
pub(crate) fn is_near_prefix(name: &str) -> bool {
    let domain = name.split('/').next().unwrap_or_default();
    name.starts_with("azure")
        && !name.starts_with(names::PREFIX)
        && domain.len() < 64
        && domain.contains("workload")
        && domain.contains("identity")
}

/// What `name` was most likely meant to be, where anything is near: of two that are as near, the one that has an effect on `bearer`.
/// `endpoint` is the annotation of the custom token endpoint, where one is set up.
#[must_use]
pub(crate) fn nearest(name: &str, bearer: Bearer, endpoint: Option<&str>) -> Option<String> {
    let own = own_part(name);
    let mut best: Option<(usize, &str)> = None;
    let mut compare = |known, fits: &[Bearer]| {
        if let Some(distance) = distance(&own, &own_part(known)) {
            let far = distance * 2 + usize::from(!fits.contains(&bearer));
            if best.is_none_or(|(nearest, _)| far < nearest) {
                best = Some((far, known));
            }
        }
    };
    for (known, bearers) in ANNOTATIONS {
        compare(known, bearers);
    }
    compare(names::USE_LABEL, &[Bearer::ServiceAccount, Bearer::Pod]);
    if let Some(endpoint) = endpoint {
        compare(endpoint, &[Bearer::Pod]);
    }
    best.map(|(_, known)| known.to_owned())
}

/// Longest part of a name that is compared.
const OWN_MAX: usize = 48;

/// What follows the prefix, as it is compared.
fn own_part(name: &str) -> String {
    let own = name.split_once('/').map_or(name, |(_, own)| own);
    own.chars().take(OWN_MAX).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// How far two names are apart, where that is near.
fn distance(name: &str, known: &str) -> Option<usize> {
    let distance = strsim::levenshtein(name, known);
    // A name that is part of a known one, such as `token-expiration`, is nearer than the difference in length suggests.
    let part = name.len() >= 5 && known.contains(name);
    match distance {
        _ if part => Some(1),
        near if near <= 1 + known.len() / 5 => Some(near),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        for (name, bearer, meant) in [
            ("client_id", Bearer::ServiceAccount, Some("client-id")),
            ("clientId", Bearer::ServiceAccount, Some("client-id")),
            ("skip-container", Bearer::Pod, Some("skip-containers")),
            ("token-expiration", Bearer::Pod, Some("service-account-token-expiration")),
            ("used", Bearer::Pod, Some("use")),
            ("use-identity-binding", Bearer::Pod, None),
            ("managed-identity", Bearer::ServiceAccount, None),
            ("foo", Bearer::Pod, None),
            ("system", Bearer::Pod, None),
        ] {
            let meant = meant.map(|meant| format!("azure.workload.identity/{meant}"));
            assert_eq!(nearest(&format!("azure.workload.identity/{name}"), bearer, None), meant, "{name}");
        }
        let endpoint = Some("azure.workload.identity/use-identity-binding");
        let near = nearest("azure.workload.identity/use-identity-bindings", Bearer::Pod, endpoint);
        assert_eq!(near.as_deref(), endpoint);
    }

    #[test]
    fn tells_a_prefix_that_is_nearly_right() {
        for name in ["azure.workload-identity/use", "azure.workload.identity.io/client-id"] {
            assert!(is_near_prefix(name), "{name}");
        }
        for name in ["azure.workload.identity/use", "app.kubernetes.io/name", "azure.com/identity"] {
            assert!(!is_near_prefix(name), "{name}");
        }
    }
}
