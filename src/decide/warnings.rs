//! What is wrong, but does not refuse: warnings.

use crate::{
    feature::proxy,
    object::{
        annotations::{Names, Place},
        pod::{Candidate, Container},
        service_account::ServiceAccount,
    },
    settings::Settings,
    text::{cut_middle, quote_to},
    value::{names, use_label::UseLabel},
    verdict::Warning,
};

/// What the labels and annotations of a pod that is due an identity, and of its ServiceAccount, get wrong.
#[must_use]
pub fn of_metadata(
    settings: &Settings,
    pod: Candidate,
    service_account: &ServiceAccount,
    skipped: &Names,
    proxy: bool,
) -> Vec<Warning> {
    let title = pod.title;
    let endpoint = settings.endpoint_annotation();
    let mut warnings = of_label(title, &pod.metadata.label);
    warnings.extend(of_label(&service_account.reference.title(), &service_account.label));
    warnings.extend(pod.metadata.annotations.warnings(title, Place::Pod, endpoint));
    warnings.extend(service_account.annotations.warnings(
        &service_account.reference.title(),
        Place::ServiceAccount,
        endpoint,
    ));
    let containers = pod.spec.containers.iter().map(|container| container.name.as_ref());
    let ephemeral = pod.spec.ephemeral.iter().map(|container| container.name.as_ref());
    let proxy: &[&str] = if proxy { &[proxy::INIT_CONTAINER, proxy::SIDECAR] } else { &[] };
    let names = if skipped.iter().next().is_none() {
        Names::default()
    } else {
        Names::new(containers.chain(ephemeral).chain(proxy.iter().copied()))
    };
    for name in skipped.iter().filter(|name| !names.contains(name)) {
        warnings.push(Warning::new(
            title,
            format!(
                "skip-containers names {}, but no container has that name{}",
                quote_to(name, 63),
                if name.contains(',') { " (separate names with ;)" } else { "" }
            ),
        ));
    }
    if pod.metadata.retired_binding.is_some() {
        warnings.push(Warning::new(
            title,
            format!(
                "label {} is of the retired aad-pod-identity and has no effect, remove it",
                names::RETIRED_BINDING
            ),
        ));
    }
    warnings
}

/// A label that counts as absent.
#[must_use]
pub fn of_label(about: &str, label: &UseLabel) -> Vec<Warning> {
    match label {
        UseLabel::Other(value) => {
            let text = format!(
                "label {} is {}, which counts as absent, expected \"true\" or \"false\"",
                names::USE_LABEL,
                quote_to(value, 63)
            );
            vec![Warning::new(about, text)]
        }
        UseLabel::Absent | UseLabel::True | UseLabel::False => Vec::new(),
    }
}

/// Whether a container brings its own client id.
#[must_use]
pub fn sets_client_id(container: &Container) -> bool {
    container
        .variable(names::AZURE_CLIENT_ID)
        .is_some_and(|env| env.value().is_none_or(|value| !value.is_empty()))
}

/// The variables of the identity that a container sets to another value.
#[must_use]
pub fn of_own_values(container: &Container, env: &[(&str, &str)]) -> Vec<Warning> {
    let differs = |name: &str, value: &str| {
        let own = container.variable(name).and_then(crate::object::pod::Env::value);
        own.is_some_and(|own| own != value)
    };
    env.iter()
        .filter(|(name, value)| !value.is_empty() && differs(name, value))
        .map(|(name, _)| {
            Warning::new(
                format!("Container {}", cut_middle(&container.name, 63)),
                format!(
                    "keeps its own {name}, which differs from the identity's; remove it if that is not meant"
                ),
            )
        })
        .collect()
}
