//! The annotations of workload identity: which there are, on which object, and what a misspelt one was meant to be.

use crate::{
    json::{Cursor, Malformed},
    text::nearest,
    value::{
        name_set::NameSet,
        names,
        parse::{Accepts, Rejected},
        token::TokenExpiration,
    },
    verdict::{mistake::WrongValue, notice::Notice, title::Title, warning::Warning},
};

/// The kinds of object that carry annotations of workload identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A ServiceAccount.
    ServiceAccount,
    /// A pod, or the pod template of a workload.
    Pod,
}

const KNOWN: &[(&str, &[Place])] = &[
    (names::CLIENT_ID, &[Place::ServiceAccount]),
    (names::TENANT_ID, &[Place::ServiceAccount]),
    (names::TOKEN_EXPIRATION, &[Place::ServiceAccount, Place::Pod]),
    (names::SKIP_CONTAINERS, &[Place::Pod]),
    (names::INJECT_PROXY_SIDECAR, &[Place::Pod]),
    (names::PROXY_SIDECAR_PORT, &[Place::Pod]),
];

/// An object's annotations under `azure.workload.identity/`, in their order: a handful, so a list and not a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Annotations(Vec<(String, String)>);

impl Annotations {
    /// Those of `metadata.annotations`; null is an empty text, as it is to the API server.
    ///
    /// # Errors
    /// The annotations are no object, or some of ours are no strings.
    pub(crate) fn read(annotations: &Cursor<'_, '_>) -> Result<Self, Vec<Malformed>> {
        let (mut ours, mut wrong) = (Vec::new(), Vec::new());
        for (name, value) in annotations.entries()? {
            if !name.starts_with(names::PREFIX) {
                continue;
            }
            match value.as_text() {
                Ok(text) => ours.push((name.to_owned(), text.into_owned())),
                Err(_) if value.is_null() => ours.push((name.to_owned(), String::new())),
                Err(malformed) => wrong.push(malformed),
            }
        }
        if wrong.is_empty() { Ok(Self(ours)) } else { Err(wrong) }
    }

    /// The value of `name`; an empty one is ignored.
    #[must_use]
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.present(name).filter(|value| !value.is_empty())
    }

    /// The value of `name`, which may be empty.
    #[must_use]
    pub(crate) fn present(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(annotation, _)| annotation == name).map(|(_, value)| value.as_str())
    }

    /// The value of `annotation`; `None` where it is missing or empty.
    ///
    /// # Errors
    /// A value that the parser of `T` does not take.
    pub(crate) fn parsed<T: Accepts>(&self, annotation: &'static str) -> Result<Option<T>, WrongValue> {
        self.value(annotation).map(|found| parse(annotation, found)).transpose()
    }

    /// As [`Self::parsed`], but an empty value is one.
    ///
    /// # Errors
    /// A value that the parser of `T` does not take.
    pub(crate) fn parsed_present<T: Accepts>(
        &self,
        annotation: &'static str,
    ) -> Result<Option<T>, WrongValue> {
        self.present(annotation).map(|found| parse(annotation, found)).transpose()
    }

    /// How long the token is valid, where the object says so.
    ///
    /// # Errors
    /// Something else than seconds within the bounds.
    pub(crate) fn token_expiration(&self) -> Result<Option<TokenExpiration>, WrongValue> {
        self.parsed(names::TOKEN_EXPIRATION)
    }

    /// Their names, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The containers that get nothing: separated by `;`, blanks trimmed.
    #[must_use]
    pub(crate) fn skipped_containers(&self) -> NameSet<'_> {
        let list = self.value(names::SKIP_CONTAINERS).unwrap_or_default();
        NameSet::new(list.split(';').map(str::trim).filter(|name| !name.is_empty()))
    }

    /// What is to be said of annotations that have no effect on `about`, an object of the kind `place`.
    /// `endpoint` is the custom token endpoint's annotation, where one is set up.
    #[must_use]
    pub(crate) fn warnings(&self, about: &Title, place: Place, endpoint: Option<&str>) -> Vec<Warning> {
        self.0
            .iter()
            .filter_map(|(name, _)| misplaced(name, place, endpoint))
            .map(|text| Warning::new(about, text))
            .collect()
    }
}

