//! A refusal's reason or a warning, as data: what every program of the project shows of it.

use crate::{
    fields::Problem,
    json::Json,
    text::Untrusted,
    value::kind::Kind,
    verdict::{
        description::{Description, Paste},
        notice::{Notice, pods_refused},
        refusal::Refusal,
        spot::{Spot, Whole, metadata_path},
        title::Title,
        warning::{About, Warning},
    },
};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The object is refused for it.
    Error,
    /// It is accepted all the same.
    Warning,
}

impl Severity {
    /// Its name in JSON.
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A finding about an object.
pub(crate) struct Finding {
    severity: Severity,
    object: Title,
    container: Option<Untrusted>,
    description: Description,
}

impl Finding {
    /// The reason of a refusal.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        Self {
            severity: Severity::Error,
            object: refusal.object.clone(),
            container: None,
            description: refusal.describe(),
        }
    }

    /// A warning. What the pods of a workload will be refused for is a finding about the object that is wrong.
    pub(crate) fn of_warning(warning: &Warning) -> Self {
        let (object, container) = match &warning.about {
            About::Object(title) => (title.clone(), None),
            About::Container(title, name) => (title.clone(), Some(name.clone())),
        };
        let (object, description) = if let Notice::PodsRefused { object, mistake } = &warning.notice {
            (object.clone(), pods_refused("", mistake))
        } else {
            (object, warning.notice.describe())
        };
        Self { severity: Severity::Warning, object, container, description }
    }

    /// A problem of the policy's settings, or what is worth knowing of them.
    pub(crate) fn of_setting(severity: Severity, problem: &Problem) -> Self {
        let path = problem.path.plain(120);
        let path =
            if path == "settings" { "spec.settings".to_owned() } else { format!("spec.settings.{path}") };
        let description = Description::new("settings", problem.to_string()).at(Spot::Written(path));
        Self { severity, object: Title::Policy, container: None, description }
    }

    /// As JSON; fields without a value are left out. `whole_of` gives the object of a kind in which
    /// the finding is to be placed, if it is at hand.
    pub(crate) fn into_json<'j, 'a: 'j, 'o>(
        self,
        whole_of: &dyn Fn(Kind) -> Option<Whole<'j, 'a>>,
    ) -> Json<'o> {
        let Self { severity, object, container, description } = self;
        let Description { rule, sentence, spot, container: inner, found, fix, paste } = description;
        let container = container.or(inner);
        let whole = match &object {
            Title::Object { kind, .. } => whole_of(*kind),
            Title::Request | Title::Policy => None,
        };
        let path = spot.and_then(|spot| match (spot, whole) {
            (Spot::Written(path), _) => Some(path),
            (spot, Some(whole)) => Some(whole.path(&spot, container.as_ref())),
            (Spot::Metadata(kind, name), None) => Some(metadata_path(kind, &name)),
            (Spot::Field(path), None) => Some(path.to_owned()),
            (_, None) => None,
        });
        let mut fields: Vec<(&'static str, Json)> = vec![
            ("rule", Json::text(rule)),
            ("severity", Json::text(severity.word())),
            ("object", named(&object)),
        ];
        let container = container.map(|name| name.plain(63));
        let (kind, paste) = match &paste {
            Paste::Nothing => ("", None),
            Paste::Command(text) => ("command", Some(text)),
            Paste::Manifest(text) => ("manifest", Some(text)),
            Paste::Link(text) => ("link", Some(text)),
        };
        let fix = fix.map(|fix| fix.trim_end_matches(':').to_owned());
        let optional = [
            ("path", path),
            ("container", container),
            ("found", found),
            ("message", Some(sentence)),
            ("fix", fix),
        ];
        fields.extend(optional.into_iter().filter_map(|(name, text)| Some((name, Json::text(&text?)))));
        fields.extend(paste.map(|text| (kind, Json::text(text))));
        Json::Object(fields.into_iter().map(|(name, json)| (name.into(), json)).collect())
    }
}

/// An object by kind, namespace and name.
fn named<'a>(title: &Title) -> Json<'a> {
    let (kind, names) = match title {
        Title::Request => ("AdmissionRequest", None),
        Title::Policy => ("ClusterAdmissionPolicy", None),
        Title::Object { kind, namespace, name } => (kind.name(), Some((namespace, name))),
    };
    let mut fields = vec![("kind", Json::text(kind))];
    if let Some((namespace, name)) = names {
        fields.extend([
            ("namespace", Json::text(&namespace.plain(253))),
            ("name", Json::text(&name.plain(254))),
        ]);
    }
    Json::Object(fields.into_iter().map(|(name, json)| (name.into(), json)).collect())
}
