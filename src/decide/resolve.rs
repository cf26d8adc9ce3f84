//! Whether a pod or pod template is due an identity: the look-up, and the decision after it.

use crate::{
    decide::{
        decision::{Basis, Decision, decide},
        warnings::{self, keys::Keys},
    },
    feature::allowed_identities::Governance,
    host::look_up::{Freshness, LookUp},
    object::{container::Container, metadata::Metadata, pod::Candidate, service_account::ServiceAccount},
    settings::{LookUps, Settings},
    text::Untrusted,
    value::{
        identity::is_object_name,
        keys::AnnotatedObject,
        names,
        reference::Reference,
        use_label::{Trigger, UseLabel},
    },
    verdict::{
        facts::LookUpFailure,
        notice::Notice,
        title::Title,
        warning::{Warning, Warnings},
    },
};

/// Whether a pod or template that could be due an identity is due one.
pub(crate) enum Due {
    /// Neither label asks for one.
    No(Warnings),
    /// Its ServiceAccount could not be read.
    Unreadable(Reference, LookUpFailure),
    /// The name of its ServiceAccount is invalid.
    NoSuchName(Untrusted),
    /// It is due one.
    Yes(Box<Decision>),
}

/// Looks up the ServiceAccount and decides. With `lookUp: Cached`, a copy that would lead to a refusal, or to a missing client ID,
/// is confirmed by a fresh one; an error is always fresh. Never more than two look-ups.
pub(crate) fn resolve(settings: &Settings, pod: Candidate, look_up: LookUp) -> Due {
    let reference = pod.spec.reference(pod.namespace);
    if !is_object_name(reference.name.as_str()) {
        return Due::NoSuchName(reference.name);
    }
    let governance = Governance::of(settings.allowed_identities.as_deref(), pod.namespace);
    let mut judge = |freshness| match look_up(&reference, freshness) {
        Ok(account) => judge_labels(settings, governance.as_ref(), pod, &account),
        Err(failure) => Due::Unreadable(reference.clone(), failure),
    };
    if settings.look_ups == LookUps::Fresh {
        return judge(Freshness::Fresh);
    }
    match judge(Freshness::Cached) {
        Due::Yes(decision) if decision.basis == Basis::Missing => judge(Freshness::Fresh),
        due @ (Due::No(_) | Due::Unreadable(..) | Due::NoSuchName(_) | Due::Yes(_)) => due,
    }
}

fn judge_labels(
    settings: &Settings,
    governance: Option<&Governance>,
    pod: Candidate,
    account: &ServiceAccount,
) -> Due {
    if settings.trigger.injects(&pod.metadata.label, &account.label) {
        return Due::Yes(Box::new(decide(settings, governance, pod, account)));
    }
    let mut warnings = unused_warnings(settings, pod.title, pod.metadata);
    warnings.extend(warnings::of_label(&account.reference.title(), &account.label));
    // Something suggests that an identity was intended, and no label declines it.
    let meant =
        [names::CLIENT_ID, names::IDENTITY].iter().any(|name| account.annotations.value(name).is_some())
            || pod.metadata.label == UseLabel::True
            || pod.metadata.annotations.names().next().is_some();
    // A container that has all of it asks for nothing.
    let has_all = |container: &Container| {
        let mut needed =
            [names::AZURE_CLIENT_ID, names::AZURE_TENANT_ID, names::AZURE_FEDERATED_TOKEN_FILE].iter();
        needed.all(|name| container.variable(name).is_some())
    };
    let meant = meant && !pod.spec.containers.iter().any(has_all);
    if meant && account.label == UseLabel::Absent && pod.metadata.label != UseLabel::False {
        let (account, trigger) = (Some(account.reference.clone()), settings.trigger);
        warnings.push(Warning::new(pod.title, Notice::NoLabel { account, trigger }));
    }
    Due::No(warnings)
}

/// Warnings about a pod that gets no identity: an ignored label, an annotation in the wrong place.
pub(crate) fn unused_warnings(settings: &Settings, title: &Title, metadata: &Metadata) -> Warnings {
    let mut warnings = Warnings::default();
    warnings.extend(warnings::of_retired_binding(title, metadata));
    if metadata.label == UseLabel::False {
        return warnings;
    }
    warnings.extend(warnings::of_label(title, &metadata.label));
    if settings.trigger == Trigger::Pod
        && metadata.label == UseLabel::Absent
        && metadata.annotations.names().next().is_some()
    {
        let notice = Notice::NoLabel { account: None, trigger: settings.trigger };
        warnings.push(Warning::new(title, notice));
    }
    Keys::of_pod(metadata).warnings(settings, title, AnnotatedObject::Pod, &mut warnings);
    warnings
}
