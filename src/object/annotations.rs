//! An object's annotations of workload identity.

use crate::{
    json::{Cursor, Malformed},
    name_set::{ByName, NameSet},
    value::{
        keys::{MetadataKind, is_near_prefix},
        names,
        parse::{Accepts, Rejected},
        token::TokenExpiration,
    },
    verdict::facts::{Instead, WrongValue},
};

/// Largest annotations of an object, names and values together, in bytes (Kubernetes `apimachinery/pkg/api/validation/objectmeta.go`,
/// `TotalAnnotationSizeLimitB`).
const SIZE_MAX: usize = 256 * 1024;

/// The length of a value. An escape of JSON is longer than what it stands for: the API server writes `<` in six bytes.
fn length(value: &Cursor) -> usize {
    match value.raw() {
        Some(raw) if raw.contains('\\') => value.as_text().map_or(0, |text| text.len()),
        Some(raw) => raw.len().saturating_sub(2),
        None => 0,
    }
}

/// Unrecognized labels and annotations that look like those of workload identity.
pub(crate) type Unrecognized = Vec<(MetadataKind, String)>;

/// An object's annotations under `azure.workload.identity/`, in their order: a handful, so a list and not a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Annotations(Vec<(String, String)>);

impl Annotations {
    /// Reads `metadata.annotations`. A null value counts as an empty text, as it does for the API server. Unrecognized names that resemble
    /// them are added to `strays`.
    ///
    /// # Errors
    /// The annotations are no object, or some of ours are no strings.
    pub(crate) fn read(
        annotations: &Cursor<'_, '_>,
        unrecognized: &mut Unrecognized,
    ) -> Result<Self, Vec<Malformed>> {
        let (mut ours, mut wrong) = (Vec::new(), Vec::new());
        let mut size = 0;
        for (name, value) in annotations.entries()? {
            size += name.len() + length(&value);
            if !name.starts_with(names::PREFIX) {
                if is_near_prefix(name) {
                    unrecognized.push((MetadataKind::Annotation, name.to_owned()));
                }
                continue;
            }
            match value.as_text() {
                Ok(text) => ours.push((name.to_owned(), text.into_owned())),
                Err(_) if value.is_null() => ours.push((name.to_owned(), String::new())),
                Err(malformed) => wrong.push(malformed),
            }
        }
        if size > SIZE_MAX {
            wrong = vec![Malformed::at(annotations.path(), "more than 256 KiB", "at most that (Kubernetes)")];
        }
        if wrong.is_empty() { Ok(Self(last_of_each(ours))) } else { Err(wrong) }
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

    /// As [`Self::parsed`], but an empty value is parsed, too.
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
}

/// The last pair of each name, which is the one that counts, in the order of the names.
fn last_of_each(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let places =
        ByName::first(pairs.iter().enumerate().rev().map(|(place, (name, _))| (name.as_str(), place)));
    if places.len() == pairs.len() {
        return pairs;
    }
    let kept: Vec<bool> =
        (pairs.iter().enumerate()).map(|(place, (name, _))| places.get(name) == Some(&place)).collect();
    pairs.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(pair, _)| pair).collect()
}

fn parse<T: Accepts>(annotation: &'static str, found: &str) -> Result<T, WrongValue> {
    found.parse().map_err(|_: Rejected| WrongValue {
        annotation,
        found: found.to_owned(),
        accepted: T::accepted(),
        instead: Instead::Value(T::meant(found).unwrap_or(T::PLACEHOLDER).to_owned()),
    })
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
}
