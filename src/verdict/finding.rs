//! A refusal's reason or a warning, as data: what every program of the project shows of it.

use crate::{
    json::Json,
    text::Untrusted,
    verdict::{
        refusal::Refusal,
        title::Title,
        warning::{About, Warning},
    },
};

/// What is said of a mistake or a notice. Sentence, rule and fix of each stand together where its kind is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    /// The name of its rule, stable: a row of docs/troubleshooting.md.
    pub(crate) rule: &'static str,
    /// What is wrong.
    pub(crate) sentence: String,
    /// Where in the object, as kubectl writes paths, as far as it is known.
    pub(crate) path: Option<String>,
    /// The container that it is about.
    pub(crate) container: Option<Untrusted>,
    /// The value that stands there, escaped.
    pub(crate) found: Option<String>,
    /// What to do, and what stands before it in the line.
    pub(crate) fix: Option<(&'static str, String)>,
    /// What to paste.
    pub(crate) paste: Paste,
}

/// What a fix can be pasted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paste {
    /// Nothing.
    Nothing,
    /// A command of a POSIX shell.
    Command(String),
    /// Lines of a manifest.
    Manifest(String),
    /// A page that explains it.
    Link(String),
}

impl Paste {
    /// The text itself.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Nothing => "",
            Self::Command(text) | Self::Manifest(text) | Self::Link(text) => text,
        }
    }
}

impl Description {
    /// One that is nothing but a sentence.
    pub(crate) fn new(rule: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            rule,
            sentence: sentence.into(),
            path: None,
            container: None,
            found: None,
            fix: None,
            paste: Paste::Nothing,
        }
    }

    /// The same, at this place of the object.
    pub(crate) fn at(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// The same, about this container.
    pub(crate) fn of(self, container: &Untrusted) -> Self {
        Self { container: Some(container.clone()), ..self }
    }

    /// The same, where this value was found.
    pub(crate) fn found(self, found: &Untrusted) -> Self {
        Self { found: Some(found.plain(160)), ..self }
    }

    /// The same, with what to do.
    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(("; ", fix.into())), ..self }
    }

    /// The same, with what to do as the rest of the sentence.
    pub(crate) fn so(self, between: &'static str, fix: impl Into<String>) -> Self {
        Self { fix: Some((between, fix.into())), ..self }
    }

    /// The same, with what to paste.
    pub(crate) fn paste(self, paste: Paste) -> Self {
        Self { paste, ..self }
    }

    /// Sentence and fix in one line.
    pub(crate) fn line(&self) -> String {
        let (between, fix) = self.fix.as_ref().map_or(("", ""), |(between, fix)| (*between, fix.as_str()));
        [&self.sentence, between, fix].concat()
    }
}

/// The path of an annotation of an object's metadata.
pub(crate) fn annotation_path(name: &str) -> String {
    format!("metadata.annotations[\"{name}\"]")
}

/// The path of a label of an object's metadata.
pub(crate) fn label_path(name: &str) -> String {
    format!("metadata.labels[\"{name}\"]")
}

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

    /// A warning.
    pub(crate) fn of_warning(warning: &Warning) -> Self {
        let (object, container) = match &warning.about {
            About::Object(title) => (title.clone(), None),
            About::Container(title, name) => (title.clone(), Some(name.clone())),
        };
        Self { severity: Severity::Warning, object, container, description: warning.notice.describe() }
    }

    /// As JSON; fields without a value are left out.
    pub(crate) fn into_json<'a>(self) -> Json<'a> {
        let Self { severity, object, container, description } = self;
        let Description { rule, sentence, path, container: inner, found, fix, paste } = description;
        let mut fields: Vec<(&'static str, Json)> = vec![
            ("rule", Json::text(rule)),
            ("severity", Json::text(severity.word())),
            ("object", named(&object)),
        ];
        let container = container.or(inner).map(|name| name.plain(63));
        let (kind, paste) = match &paste {
            Paste::Nothing => ("", None),
            Paste::Command(text) => ("command", Some(text)),
            Paste::Manifest(text) => ("manifest", Some(text)),
            Paste::Link(text) => ("link", Some(text)),
        };
        let fix = fix.map(|(_, fix)| fix.trim_end_matches(':').to_owned());
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
        Title::Object { kind, namespace, name } => (*kind, Some((namespace, name))),
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
