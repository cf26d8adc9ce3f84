//! What a pod asks for itself, and its own mistakes: all that can be judged without its ServiceAccount.

use crate::{
    decide::{container::containers::Containers, identity::container_annotation::ContainerIdentities},
    feature::{allowed_identities::Governance, proxy},
    object::pod::Candidate,
    settings::Settings,
    tally::Tally,
    value::{layout::Layout, names, port::ProxyPort, token::TokenExpiration},
    verdict::{mistake::Mistake, refusal::Refusal},
};

/// What a pod asks for itself.
#[derive(Debug)]
pub(crate) struct PodRequest<'s, 't> {
    /// Its containers, as they are.
    pub(crate) containers: Containers<'s, 't>,
    /// The proxy's port, where the pod asks for the proxy.
    pub(crate) proxy: Option<ProxyPort>,
    /// The proxy containers that the policy adds and that are due an identity.
    pub(crate) new_due: Vec<&'static str>,
    /// The containers whose identity differs from the ServiceAccount's.
    pub(crate) identities: ContainerIdentities<'s>,
    /// How long the pod's token is valid, if the pod sets it.
    pub(crate) expiration: Option<TokenExpiration>,
    /// What is wrong with the pod.
    pub(crate) mistakes: Tally<Refusal>,
}

impl<'s, 't> PodRequest<'s, 't> {
    /// Reads what `pod` asks for. `of_account` is the layout that its ServiceAccount chooses.
    pub(crate) fn read(
        settings: &'s Settings,
        governance: Option<&Governance>,
        pod: Candidate<'s, 't>,
        of_account: Option<Layout>,
    ) -> Self {
        let mut mistakes = Tally::default();
        let layout = pod.metadata.annotations.parsed(names::LAYOUT).unwrap_or_else(|wrong| {
            mistakes.push(Refusal::new(pod.title, Mistake::WrongAnnotation(wrong)));
            None
        });
        let layout = layout.or(of_account).unwrap_or(settings.layout);
        let expiration = pod.metadata.annotations.token_expiration();
        let expiration = expiration.unwrap_or_else(|wrong| {
            mistakes.push(Refusal::new(pod.title, Mistake::WrongAnnotation(wrong)));
            None
        });
        let proxy = proxy::is_wanted(pod).then(|| proxy::port(pod)).transpose();
        let proxy = proxy.unwrap_or_else(|wrong| {
            mistakes.extend(wrong);
            None
        });
        let identities = ContainerIdentities::read(settings, governance, &pod.metadata.annotations);
        let identities = identities.unwrap_or_else(|wrong| {
            mistakes.push(Refusal::new(pod.title, Mistake::WrongAnnotation(wrong)));
            ContainerIdentities::default()
        });
        let containers = Containers::read(settings, pod, layout, &|name| identities.has(name));
        mistakes.append(containers.conflicts(proxy));
        let new_due =
            proxy.map(|_| containers.new_due(settings, &|name| identities.has(name))).unwrap_or_default();
        Self { containers, proxy, new_due, identities, expiration, mistakes }
    }
}
