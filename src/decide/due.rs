//! What a pod or pod template is due: the look-up, and the decision that comes of it.

use crate::{
    decide::{
        decision::{Decision, decide},
        warnings,
    },
    host::look_up::{Freshness, LookUp, LookUpFailure},
    object::{
        annotations::Place,
        pod::{Candidate, Metadata},
        service_account::{Reference, ServiceAccount},
    },
    settings::Settings,
    text::quote,
    value::{identity::is_object_name, use_label::UseLabel},
    verdict::{Code, Fault, Refusal, Warning},
};

/// What was found out of a pod or template that could be due an identity.
pub enum Due {
    /// Neither label asks for one.
    No(Vec<Warning>),
    /// Its ServiceAccount could not be read.
    Unreadable(Reference, LookUpFailure),
    /// Its ServiceAccount's name can't be one.
    NoSuchName(Reference),
    /// It is due one.
    Yes(Box<Decision>),
}

/// Looks up the ServiceAccount and decides. A cached copy that would lead to a refusal, or to a missing client id, is
/// confirmed by a fresh one; an error is always fresh. Never more than two look-ups.
pub fn resolve(settings: &Settings, pod: Candidate, look_up: LookUp) -> Due {
    let reference = pod.spec.reference(pod.namespace);
    if !is_object_name(&reference.name) {
        return Due::NoSuchName(reference);
    }
    let mut judge = |freshness| match look_up(&reference, freshness) {
        Ok(service_account) => judge_label(settings, pod, &service_account),
        Err(failure) => Due::Unreadable(reference.clone(), failure),
    };
    match judge(Freshness::Cached) {
        Due::Yes(decision) if decision.doubtful => judge(Freshness::Fresh),
        due @ (Due::No(_) | Due::Unreadable(..) | Due::NoSuchName(_) | Due::Yes(_)) => due,
    }
}

fn judge_label(settings: &Settings, pod: Candidate, service_account: &ServiceAccount) -> Due {
    if settings.trigger.injects(&pod.metadata.label, &service_account.label) {
        return Due::Yes(Box::new(decide(settings, pod, service_account)));
    }
    let mut warnings = unused_warnings(settings, pod.title, pod.metadata);
    warnings.extend(warnings::of_label(&service_account.reference.title(), &service_account.label));
    Due::No(warnings)
}

/// What is to be said of a pod that gets no identity: a label that counts as absent, an annotation in the wrong place.
#[must_use]
pub fn unused_warnings(settings: &Settings, title: &str, metadata: &Metadata) -> Vec<Warning> {
    if metadata.label == UseLabel::False {
        return Vec::new();
    }
    let mut warnings = warnings::of_label(title, &metadata.label);
    warnings.extend(metadata.annotations.warnings(title, Place::Pod, settings.endpoint_annotation()));
    warnings
}

/// Refuses a pod whose ServiceAccount's name can't be one.
#[must_use]
pub fn no_such_name(title: &str, reference: &Reference) -> Refusal {
    Refusal {
        object: title.to_owned(),
        problem: format!(
            "spec.serviceAccountName is {}, expected the name of a ServiceAccount",
            quote(&reference.name)
        ),
        hint: "list those of the namespace with:",
        cure: "kubectl get serviceaccounts".to_owned(),
        code: Code::BadRequest,
        fault: Fault::Template,
    }
}
