//! Warns about labels and annotations of workload identity that have no effect on the object that has them.

use crate::{
    name_set::NameSet,
    object::{
        annotations::{Annotations, Unrecognized},
        metadata::Metadata,
        service_account::ServiceAccount,
    },
    settings::Settings,
    value::{
        keys::{AnnotatedObject, MetadataKind, annotated_objects, is_near_prefix, nearest},
        names,
    },
    verdict::{
        notice::Notice,
        title::Title,
        warning::{Warning, Warnings},
    },
};

/// The labels and annotations of one object.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'m> {
    annotations: &'m Annotations,
    unrecognized: &'m Unrecognized,
}

/// How many keys with a misspelled prefix are checked at most. Each is compared with every known name.
const NEAR_MAX: usize = 64;

impl<'m> Keys<'m> {
    /// Those of a pod, or of a pod template or workload.
    pub(crate) fn of_pod(metadata: &'m Metadata) -> Self {
        Self { annotations: &metadata.annotations, unrecognized: &metadata.unrecognized }
    }

    /// Those of a ServiceAccount.
    pub(crate) fn of_account(account: &'m ServiceAccount) -> Self {
        Self { annotations: &account.annotations, unrecognized: &account.unrecognized }
    }
}

impl Keys<'_> {
    /// Warns about them on an object where they can have an effect.
    pub(crate) fn warnings(
        self,
        settings: &Settings,
        about: &Title,
        annotated: AnnotatedObject,
        warnings: &mut Warnings,
    ) {
        let endpoint = settings.endpoint_annotation();
        let unset = |name: &str| name == names::IDENTITY && settings.identities.is_none();
        let own = self.annotations.names().filter_map(|name| {
            if unset(name) && annotated == AnnotatedObject::ServiceAccount {
                return Some(Notice::NotSet { annotation: name.into(), setting: "identities" });
            }
            self.annotation(name, annotated, endpoint)
        });
        let notices = own.chain(self.unrecognized_notices(annotated, endpoint));
        notices.for_each(|notice| warnings.add(|| Warning::new(about, notice)));
    }

    fn annotation(self, name: &str, annotated: AnnotatedObject, endpoint: Option<&str>) -> Option<Notice> {
        let elsewhere = match annotated {
            AnnotatedObject::ServiceAccount => "the pod",
            AnnotatedObject::Pod => "the ServiceAccount",
        };
        let unknown = || unknown(MetadataKind::Annotation, name, annotated, endpoint);
        match annotated_objects(name) {
            _ if name == names::USE_LABEL => Some(Notice::LabelAsAnnotation),
            _ if endpoint == Some(name) => {
                (annotated != AnnotatedObject::Pod).then(|| Notice::misplaced_annotation(name, elsewhere))
            }
            Some(annotated_objects) if annotated_objects.contains(&annotated) => self.proxy(name),
            Some(_) => Some(Notice::misplaced_annotation(name, elsewhere)),
            None if name.starts_with(names::USE_ENDPOINT_PREFIX) && endpoint.is_none() => {
                Some(Notice::NotSet { annotation: name.into(), setting: "customTokenEndpoint" })
            }
            None => Some(unknown()),
        }
    }

    /// Warns about the proxy's annotations: a port without the proxy, or a value that was likely meant to decline the proxy.
    fn proxy(self, name: &str) -> Option<Notice> {
        let proxy = self.annotations.present(names::INJECT_PROXY_SIDECAR);
        match proxy {
            None => (name == names::PROXY_SIDECAR_PORT).then_some(Notice::PortWithoutProxy),
            Some(value) if name == names::INJECT_PROXY_SIDECAR => {
                let declines = ["false", "no", "off", "0", "disabled"];
                let meant = declines.into_iter().any(|word| value.trim().eq_ignore_ascii_case(word));
                (meant && value != "false").then(|| Notice::ProxyNotDeclined(value.into()))
            }
            Some(_) => None,
        }
    }

    fn unrecognized_notices(
        self,
        annotated: AnnotatedObject,
        endpoint: Option<&str>,
    ) -> impl Iterator<Item = Notice> {
        let (near, other): (Vec<_>, Vec<_>) =
            self.unrecognized.iter().partition(|(_, name)| is_near_prefix(name));
        let known = other.into_iter().map(move |(metadata, name)| match annotated_objects(name) {
            Some(annotated_objects) => {
                let annotated = annotated_objects.first().copied().unwrap_or(annotated);
                Notice::AnnotationAsLabel { name: name.as_str().into(), annotated }
            }
            None => unknown(*metadata, name, annotated, endpoint),
        });
        let near = near.into_iter().take(NEAR_MAX);
        let near = near.filter(move |(_, name)| nearest(name, annotated, endpoint).is_some());
        known.chain(near.map(move |(metadata, name)| unknown(*metadata, name, annotated, endpoint)))
    }

    /// Warns about them on an object whose metadata is not copied to its pods. They belong at `path` in its pod template. Those that the
    /// template already has are not reported.
    pub(crate) fn misplaced(self, about: &Title, path: &str, template: Keys, warnings: &mut Warnings) {
        let of_template = NameSet::new(template.annotations.names());
        let lost = self.annotations.names().filter(|name| !of_template.contains(name));
        let notices = lost.map(|name| match annotated_objects(name) {
            Some([AnnotatedObject::ServiceAccount]) => {
                Notice::misplaced_annotation(name, "the ServiceAccount")
            }
            None if name != names::USE_LABEL && !name.starts_with(names::USE_ENDPOINT_PREFIX) => {
                unknown(MetadataKind::Annotation, name, AnnotatedObject::Pod, None)
            }
            Some(_) | None => Notice::misplaced_annotation(name, path),
        });
        notices.for_each(|notice| warnings.add(|| Warning::new(about, notice)));
    }
}

fn unknown(metadata: MetadataKind, name: &str, annotated: AnnotatedObject, endpoint: Option<&str>) -> Notice {
    Notice::Unknown { metadata, name: name.into(), annotated, endpoint: endpoint.map(ToOwned::to_owned) }
}
