//! What is wrong, but refuses nothing.

use crate::{
    decide::{identity::service_account::AccountIdentity, pod_request::PodRequest, warnings::keys::Keys},
    feature::proxy,
    name_set::NameSet,
    object::{pod::Candidate, service_account::ServiceAccount},
    settings::Settings,
    text::Untrusted,
    value::{identity::ClientId, keys::AnnotatedObject, names, use_label::UseLabel},
    verdict::{
        notice::{Notice, SkipHint},
        title::Title,
        warning::{Warning, Warnings},
    },
};

/// Warns about mistakes in the labels and annotations of a pod that is due an identity, and of its ServiceAccount.
pub(crate) fn of_metadata(
    settings: &Settings,
    pod: Candidate,
    account: &ServiceAccount,
    (own, said): (&PodRequest, &AccountIdentity),
    warnings: &mut Warnings,
) {
    let (title, of_account) = (pod.title, account.reference.title());
    warnings.extend(of_label(title, &pod.metadata.label));
    warnings.extend(of_label(&of_account, &account.label));
    Keys::of_pod(pod.metadata).warnings(settings, title, AnnotatedObject::Pod, warnings);
    Keys::of_account(account).warnings(settings, &of_account, AnnotatedObject::ServiceAccount, warnings);
    of_skipped(pod, own, warnings);
    of_identities(pod, own, warnings);
    if said.client_id.as_ref().is_ok_and(|id| id.as_ref().is_some_and(ClientId::is_zero)) {
        warnings.push(Warning::new(&of_account, Notice::ZeroId));
    }
    if pod.metadata.retired_binding.is_some() {
        warnings.push(Warning::new(title, Notice::RetiredBinding));
    }
}

/// The first of these names, as a message lists them.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> Untrusted {
    let names: Vec<String> = names.take(4).map(|name| Untrusted::from(name).plain(63)).collect();
    names.join(", ").into()
}

/// Warns about names in `skip-containers` that no container has.
fn of_skipped(pod: Candidate, own: &PodRequest, warnings: &mut Warnings) {
    let skipped = &own.containers.skipped;
    if skipped.is_empty() {
        return;
    }
    let containers = pod.spec.containers.iter().chain(&pod.spec.ephemeral);
    let proxy: &[&str] = if own.proxy.is_some() { &[proxy::INIT_CONTAINER, proxy::SIDECAR] } else { &[] };
    let names =
        NameSet::new(containers.map(|container| container.name.as_ref()).chain(proxy.iter().copied()));
    let absent = skipped.iter().filter(|name| !names.contains(name) && !names::ADDED_LATER.contains(name));
    let hint = |name: &str| {
        let mut parts = name.split(|c: char| " ,:|[]\"'*\n\t".contains(c));
        let several = name.contains(',')
            || parts.any(|part| part.len() < name.len() && (names.contains(part) || part.is_empty()));
        if several { SkipHint::Separator } else { SkipHint::OneOf(listed(names.iter())) }
    };
    for name in absent {
        let notice = || Notice::SkipsNobody { name: name.into(), hint: hint(name) };
        warnings.add(|| Warning::new(pod.title, notice()));
    }
}

/// Warns about names in `container-identities` that don't belong to a container with an identity.
fn of_identities(pod: Candidate, own: &PodRequest, warnings: &mut Warnings) {
    let mut named = own.identities.names().peekable();
    if named.peek().is_none() {
        return;
    }
    let mut due: Vec<&str> = own.containers.due().map(|container| container.name.as_ref()).collect();
    due.extend(&own.new_due);
    let due = NameSet::new(due.into_iter());
    for name in named.filter(|name| !due.contains(name)) {
        let notice = || Notice::IdentityOfNobody { name: name.into(), there: listed(due.iter()) };
        warnings.add(|| Warning::new(pod.title, notice()));
    }
}

/// A label that is ignored.
pub(crate) fn of_label(about: &Title, label: &UseLabel) -> Option<Warning> {
    match label {
        UseLabel::Other(value) => Some(Warning::new(about, Notice::LabelIgnored(value.as_str().into()))),
        UseLabel::Absent | UseLabel::True | UseLabel::False => None,
    }
}
