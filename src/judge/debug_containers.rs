//! Debug containers: a container that `kubectl debug` adds to a running pod gets the pod's identity.

use std::{borrow::Cow, cell::OnceCell};

use crate::{
    decide::{
        container::{
            conflicts::{self, SkipList},
            evidence::{State, Token, Volumes, state},
            paths::resolved,
        },
        identity::{
            container_env::{self, Base, Forbidden, Ids},
            holdings::Holdings,
        },
        plan::{Slot, apply},
    },
    feature::allowed_identities::{Governance, Half},
    json::{Cursor, Json, Malformed},
    name_set::{ByName, NameSet},
    object::{
        container::{Container, Env, Mount},
        metadata::Metadata,
        pod::{Candidate, Os, Spec},
        request::{self, Change},
    },
    settings::Settings,
    tally::Tally,
    value::{
        identity::{ClientId, TenantId},
        names,
        token::Audience,
    },
    verdict::{
        facts::OBJECT_MAX,
        mistake::Mistake,
        outcome::{Audit, Holders, LogLine, Verdict},
        refusal::Refusal,
    },
};

/// What one debug container gets, copied from a container of the pod: entries of `env`, and of `volumeMounts`.
struct Copied {
    index: usize,
    env: Vec<String>,
    mount: Option<String>,
}

/// Equips the new ephemeral containers. There is no look-up, because everything that is written is already in the pod. The pod is read from
/// the old object: from the new one, the API server takes only the ephemeral containers (Kubernetes
/// `pkg/registry/core/pod/strategy.go`, `dropNonEphemeralContainerUpdates`), and drops the rest after admission.
///
/// # Errors
/// A pod or a request that can't be understood.
pub(crate) fn judge<'t>(
    settings: &Settings,
    request: &Cursor<'_, '_>,
    change: Change<'t>,
) -> Result<Verdict<'t>, Vec<Malformed>> {
    let Change { new: mut pod, old, size } = change;
    let namespace = request::namespace(request)?;
    if let (None, Some(unread)) = (&old, request.field("oldObject")?) {
        return Err(unread.malformed("the pod as it runs").into());
    }
    let (title, judged) = {
        // Only a request that was written by hand has no old object.
        let old = old.as_ref().map_or_else(|| Cursor::root("", &pod), |old| Cursor::root("oldObject", old));
        let (metadata, spec) = (Metadata::read(&old)?, Spec::read(&old.required("spec", "an object")?)?);
        let (root, is_update) = (Cursor::root("", &pod), old.path() == "oldObject");
        let new = Spec::read(&root.required("spec", "an object")?)?.ephemeral;
        let title = metadata.title(&namespace);
        let candidate =
            Candidate { title: &title, namespace: &namespace, metadata: &metadata, spec: &spec, size };
        let known = spec.ephemeral.iter().filter(|_| is_update).map(|container| container.name.as_ref());
        let known = NameSet::new(known);
        let new: Vec<&Container> = new.iter().filter(|container| !known.contains(&container.name)).collect();
        (title.clone(), Running::read(settings, candidate).judge(&new))
    };
    let Judged { copies, refusals, audit } = judged;
    if copies.is_empty() && refusals.is_empty() {
        return Ok(Verdict::accepted());
    }
    let log = Some(LogLine::new(&namespace, &title, &refusals));
    if !refusals.is_empty() {
        return Ok(Verdict { refusals, audit: Some(audit), log, ..Verdict::default() });
    }
    let list = pod.field_mut("spec").and_then(|spec| spec.field_mut("ephemeralContainers"));
    if let Some(Json::List(containers)) = list {
        for copied in copies {
            if let Some(container) = containers.get_mut(copied.index) {
                apply::equip(container, copied.env, copied.mount.map(|mount| (Slot::Append, mount)));
            }
        }
    }
    Ok(Verdict { mutated: Some(pod), audit: Some(audit), log, ..Verdict::default() })
}

/// A container with the pod's token, the mount that provides the token, and those of its variables that the policy sets.
struct Donor<'s, 't> {
    container: &'s Container<'t>,
    mount: &'s Mount<'t>,
    token: Token,
    /// Where the mount is, resolved.
    root: String,
    ours: Vec<&'s Env<'t>>,
    /// The variables that set its IDs, and the IDs in them.
    ids: Ids<'s, 't>,
    seen: Seen,
    /// The first of its ids that is not allowed, once it has been checked.
    forbidden: OnceCell<Option<Forbidden<'s, 't>>>,
}

/// The client ID and the tenant of a container, as far as they can be told.
type Seen = (Option<ClientId>, Option<TenantId>);

/// The containers that debug containers copy from.
struct Donors<'s, 't> {
    /// The first that has the pod's token.
    first: Donor<'s, 't>,
    /// All containers by name. Each is read when it is first debugged.
    all: ByName<'s, (&'s Container<'t>, OnceCell<Option<Donor<'s, 't>>>)>,
}

