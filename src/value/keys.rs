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
pub(crate) enum AnnotatedObject {
    /// A ServiceAccount.
    ServiceAccount,
    /// A pod, or the pod template of a workload.
    Pod,
}

/// The annotations, each with the objects on which it has an effect.
const ANNOTATIONS: &[(&str, &[AnnotatedObject])] = &[
    (names::CLIENT_ID, &[AnnotatedObject::ServiceAccount]),
    (names::IDENTITY, &[AnnotatedObject::ServiceAccount]),
    (names::TENANT_ID, &[AnnotatedObject::ServiceAccount]),
    (names::TOKEN_EXPIRATION, &[AnnotatedObject::ServiceAccount, AnnotatedObject::Pod]),
    (names::LAYOUT, &[AnnotatedObject::ServiceAccount, AnnotatedObject::Pod]),
    (names::SKIP_CONTAINERS, &[AnnotatedObject::Pod]),
    (names::CONTAINER_IDENTITIES, &[AnnotatedObject::Pod]),
    (names::INJECT_PROXY_SIDECAR, &[AnnotatedObject::Pod]),
    (names::PROXY_SIDECAR_PORT, &[AnnotatedObject::Pod]),
];

/// The objects on which the annotation `name` has an effect; `None` where there is no such annotation.
#[must_use]
pub(crate) fn annotated_objects(name: &str) -> Option<&'static [AnnotatedObject]> {
    ANNOTATIONS.iter().find(|(known, _)| *known == name).map(|(_, annotated_objects)| *annotated_objects)
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
pub(crate) fn nearest(name: &str, annotated: AnnotatedObject, endpoint: Option<&str>) -> Option<String> {
    let own = own_part(name);
    let mut best: Option<(usize, &str)> = None;
    let mut compare = |known, fits: &[AnnotatedObject]| {
        if let Some(distance) = distance(&own, &own_part(known)) {
            let far = distance * 2 + usize::from(!fits.contains(&annotated));
            if best.is_none_or(|(nearest, _)| far < nearest) {
                best = Some((far, known));
            }
        }
    };
    for (known, annotated_objects) in ANNOTATIONS {
        compare(known, annotated_objects);
    }
    compare(names::USE_LABEL, &[AnnotatedObject::ServiceAccount, AnnotatedObject::Pod]);
    if let Some(endpoint) = endpoint {
        compare(endpoint, &[AnnotatedObject::Pod]);
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
        for (name, annotated, meant) in [
            ("client_id", AnnotatedObject::ServiceAccount, Some("client-id")),
            ("clientId", AnnotatedObject::ServiceAccount, Some("client-id")),
            ("skip-container", AnnotatedObject::Pod, Some("skip-containers")),
            ("token-expiration", AnnotatedObject::Pod, Some("service-account-token-expiration")),
            ("used", AnnotatedObject::Pod, Some("use")),
            ("use-identity-binding", AnnotatedObject::Pod, None),
            ("managed-identity", AnnotatedObject::ServiceAccount, None),
            ("foo", AnnotatedObject::Pod, None),
            ("system", AnnotatedObject::Pod, None),
        ] {
            let meant = meant.map(|meant| format!("azure.workload.identity/{meant}"));
            assert_eq!(nearest(&format!("azure.workload.identity/{name}"), annotated, None), meant, "{name}");
        }
        let endpoint = Some("azure.workload.identity/use-identity-binding");
        let near = nearest("azure.workload.identity/use-identity-bindings", AnnotatedObject::Pod, endpoint);
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
