//! What is wrong, but refuses nothing.

use crate::{
    decide::{identity::service_account::AccountIdentity, pod_request::PodRequest, warnings::keys::Keys},
    feature::proxy,
    name_set::NameSet,
    object::{metadata::Metadata, pod::Candidate, service_account::ServiceAccount},
    settings::Settings,
    text::Untrusted,
    value::{keys::AnnotatedObject, names, use_label::UseLabel},
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
    warnings.extend(of_client_id(settings, said, &of_account));
    warnings.extend(of_retired_binding(title, pod.metadata));
}

/// A client ID that no identity has: all zeros, or the tenant's.
pub(crate) fn of_client_id(settings: &Settings, said: &AccountIdentity, about: &Title) -> Option<Warning> {
    let id = said.client_id.as_ref().ok()?.as_ref()?;
    let tenant = said.tenant_id.as_ref().ok()?.as_ref().or(settings.tenant_id.as_ref());
    let is_tenant = tenant.is_some_and(|tenant| tenant.to_string().eq_ignore_ascii_case(id.as_ref()));
    let notice = if id.is_zero() { Notice::ZeroId } else { Notice::TenantAsClient };
    (id.is_zero() || is_tenant).then(|| Warning::new(about, notice))
}

/// The label of the retired aad-pod-identity, whatever else the pod has.
pub(crate) fn of_retired_binding(title: &Title, metadata: &Metadata) -> Option<Warning> {
    metadata.retired_binding.is_some().then(|| Warning::new(title, Notice::RetiredBinding))
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