/// A running pod.
struct Running<'s, 't> {
    settings: &'s Settings,
    pod: Candidate<'s, 't>,
    volumes: Volumes<'s, 't>,
    audience: &'s Audience,
    /// `None` if no container has the pod's token.
    donors: Option<Donors<'s, 't>>,
    skipped: NameSet<'s>,
}

/// What the new debug containers get, why they are refused, and their identities.
struct Judged {
    copies: Vec<Copied>,
    refusals: Tally<Refusal>,
    audit: Audit,
}

impl<'s, 't> Running<'s, 't> {
    fn read(settings: &'s Settings, pod: Candidate<'s, 't>) -> Self {
        let volumes = Volumes::read(pod.spec);
        let endpoint = settings.token_endpoint.as_ref().filter(|endpoint| endpoint.is_wanted(pod));
        let audience = endpoint.map_or(&settings.audience, |endpoint| &endpoint.audience);
        let mut containers = pod.spec.containers.iter();
        let first = containers.find_map(|container| donor(settings, container, &volumes, audience));
        let donors = first.map(|first| {
            let all = pod.spec.containers.iter();
            let all = all.map(|container| (container.name.as_ref(), (container, OnceCell::new())));
            Donors { first, all: ByName::first(all) }
        });
        let skipped = pod.metadata.annotations.skipped_containers();
        Self { settings, pod, volumes, audience, donors, skipped }
    }

    /// The donor that `container` copies from: the container that it debugs, if that has a token, otherwise the first donor.
    fn donor(&self, container: &Container) -> Option<&Donor<'s, 't>> {
        let donors = self.donors.as_ref()?;
        let target = donors.all.get(&container.target).and_then(|(target, donor_of)| {
            let read = || donor(self.settings, target, &self.volumes, self.audience);
            donor_of.get_or_init(read).as_ref()
        });
        Some(target.unwrap_or(&donors.first))
    }

    /// What the `new` debug containers get. If the pod has a token for Azure, `allowedIdentities` applies to all of them, including skipped
    /// containers and those without a donor.
    fn judge(&self, new: &[&Container]) -> Judged {
        let mut refusals = Tally::default();
        let refusal = |mistake| Refusal::new(self.pod.title, mistake);
        let allowed = self.settings.allowed_identities.as_deref();
        let governance = Governance::of(allowed, self.pod.namespace).filter(|_| self.carries_token());
        for container in new {
            let Some(governance) = &governance else { break };
            let donor = self.donor(container);
            let own = Ids::of(container);
            let own_forbidden =
                container_env::check_ids(governance, &own, base_of(donor.map(|donor| &donor.seen))).err();
            let copied = donor.filter(|_| own.is_empty() && !self.skips(container));
            let forbidden = own_forbidden.as_ref().or_else(|| {
                let check = |donor: &Donor<'s, 't>| {
                    container_env::check_ids(governance, &donor.ids, base_of(None)).err()
                };
                copied.and_then(|donor| donor.forbidden.get_or_init(|| check(donor)).as_ref())
            });
            if let Some(found) = forbidden {
                refusals.add(|| refusal(found.mistake(governance, container)));
            }
        }
        let mut held = Holdings::default();
        if let Some(Donors { first, .. }) = &self.donors {
            held.add(&first.container.name, first.seen.0.clone(), first.seen.1.clone());
        }
        let mut copies = Vec::new();
        let mut room = OBJECT_MAX.saturating_sub(self.pod.size);
        for container in new {
            let Some(donor) = self.donor(container).filter(|_| !self.skips(container)) else { continue };
            match self.copied(donor, container, &mut room) {
                Ok(copied) if copied.env.is_empty() && copied.mount.is_none() => {}
                Ok(copied) => {
                    held_by(&mut held, donor, container);
                    copies.push(copied);
                }
                Err(mistake) => {
                    refusals.push(refusal(mistake));
                    break;
                }
            }
        }
        Judged { copies, refusals, audit: self.audit(held) }
    }

    /// Whether a debug container is skipped.
    fn skips(&self, container: &Container) -> bool {
        self.skipped.contains(&container.name) || self.settings.skips(&container.name)
    }

    /// Whether a volume of the pod projects a token that can be used to get an identity.
    fn carries_token(&self) -> bool {
        let audiences = container_env::audiences(self.settings);
        self.pod.spec.volumes.iter().any(|volume| self.volumes.carries(&volume.name, &audiences))
    }

