//! What is wrong, but refuses nothing.

use crate::{
    decide::{identity::Said, keys::Keys, own::Own},
    feature::proxy,
    object::{container::Container, pod::Candidate, service_account::ServiceAccount},
    settings::Settings,
    value::{identity::ClientId, keys::Bearer, name_set::NameSet, names, use_label::UseLabel},
    verdict::{
        notice::{Notice, SkipHint},
        title::Title,
        warning::Warning,
    },
};

/// What the labels and annotations of a pod that is due an identity, and of its ServiceAccount, get wrong.
pub(crate) fn of_metadata(
    settings: &Settings,
    pod: Candidate,
    account: &ServiceAccount,
    (own, said): (&Own, &Said),
) -> Vec<Warning> {
    let (title, of_account) = (pod.title, account.reference.title());
    let mut warnings: Vec<Warning> = of_label(title, &pod.metadata.label).into_iter().collect();
    warnings.extend(of_label(&of_account, &account.label));
    warnings.extend(Keys::of_pod(pod.metadata).warnings(settings, title, Bearer::Pod));
    warnings.extend(Keys::of_account(account).warnings(settings, &of_account, Bearer::ServiceAccount));
    warnings.extend(of_skipped(pod, own));
    warnings.extend(of_identities(pod, own));
    if said.client_id.as_ref().is_ok_and(|id| id.as_ref().is_some_and(ClientId::is_zero)) {
        warnings.push(Warning::new(&of_account, Notice::ZeroId));
    }
    if pod.metadata.retired_binding.is_some() {
        warnings.push(Warning::new(title, Notice::RetiredBinding));
    }
    warnings
}

/// Names in `skip-containers` that no container has.
fn of_skipped(pod: Candidate, own: &Own) -> Vec<Warning> {
    let skipped = &own.containers.skipped;
    if skipped.is_empty() {
        return Vec::new();
    }
    let containers = pod.spec.containers.iter().chain(&pod.spec.ephemeral);
    let proxy: &[&str] = if own.proxy.is_some() { &[proxy::INIT_CONTAINER, proxy::SIDECAR] } else { &[] };
    let names =
        NameSet::new(containers.map(|container| container.name.as_ref()).chain(proxy.iter().copied()));
    let nobody = skipped.iter().filter(|name| !names.contains(name) && !names::ADDED_LATER.contains(name));
    let there: Vec<&str> =
        pod.spec.containers.iter().take(4).map(|container| container.name.as_ref()).collect();
    let hint = |name: &str| {
        let mut parts = name.split(|c: char| " ,:|[]\"'*\n\t".contains(c));
        let several = name.contains(',')
            || parts.any(|part| part.len() < name.len() && (names.contains(part) || part.is_empty()));
        if several { SkipHint::Separator } else { SkipHint::OneOf(there.join(", ").into()) }
    };
    let notices = nobody.map(|name| Notice::SkipsNobody { name: name.into(), hint: hint(name) });
    notices.map(|notice| Warning::new(pod.title, notice)).collect()
}

/// Names in `container-identities` that no container has which gets an identity.
fn of_identities(pod: Candidate, own: &Own) -> Vec<Warning> {
    let mut named = own.identities.names().peekable();
    if named.peek().is_none() {
        return Vec::new();
    }
    let due = NameSet::new(own.containers.due().map(|container| container.name.as_ref()));
    let there: Vec<&str> = due.iter().take(4).collect();
    let notices = named
        .filter(|name| !due.contains(name))
        .map(|name| Notice::IdentityOfNobody { name: name.into(), there: there.join(", ").into() });
    notices.map(|notice| Warning::new(pod.title, notice)).collect()
}

/// A label that is ignored.
pub(crate) fn of_label(about: &Title, label: &UseLabel) -> Option<Warning> {
    match label {
        UseLabel::Other(value) => Some(Warning::new(about, Notice::LabelIgnored(value.as_str().into()))),
        UseLabel::Absent | UseLabel::True | UseLabel::False => None,
    }
}

/// Whether a container brings its own client id.
pub(crate) fn sets_client_id(container: &Container) -> bool {
    container
        .variable(names::AZURE_CLIENT_ID)
        .is_some_and(|env| env.value().is_none_or(|value| !value.is_empty()))
}
