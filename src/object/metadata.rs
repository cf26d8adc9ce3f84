//! The metadata of a pod or a pod template.

use std::borrow::Cow;

use crate::{
    json::{Cursor, FIELDS, Malformed, Shape},
    object::annotations::Annotations,
    value::{layout::PodName, names, use_label::UseLabel},
    verdict::title::Title,
};

/// An object's metadata, looked into as far as labels and annotations.
pub(crate) static METADATA: Shape = Shape::Object(&[("labels", &FIELDS), ("annotations", &FIELDS)]);

/// What the metadata says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// `metadata.name` or `metadata.generateName`.
    pub(crate) name: PodName,
    /// The label `azure.workload.identity/use`.
    pub(crate) label: UseLabel,
    /// The annotations of workload identity.
    pub(crate) annotations: Annotations,
    /// Whether it mirrors a static pod, which can't use a projected token.
    pub(crate) kind: PodKind,
    /// The label of the retired aad-pod-identity, where it is there.
    pub(crate) retired_binding: Option<String>,
}

/// Static pods are mirrored in the API server; all others are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PodKind {
    /// A pod of the API server.
    Ordinary,
    /// The mirror of a static pod.
    Mirror,
}

impl Metadata {
    /// Reads `metadata` of `object`.
    ///
    /// # Errors
    /// No metadata, or something in it that is of another type.
    pub(crate) fn read(object: &Cursor<'_, '_>) -> Result<Self, Malformed> {
        let metadata = object.required("metadata", "an object")?;
        let text = |name| metadata.field(name)?.map(|at| at.as_text()).transpose();
        let name = match text("name")?.filter(|name| !name.is_empty()) {
            Some(name) => PodName::Name(name.into_owned()),
            None => PodName::Prefix(text("generateName")?.unwrap_or_default().into_owned()),
        };
        Self::of(&metadata, name)
    }

    /// Reads `metadata` of a pod template, which can do without, for the pods called `name`.
    ///
    /// # Errors
    /// Something in it that is of another type.
    pub(crate) fn of_template(template: &Cursor<'_, '_>, name: PodName) -> Result<Self, Malformed> {
        match template.field("metadata")? {
            Some(metadata) => Self::of(&metadata, name),
            None => Ok(Self {
                name,
                label: UseLabel::Absent,
                annotations: Annotations::default(),
                kind: PodKind::Ordinary,
                retired_binding: None,
            }),
        }
    }

    fn of(metadata: &Cursor<'_, '_>, name: PodName) -> Result<Self, Malformed> {
        let labels = metadata.field("labels")?;
        let label = |name| match &labels {
            Some(labels) => labels.field(name)?.map(|at| at.as_text()).transpose(),
            None => Ok(None),
        };
        let annotations = metadata.field("annotations")?;
        let mirrored = match &annotations {
            Some(annotations) => annotations.field(names::MIRROR_POD)?,
            None => None,
        };
        Ok(Self {
            name,
            label: UseLabel::from(label(names::USE_LABEL)?.as_deref()),
            annotations: annotations.as_ref().map(Annotations::read).transpose()?.unwrap_or_default(),
            kind: if mirrored.is_some() { PodKind::Mirror } else { PodKind::Ordinary },
            retired_binding: label(names::RETIRED_BINDING)?.map(Cow::into_owned),
        })
    }

    /// What messages call the pod.
    pub(crate) fn title(&self, namespace: &str) -> Title {
        match &self.name {
            PodName::Name(name) => Title::of("Pod", namespace, name),
            PodName::Prefix(prefix) => Title::of_generated("Pod", namespace, prefix),
        }
    }
}