fn parse<T: Accepts>(annotation: &'static str, found: &str) -> Result<T, WrongValue> {
    found.parse().map_err(|_: Rejected| WrongValue {
        annotation,
        found: found.into(),
        accepted: T::accepted(),
        instead: T::meant(found).unwrap_or(T::PLACEHOLDER).to_owned(),
    })
}

fn misplaced(name: &str, place: Place, endpoint: Option<&str>) -> Option<Notice> {
    let elsewhere = match place {
        Place::ServiceAccount => "the pod",
        Place::Pod => "the ServiceAccount",
    };
    if name == names::USE_LABEL {
        return Some(Notice::LabelAsAnnotation);
    }
    if endpoint == Some(name) {
        return (place != Place::Pod).then(|| Notice::misplaced_annotation(name, elsewhere));
    }
    match KNOWN.iter().find(|(known, _)| *known == name) {
        Some((_, places)) if places.contains(&place) => None,
        Some(_) => Some(Notice::misplaced_annotation(name, elsewhere)),
        None => {
            let names = KNOWN.iter().map(|(known, _)| *known).chain(endpoint);
            let nearest = nearest(name, names).unwrap_or(names::CLIENT_ID).to_owned();
            Some(Notice::UnknownAnnotation { name: name.into(), nearest })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(pairs: &[(&str, &str)]) -> Annotations {
        Annotations(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn splits_and_trims_the_skip_list() {
        let annotations = annotations(&[("azure.workload.identity/skip-containers", " web;; side car ;web")]);
        assert_eq!(annotations.skipped_containers().iter().collect::<Vec<_>>(), ["web", "side car"]);
    }

    #[test]
    fn warns_about_each_annotation_that_has_no_effect() {
        for (name, place, text) in [
            (
                "client_id",
                Place::ServiceAccount,
                "Pod a/b: annotation azure.workload.identity/client_id is unknown, did you mean azure.workload.identity/client-id?",
            ),
            (
                "skip-container",
                Place::Pod,
                "Pod a/b: annotation azure.workload.identity/skip-container is unknown, did you mean azure.workload.identity/skip-containers?",
            ),
            (
                "client-id",
                Place::Pod,
                "Pod a/b: annotation azure.workload.identity/client-id has no effect here, move it to the ServiceAccount",
            ),
            (
                "skip-containers",
                Place::ServiceAccount,
                "Pod a/b: annotation azure.workload.identity/skip-containers has no effect here, move it to the pod",
            ),
            (
                "use",
                Place::Pod,
                "Pod a/b: azure.workload.identity/use has no effect as an annotation, make it a label",
            ),
        ] {
            let annotations = annotations(&[(&format!("azure.workload.identity/{name}"), "x")]);
            let warnings = annotations.warnings(&Title::of("Pod", "a", "b"), place, None);
            assert_eq!(warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
        }
    }

    #[test]
    fn says_nothing_of_what_is_in_its_place() {
        let of_pod = annotations(&[
            ("azure.workload.identity/skip-containers", ""),
            ("azure.workload.identity/service-account-token-expiration", ""),
            ("azure.workload.identity/inject-proxy-sidecar", ""),
            ("azure.workload.identity/proxy-sidecar-port", ""),
            ("azure.workload.identity/use-identity-binding", ""),
        ]);
        assert_eq!(
            of_pod.warnings(
                &Title::Request,
                Place::Pod,
                Some("azure.workload.identity/use-identity-binding")
            ),
            []
        );
        let of_service_account = annotations(&[
            ("azure.workload.identity/client-id", ""),
            ("azure.workload.identity/tenant-id", ""),
            ("azure.workload.identity/service-account-token-expiration", ""),
        ]);
        assert_eq!(of_service_account.warnings(&Title::Request, Place::ServiceAccount, None), []);
    }
}
