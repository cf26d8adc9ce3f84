//! What comes of a request: accepted or refused, with warnings, audit annotations and a log line.

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
    /// Its managed identity's client id, if there is one that can be used.
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
    Nobody,
    /// There are no containers to be seen: it is a ServiceAccount, or the pod is refused.
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
        let message = refusals.first().first().map(|refusal| refusal.mistake.describe().sentence);
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

    /// The log line in the JSON of the host call `tracing/log` (policy-evaluator: `policy_tracing.rs`, `PolicyLogEntry`); `None`
    /// where nothing is logged.
    #[must_use]
    pub fn log_entry(&self) -> Option<String> {
        let line = self.log.as_ref()?;
        let nobody = self.audit.as_ref().is_some_and(|audit| audit.holders == Holders::Nobody);
        let (level, outcome, default) = match (self.refusals.is_empty(), &self.mutated) {
            (true, Some(_)) if nobody => ("info", "mutated", "volume added, all containers are skipped"),
            (true, Some(_)) => ("info", "mutated", "identity injected"),
            (true, None) => ("info", "accepted", "accepted as it is"),
            (false, _) => ("warning", "refused", "refused"),
        };
        let message = line.message.as_deref().unwrap_or(default);
        let (object, namespace) = (line.object.to_string(), line.namespace.plain(NAME_MAX));
        let own = [
            ("level", level),
            ("message", message),
            ("object", &object),
            ("namespace", &namespace),
            ("outcome", outcome),
        ];
        let own = own.into_iter().map(|(name, value)| (name.into(), Json::text(value)));
        let audit = self.audit.iter().flat_map(Audit::fields);
        let audit = audit.map(|(name, value)| (name.into(), Json::text(&value)));
        let mut text = String::new();
        Json::Object(own.chain(audit).collect()).write(&mut text);
        Some(text)
    }
}