    /// What `donor` has and `container` lacks. `room` is how many bytes the pod can still grow.
    ///
    /// # Errors
    /// Something of the container hides the token, or the pod would be larger than what can be stored.
    fn copied(&self, donor: &Donor, container: &Container, room: &mut usize) -> Result<Copied, Mistake> {
        let nothing = Copied { index: container.index, env: Vec::new(), mount: None };
        let has = match state(container, &self.volumes, self.audience) {
            State::OwnToken => return Ok(nothing),
            State::Equipped { .. } => true,
            State::Moved { .. } | State::Bare { .. } => {
                container.mounts.iter().any(|mount| mount.name == donor.mount.name)
            }
        };
        if !has {
            let (files, os) = ([&*donor.token.path], self.pod.spec.os);
            let hidden = conflicts::at_mount(container, &donor.root, &files, &[], os);
            if let Some(mistake) = hidden {
                let mut skip = SkipList::of(&self.skipped);
                skip.add(&container.name);
                return Err(conflicts::skipping(mistake, &skip.into_value()));
            }
        }
        let own = NameSet::new(container.env.iter().map(|env| env.key.as_ref()));
        let (mut env, mut mount) = (Vec::new(), None);
        for theirs in donor.ours.iter().filter(|env| !own.contains(&env.key)) {
            *room = room.checked_sub(theirs.raw.len() + 1).ok_or(Mistake::TooLarge)?;
            env.push(theirs.raw.to_owned());
        }
        if !has {
            *room = room.checked_sub(donor.mount.raw.len() + 1).ok_or(Mistake::TooLarge)?;
            mount = Some(donor.mount.raw.to_owned());
        }
        Ok(Copied { env, mount, ..nothing })
    }

    /// The audit annotations, as far as the pod shows them: the ServiceAccount is not looked up.
    fn audit(&self, held: Holdings) -> Audit {
        let donor = self.donors.as_ref().map(|donors| donors.first.seen.clone());
        let (client_id, tenant_id) = donor.unwrap_or_default();
        // A value that looks like a domain is shown if the settings contain it. Otherwise it could be a secret.
        let of_settings = |tenant: &TenantId| {
            tenant.as_str().parse::<ClientId>().is_ok() || self.settings.tenant_id.as_ref() == Some(tenant)
        };
        held.into_audit(Audit {
            service_account: self.pod.spec.reference(self.pod.namespace),
            identity: None,
            client_id,
            tenant_id: tenant_id.filter(of_settings),
            clients: Tally::default(),
            tenants: Tally::default(),
            holders: Holders::Unknown,
        })
    }
}

/// The IDs of a debug container that sets none itself: those that it copies, or unknown.
fn base_of(donor: Option<&Seen>) -> Base<'_> {
    match donor {
        Some((client, tenant)) => Base { client: client.as_ref().into(), tenant: tenant.as_ref().into() },
        None => Base { client: Half::Unknown, tenant: Half::Unknown },
    }
}

/// Adds a container with the IDs that it ends up with.
fn held_by<'c>(held: &mut Holdings<'c>, donor: &Donor, container: &'c Container) {
    let ((client, tenant), theirs) = (Ids::of(container).seen(), donor.seen.clone());
    let has = |name| container.variable(name).is_some();
    let client = if has(names::AZURE_CLIENT_ID) { client } else { theirs.0 };
    let tenant = if has(names::AZURE_TENANT_ID) { tenant } else { theirs.1 };
    held.add(&container.name, client, tenant);
}

/// `container` as a donor, if its variable points to a token file that one of its mounts provides.
fn donor<'s, 't>(
    settings: &Settings,
    container: &'s Container<'t>,
    volumes: &Volumes,
    audience: &Audience,
) -> Option<Donor<'s, 't>> {
    let State::Equipped { mount, token } = state(container, volumes, audience) else { return None };
    let mount = container.mounts.get(mount)?;
    let (ids, root) = (Ids::of(container), resolved(&mount.path, volumes.os).into_owned());
    let (seen, ours) = (ids.seen(), ours(settings, container, volumes.os));
    Some(Donor { container, mount, token, root, ours, ids, seen, forbidden: OnceCell::new() })
}

/// The variables of `donor` that the policy sets.
fn ours<'s, 't>(settings: &Settings, donor: &'s Container<'t>, os: Os) -> Vec<&'s Env<'t>> {
    let keys: Vec<Cow<str>> =
        settings.extra_env.iter().map(|extra| os.names().key(extra.name.as_str().into())).collect();
    let extra = NameSet::new(keys.iter().map(AsRef::as_ref));
    let is_ours = |name: &str| {
        names::IDENTITY_VARIABLES.contains(&name)
            || names::TOKEN_ENDPOINT_VARIABLES.contains(&name)
            || extra.contains(name)
    };
    // Of two with the same name, the one that the donor's processes see.
    let given = donor.env.iter().rev().filter(|env| is_ours(&env.key));
    let mut last = ByName::first(given.map(|env| (env.key.as_ref(), env))).into_items();
    last.reverse();
    last
}
