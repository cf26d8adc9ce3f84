//! The outcome of a request: accepted or refused, with warnings, audit annotations and a log line.

use crate::{
    json::Json,
    tally::Tally,
    text::{NAME_MAX, Untrusted},
    value::{
        identity::{ClientId, Subject, TenantId},
        reference::Reference,
    },
    verdict::{refusal::Refusal, title::Title, warning::Warnings},
};

/// Who got, or should have got, which identity: the audit annotations and the fields of the log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audit {
    /// The ServiceAccount.
    pub(crate) service_account: Reference,
    /// Its name in the setting `identities`, where the ServiceAccount uses that.
    pub(crate) identity: Option<String>,
    /// Its managed identity's client ID, if there is one that can be used.
    pub(crate) client_id: Option<ClientId>,
    /// The tenant, if it is known.
    pub(crate) tenant_id: Option<TenantId>,
    /// Containers that have another client ID, each with that; `?` where it can't be told.
    pub(crate) clients: Tally<(Untrusted, String)>,
    /// Containers that have another tenant, likewise.
    pub(crate) tenants: Tally<(Untrusted, String)>,
    /// Whether a container has an identity.
    pub(crate) holders: Holders,
}

/// Whether a container of a pod has an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holders {
    /// One has.
    Some,
    /// None has: all are skipped.
    None,
    /// No containers were examined: the object is a ServiceAccount, or the pod is refused.
    Unknown,
}

/// Most containers with another identity that are told one by one: an audit annotation is a line of a log.
const CONTAINERS_MAX: usize = 32;

impl Audit {
    /// The audit annotations: those that have a value. The subject is the token's, which the federated credential must hold.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let subject = Subject(&self.service_account);
        [
            ("service-account", Some(self.service_account.to_string())),
            ("client-id", self.client_id.as_ref().map(ToString::to_string)),
            ("tenant-id", self.tenant_id.as_ref().map(ToString::to_string)),
            ("subject", Some(subject.to_string())),
            ("identity", self.identity.clone()),
            ("container-identities", told(&self.clients)),
            ("container-tenants", told(&self.tenants)),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
    }
}

/// Containers with an ID each, as an annotation has them; `None` where there is none.
fn told(containers: &Tally<(Untrusted, String)>) -> Option<String> {
    let told = containers.first().iter().take(CONTAINERS_MAX);
    let mut told: Vec<String> = told.map(|(name, id)| format!("{}={id}", name.plain(63))).collect();
    if containers.len() > CONTAINERS_MAX {
        told.push("…".to_owned());
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// The one line that is logged for a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Namespace of the request.
    pub(crate) namespace: Untrusted,
    /// What was judged.
    pub(crate) object: Title,
    /// What failed, where something did.
    pub(crate) message: Option<String>,
}

impl LogLine {
    /// The line for `object`, with the first of `refusals` as its message.
    pub(crate) fn new(namespace: &str, object: &Title, refusals: &Tally<Refusal>) -> Self {
        let message = refusals.first().first().map(|refusal| refusal.mistake.row().words().0.sentence);
        Self { namespace: namespace.into(), object: object.clone(), message }
    }
}

/// The answer.
#[derive(Debug, Default)]
pub struct Verdict<'a> {
    /// Why it is refused; accepted where this is empty.
    pub(crate) refusals: Tally<Refusal>,
    /// What else is wrong.
    pub(crate) warnings: Warnings,
    /// The object as it shall be; `None` where it stays as it is.
    pub(crate) mutated: Option<Json<'a>>,
    /// Who gets which identity.
    pub(crate) audit: Option<Audit>,
    /// What is logged; nothing where identity is not concerned.
    pub(crate) log: Option<LogLine>,
}

impl Verdict<'_> {
    /// Accepted, with nothing to say.
    pub(crate) fn accepted() -> Self {
        Self::default()
    }

    /// Accepted, with warnings.
    pub(crate) fn warned(warnings: Warnings) -> Self {
        Self { warnings, ..Self::default() }
    }

    /// Refused for one reason.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self { refusals: refusal.into(), ..Self::default() }
    }

    /// What is logged of it; `None` where nothing is.
    #[must_use]
    pub fn log_event(&self) -> Option<LogEvent> {
        let line = self.log.as_ref()?;
        let none = self.audit.as_ref().is_some_and(|audit| audit.holders == Holders::None);
        let (level, outcome, default) = match (self.refusals.is_empty(), &self.mutated) {
            (true, Some(_)) if none => {
                (LogLevel::Info, "mutated", "volume added, all containers are skipped")
            }
            (true, Some(_)) => (LogLevel::Info, "mutated", "identity injected"),
            (true, None) => (LogLevel::Info, "accepted", "accepted as it is"),
            (false, _) => (LogLevel::Warning, "refused", "refused"),
        };
        let own = [
            ("object", line.object.to_string()),
            ("namespace", line.namespace.plain(NAME_MAX)),
            ("outcome", outcome.to_owned()),
        ];
        let fields = own.into_iter().chain(self.audit.iter().flat_map(Audit::fields)).collect();
        let message = line.message.clone().unwrap_or_else(|| default.to_owned());
        Some(LogEvent { level, message, fields })
    }
}

/// What is logged of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// How grave it is.
    pub level: LogLevel,
    /// What happened.
    pub message: String,
    /// The fields of the line: which object, and the audit annotations.
    pub fields: Vec<(&'static str, String)>,
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// An identity was given, or is there.
    Info,
    /// Something was refused.
    Warning,
}
