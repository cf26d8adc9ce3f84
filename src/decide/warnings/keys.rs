//! Warns about labels and annotations of workload identity that have no effect on the object that has them.

use crate::{
    object::{
        annotations::{Annotations, Strays},
        metadata::Metadata,
        service_account::ServiceAccount,
    },
    settings::Settings,
    value::{
        keys::{Bearer, MetadataKind, bearers, is_near_prefix, nearest},
        name_set::NameSet,
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
    strays: &'m Strays,
}

/// How many keys with a misspelled prefix are checked at most. Each is compared with every known name.
const NEAR_MAX: usize = 64;

impl<'m> Keys<'m> {
    /// Those of a pod, or of a pod template or workload.
    pub(crate) fn of_pod(metadata: &'m Metadata) -> Self {
        Self { annotations: &metadata.annotations, strays: &metadata.strays }
    }

    /// Those of a ServiceAccount.
    pub(crate) fn of_account(account: &'m ServiceAccount) -> Self {
        Self { annotations: &account.annotations, strays: &account.strays }
    }
}

impl Keys<'_> {
    /// Warns about them on an object where they can have an effect.
    pub(crate) fn warnings(
        self,
        settings: &Settings,
        about: &Title,
        bearer: Bearer,
        warnings: &mut Warnings,
    ) {
        let endpoint = settings.endpoint_annotation();
        let unset = |name: &str| name == names::IDENTITY && settings.identities.is_none();
        let own = self.annotations.names().filter_map(|name| {
            if unset(name) && bearer == Bearer::ServiceAccount {
                return Some(Notice::NotSet { annotation: name.into(), setting: "identities" });
            }
            self.annotation(name, bearer, endpoint)
        });
        let notices = own.chain(self.stray(bearer, endpoint));
        notices.for_each(|notice| warnings.add(|| Warning::new(about, notice)));
    }

    fn annotation(self, name: &str, bearer: Bearer, endpoint: Option<&str>) -> Option<Notice> {
        let elsewhere = match bearer {
            Bearer::ServiceAccount => "the pod",
            Bearer::Pod => "the ServiceAccount",
        };
        let unknown = || unknown(MetadataKind::Annotation, name, bearer, endpoint);
        match bearers(name) {
            _ if name == names::USE_LABEL => Some(Notice::LabelAsAnnotation),
            _ if endpoint == Some(name) => {
                (bearer != Bearer::Pod).then(|| Notice::misplaced_annotation(name, elsewhere))
            }
            Some(bearers) if bearers.contains(&bearer) => self.proxy(name),
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

    fn stray(self, bearer: Bearer, endpoint: Option<&str>) -> impl Iterator<Item = Notice> {
        let (near, other): (Vec<_>, Vec<_>) = self.strays.iter().partition(|(_, name)| is_near_prefix(name));
        let known = other.into_iter().map(move |(metadata, name)| match bearers(name) {
            Some(bearers) => {
                let bearer = bearers.first().copied().unwrap_or(bearer);
                Notice::AnnotationAsLabel { name: name.as_str().into(), bearer }
            }
            None => unknown(*metadata, name, bearer, endpoint),
        });
        let near = near.into_iter().take(NEAR_MAX);
        let near = near.filter(move |(_, name)| nearest(name, bearer, endpoint).is_some());
        known.chain(near.map(move |(metadata, name)| unknown(*metadata, name, bearer, endpoint)))
    }

    /// Warns about them on an object whose metadata is not copied to its pods. They belong at `path` in its pod template. Those that the
    /// template already has are not reported.
    pub(crate) fn misplaced(self, about: &Title, path: &str, template: Keys, warnings: &mut Warnings) {
        let of_template = NameSet::new(template.annotations.names());
        let lost = self.annotations.names().filter(|name| !of_template.contains(name));
        let notices = lost.map(|name| match bearers(name) {
            Some([Bearer::ServiceAccount]) => Notice::misplaced_annotation(name, "the ServiceAccount"),
            Some(_) | None => Notice::misplaced_annotation(name, path),
        });
        notices.for_each(|notice| warnings.add(|| Warning::new(about, notice)));
    }
}

fn unknown(metadata: MetadataKind, name: &str, bearer: Bearer, endpoint: Option<&str>) -> Notice {
    Notice::Unknown { metadata, name: name.into(), bearer, endpoint: endpoint.map(ToOwned::to_owned) }
}
