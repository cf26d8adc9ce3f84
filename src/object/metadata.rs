//! The metadata of a pod or a pod template.

use std::borrow::Cow;

use crate::{
    json::{Cursor, FIELDS, Malformed, Shape},
    object::annotations::{Annotations, Unrecognized},
    value::{
        keys::{MetadataKind, is_near_prefix},
        kind::Kind,
        layout::PodName,
        names,
        use_label::UseLabel,
    },
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
    /// Unrecognized labels and annotations that resemble those of workload identity.
    pub(crate) unrecognized: Unrecognized,
    /// Whether it mirrors a static pod, which can't use a projected token.
    pub(crate) kind: PodKind,
    /// The label of the retired aad-pod-identity, where it is there.
    pub(crate) retired_binding: Option<String>,
}

/// What an object's labels and annotations say of identity.
pub(crate) struct Marks<'t, const N: usize> {
    /// The values of the labels that were asked for.
    pub(crate) labels: [Option<Cow<'t, str>>; N],
    /// The annotations.
    pub(crate) annotations: Annotations,
    /// Unrecognized ones that resemble them.
    pub(crate) unrecognized: Unrecognized,
}

impl<'t, const N: usize> Marks<'t, N> {
    /// Reads those labels of `metadata`, and its annotations.
    ///
    /// # Errors
    /// All that is of another type.
    pub(crate) fn read(metadata: &Cursor<'_, 't>, wanted: [&str; N]) -> Result<Self, Vec<Malformed>> {
        let (mut wrong, mut unrecognized) = (Vec::new(), Unrecognized::new());
        let labels = metadata.field("labels").map_err(|malformed| wrong.push(malformed)).ok().flatten();
        if let Some(labels) = labels.as_ref().and_then(|labels| labels.entries().ok()) {
            let unrecognized_notices = |name: &&str| {
                (name.starts_with(names::PREFIX) && *name != names::USE_LABEL) || is_near_prefix(name)
            };
            let found = labels.map(|(name, _)| name).filter(unrecognized_notices);
            unrecognized.extend(found.map(|name| (MetadataKind::Label, name.to_owned())));
        }
        let labels = wanted.map(|name| {
            let text = labels.as_ref()?.field(name).and_then(|at| at.map(|at| at.as_text()).transpose());
            text.map_err(|malformed| wrong.push(malformed)).ok().flatten()
        });
        // If `labels` is not an object, each of the names reports it.
        wrong.dedup();
        let annotations = metadata.field("annotations").map_err(Vec::from);
        let annotations =
            annotations.and_then(|at| at.map(|at| Annotations::read(&at, &mut unrecognized)).transpose());
        let annotations = annotations.map_err(|more| wrong.extend(more)).ok().flatten().unwrap_or_default();
        if wrong.is_empty() { Ok(Self { labels, annotations, unrecognized }) } else { Err(wrong) }
    }
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
    pub(crate) fn read(object: &Cursor<'_, '_>) -> Result<Self, Vec<Malformed>> {
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
    pub(crate) fn of_template(template: &Cursor<'_, '_>, name: PodName) -> Result<Self, Vec<Malformed>> {
        match template.field("metadata")? {
            Some(metadata) => Self::of(&metadata, name),
            None => Ok(Self {
                name,
                label: UseLabel::Absent,
                annotations: Annotations::default(),
                unrecognized: Unrecognized::new(),
                kind: PodKind::Ordinary,
                retired_binding: None,
            }),
        }
    }

    fn of(metadata: &Cursor<'_, '_>, name: PodName) -> Result<Self, Vec<Malformed>> {
        let Marks { labels: [label, retired_binding], annotations, unrecognized } =
            Marks::read(metadata, [names::USE_LABEL, names::RETIRED_BINDING])?;
        let mirrored = match metadata.field("annotations")? {
            Some(annotations) => annotations.field(names::MIRROR_POD)?.is_some(),
            None => false,
        };
        Ok(Self {
            name,
            label: UseLabel::from(label.as_deref()),
            annotations,
            unrecognized,
            kind: if mirrored { PodKind::Mirror } else { PodKind::Ordinary },
            retired_binding: retired_binding.map(Cow::into_owned),
        })
    }

    /// What messages call the pod.
    pub(crate) fn title(&self, namespace: &str) -> Title {
        match &self.name {
            PodName::Name(name) => Title::of(Kind::Pod, namespace, name),
            PodName::Prefix(prefix) => Title::of_generated(Kind::Pod, namespace, prefix),
        }
    }
}
