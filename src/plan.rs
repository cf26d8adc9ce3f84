//! Whether and what a pod gets: `decide`. The plan is complete before the first write.

use crate::{
    annotations::Names,
    entries, governance,
    identity::{ClientId, Subject, TenantId},
    json::{Json, Shape},
    mounts::{self, Equipped},
    names,
    pod::{Container, ContainerList, Metadata, Spec},
    proxy::{self, ProxyPort, Sidecar},
    remarks,
    service_account::{Reference, ServiceAccount, WrongValue, token_expiration},
    settings::{RequireClientId, Settings},
    token::{Audience, PodName, TokenExpiration},
    token_endpoint::TokenEndpoint,
    verdict::{Audit, Blame, Code, Refusal, Warning},
};

/// A pod, or a template that pods will be made from.
#[derive(Debug, Clone, Copy)]
pub struct Subjected<'s, 't> {
    /// What messages call it, as `Pod default/yadaapi`.
    pub title: &'s str,
    /// Namespace of the request.
    pub namespace: &'s str,
    /// Its metadata.
    pub metadata: &'s Metadata,
    /// Its spec.
    pub spec: &'s Spec<'t>,
}

/// What messages call a pod.
#[must_use]
pub fn pod_title(namespace: &str, name: &PodName) -> String {
    match name {
        PodName::Name(name) => format!("Pod {namespace}/{name}"),
        PodName::Prefix(prefix) => format!("Pod {namespace}/{prefix}*"),
    }
}

/// Where something goes in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// At its start.
    First,
    /// At its end.
    Append,
    /// In place of the item of this index.
    Replace(usize),
}

/// What one container gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// The list it is in.
    pub list: ContainerList,
    /// Its place there.
    pub index: usize,
    /// Which of the plan's variables are appended.
    pub env: Vec<usize>,
    /// Where the plan's mount goes; `None` where it is there.
    pub mount: Option<Slot>,
}

/// A container that the pod gets, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContainer {
    /// The list it goes to.
    pub list: ContainerList,
    /// Where there.
    pub slot: Slot,
    /// It, as JSON.
    pub json: String,
    /// Whether it gets the variables and the mount too.
    pub identity: bool,
}

/// All that is written into the pod. JSON texts, ready to be put in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The variables, each as an entry of `env`.
    pub env: Vec<String>,
    /// The mount, as an entry of `volumeMounts`.
    pub mount: String,
    /// What each container gets.
    pub injections: Vec<Injection>,
    /// The containers that the pod gets.
    pub containers: Vec<NewContainer>,
    /// The volume as an entry of `volumes`, and where it goes; `None` where it is there.
    pub volume: Option<(Slot, String)>,
}

impl Plan {
    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.injections.is_empty() && self.containers.is_empty() && self.volume.is_none()
    }
}

/// What was decided of a pod that gets an identity.
#[derive(Debug)]
pub struct Decision {
    /// What is written, or why it is refused.
    pub plan: Result<Plan, Vec<Refusal>>,
    /// What is said all the same.
    pub warnings: Vec<Warning>,
    /// Who gets which identity.
    pub audit: Audit,
    /// Whether the verdict rests on what the ServiceAccount lacks, so that a cached copy must be confirmed.
    pub doubtful: bool,
}

/// The identity as it is injected.
struct Identity {
    client_id: Option<ClientId>,
    tenant_id: TenantId,
    expiration: TokenExpiration,
}

/// Decides what `pod`, which is due an identity, gets from `service_account`.
///
/// | value | taken from, in this order |
/// |---|---|
/// | client id | ServiceAccount annotation |
/// | tenant id | ServiceAccount annotation, setting `tenantId` |
/// | token expiration | pod annotation, ServiceAccount annotation, setting `tokenExpirationSeconds` |
/// | authority host | setting `authorityHost`, setting `cloud` |
/// | audience | the custom token endpoint's, where the pod asks for it; setting `audience` |
///
/// An empty annotation counts as none.
#[must_use]
pub fn decide(settings: &Settings, pod: Subjected, service_account: &ServiceAccount) -> Decision {
    let mut refusals = Vec::new();
    let identity = identity(settings, pod, service_account, &mut refusals);
    let proxy = proxy::is_wanted(pod).then(|| proxy::port(pod)).transpose();
    let proxy = proxy.unwrap_or_else(|wrong| {
        refusals.extend(wrong);
        None
    });
    let injector = Injector::new(settings, pod);
    refusals.extend(injector.conflicts());
    let mut warnings =
        remarks::of_metadata(settings, pod, service_account, &injector.skipped, proxy.is_some());
    let audit = audit(service_account, settings);
    let Some(identity) = identity.filter(|_| refusals.is_empty()) else {
        return Decision { plan: Err(refusals), warnings, audit, doubtful: true };
    };
    let doubtful = identity.client_id.is_none();
    if doubtful && !injector.due.iter().all(|(container, _)| remarks::sets_client_id(container)) {
        warnings.push(no_client_id_warning(&service_account.reference));
    }
    if proxy.is_some() {
        warnings.extend(proxy::warnings(pod));
    }
    let plan = injector.plan(&identity, proxy, &mut warnings);
    Decision { plan: Ok(plan), warnings, audit, doubtful }
}

/// No client id, where none is required.
#[must_use]
pub fn no_client_id_warning(reference: &Reference) -> Warning {
    Warning::new(
        reference.title(),
        format!("no annotation {}, so {} stays unset", names::CLIENT_ID, names::AZURE_CLIENT_ID),
    )
}

/// The audit annotations, as far as the values can be used.
#[must_use]
pub fn audit(service_account: &ServiceAccount, settings: &Settings) -> Audit {
    let Reference { namespace, name } = &service_account.reference;
    let tenant_id = service_account.tenant_id().ok();
    Audit {
        service_account: service_account.reference.to_string(),
        client_id: service_account.client_id().ok().flatten().map(|client_id| client_id.to_string()),
        tenant_id: tenant_id
            .and_then(|tenant_id| tenant_id.or_else(|| settings.tenant_id.clone()))
            .map(|tenant_id| tenant_id.to_string()),
        subject: Subject { namespace, name }.to_string(),
    }
}

/// The identity that `service_account` names, for pods of it: what is wrong with it goes to `refusals`.
pub fn service_account_identity(
    settings: &Settings,
    service_account: &ServiceAccount,
    refusals: &mut Vec<Refusal>,
) -> Option<(Option<ClientId>, TenantId)> {
    let reference = &service_account.reference;
    let mut keep = |wrong: WrongValue| refusals.push(wrong.of_service_account(reference));
    let client_id = service_account.client_id().map_err(&mut keep).ok();
    let tenant_id = service_account.tenant_id().map_err(&mut keep).ok();
    let tenant_id = tenant_id.and_then(|tenant_id| {
        let tenant_id = tenant_id.or_else(|| settings.tenant_id.clone());
        if tenant_id.is_none() {
            refusals.push(no_tenant(reference));
        }
        tenant_id
    });
    if client_id == Some(None) && settings.require_client_id == RequireClientId::Refuse {
        refusals.push(no_client_id(reference));
    }
    let (client_id, tenant_id) = (client_id?, tenant_id?);
    if let Some(allowed) = &settings.allowed_identities {
        refusals.extend(governance::check(allowed, reference, client_id.as_ref(), &tenant_id));
    }
    Some((client_id, tenant_id))
}

fn identity(
    settings: &Settings,
    pod: Subjected,
    service_account: &ServiceAccount,
    refusals: &mut Vec<Refusal>,
) -> Option<Identity> {
    let ids = service_account_identity(settings, service_account, refusals);
    let expiration = match token_expiration(&pod.metadata.annotations) {
        Ok(Some(expiration)) => Some(expiration),
        Ok(None) => match service_account.token_expiration() {
            Ok(expiration) => Some(expiration.unwrap_or(settings.token_expiration)),
            Err(wrong) => {
                refusals.push(wrong.of_service_account(&service_account.reference));
                None
            }
        },
        Err(wrong) => {
            refusals.push(of_pod(&wrong, pod));
            None
        }
    };
    let ((client_id, tenant_id), expiration) = (ids?, expiration?);
    Some(Identity { client_id, tenant_id, expiration })
}

/// Refuses because of an annotation of the pod itself.
#[must_use]
pub fn of_pod(wrong: &WrongValue, pod: Subjected) -> Refusal {
    Refusal {
        object: pod.title.to_owned(),
        problem: wrong.problem(),
        hint: "repair it in the pod's manifest, or its workload's pod template, with:",
        cure: format!("metadata: {{annotations: {{{}: \"{}\"}}}}", wrong.annotation, wrong.placeholder),
        code: Code::BadRequest,
        blame: Blame::Pod,
    }
}

fn no_tenant(reference: &Reference) -> Refusal {
    Refusal {
        object: reference.title(),
        problem: format!(
            "annotation {} is missing and the policy's setting tenantId too, expected {} in one of them",
            names::TENANT_ID,
            TenantId::ACCEPTED
        ),
        hint: "give it in the policy's spec.settings as tenantId, or with:",
        cure: reference.annotate(names::TENANT_ID, "<the tenant id>"),
        code: Code::BadRequest,
        blame: Blame::ServiceAccount,
    }
}

fn no_client_id(reference: &Reference) -> Refusal {
    Refusal {
        object: reference.title(),
        problem: format!(
            "annotation {} is missing and the policy's setting requireClientId is true, expected {}",
            names::CLIENT_ID,
            ClientId::ACCEPTED
        ),
        hint: "give it with:",
        cure: reference.annotate(names::CLIENT_ID, "<the managed identity's client id>"),
        code: Code::BadRequest,
        blame: Blame::ServiceAccount,
    }
}

/// Whether a container has what it needs already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Bare,
    Equipped,
}

/// What is the same for all containers of one pod.
struct Injector<'s, 't> {
    settings: &'s Settings,
    pod: Subjected<'s, 't>,
    /// The custom token endpoint, where the pod asks for it.
    endpoint: Option<&'s TokenEndpoint>,
    audience: &'s Audience,
    reserved: String,
    skipped: Names<'s>,
    due: Vec<(&'s Container<'t>, State)>,
}

impl<'s, 't> Injector<'s, 't> {
    fn new(settings: &'s Settings, pod: Subjected<'s, 't>) -> Self {
        let endpoint = settings.token_endpoint.as_ref().filter(|endpoint| endpoint.is_wanted(pod));
        let audience = endpoint.map_or(&settings.audience, |endpoint| &endpoint.audience);
        let reserved = settings.layout.volume_name(&pod.metadata.name);
        let skipped = pod.metadata.annotations.skipped_containers();
        let token_file = settings.layout.token_file();
        let equipped = Equipped { pod, audience, reserved: &reserved, token_file: &token_file };
        let due = pod.spec.containers.iter().filter(|container| !skipped.contains(&container.name));
        let state = |container| if equipped.has(container) { State::Equipped } else { State::Bare };
        let due = due.map(|container| (container, state(container))).collect();
        Self { settings, pod, endpoint, audience, reserved, skipped, due }
    }

    fn bare(&self) -> impl Iterator<Item = &'s Container<'t>> {
        self.due.iter().filter(|(_, state)| *state == State::Bare).map(|(container, _)| *container)
    }

    fn conflicts(&self) -> impl Iterator<Item = Refusal> {
        self.bare().filter_map(|container| {
            mounts::conflict(self.settings.layout, self.pod.title, container, &self.reserved)
        })
    }

    fn plan(&self, identity: &Identity, proxy: Option<ProxyPort>, warnings: &mut Vec<Warning>) -> Plan {
        let client_id = identity.client_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let (tenant_id, host) = (identity.tenant_id.to_string(), self.settings.authority_host.to_string());
        let token_file = self.settings.layout.token_file();
        let four = [
            (names::AZURE_CLIENT_ID, client_id.as_str()),
            (names::AZURE_TENANT_ID, tenant_id.as_str()),
            (names::AZURE_FEDERATED_TOKEN_FILE, token_file.as_str()),
            (names::AZURE_AUTHORITY_HOST, host.as_str()),
        ];
        warnings.extend(self.bare().flat_map(|container| remarks::of_own_values(container, &four)));
        let endpoint = self.endpoint.map(TokenEndpoint::variables).into_iter().flatten();
        let extra = self.settings.extra_env.iter().map(|extra| (extra.name.as_str(), extra.value.as_str()));
        let env: Vec<(&str, &str)> =
            four.into_iter().chain(endpoint).chain(extra).filter(|(_, value)| !value.is_empty()).collect();
        let mount = entries::mount(&self.reserved, self.settings.layout);
        let injections =
            self.due.iter().map(|(container, state)| inject(container, *state, &env, &self.reserved, &mount));
        let containers = proxy.map(|port| self.proxy(port)).unwrap_or_default();
        let any_due = !self.due.is_empty() || containers.iter().any(|container| container.identity);
        let any_bare = self.bare().next().is_some() || containers.iter().any(|container| container.identity);
        let has_token =
            || self.pod.spec.volumes.iter().any(|volume| volume.projects_token(Some(self.audience.as_str())));
        let volume = entries::volume(
            &self.reserved,
            self.settings.layout,
            self.audience,
            identity.expiration,
            self.endpoint,
        );
        let slot = self.volume_slot(&volume, any_bare || (!any_due && !has_token()));
        Plan {
            injections: injections
                .filter(|injection| !injection.env.is_empty() || injection.mount.is_some())
                .collect(),
            env: env.into_iter().map(|(name, value)| entries::variable(name, value)).collect(),
            mount,
            containers,
            volume: slot.map(|slot| (slot, volume)),
        }
    }

    /// The proxy's containers, each only where none of its name is there.
    fn proxy(&self, port: ProxyPort) -> Vec<NewContainer> {
        let there = |name: &str| self.pod.spec.containers.iter().any(|container| container.name == name);
        let new = |name, list, slot, json| NewContainer {
            list,
            slot,
            json,
            identity: !self.skipped.contains(name),
        };
        let settings = &self.settings.proxy;
        let list = match settings.sidecar() {
            Sidecar::Native => ContainerList::Init,
            Sidecar::Classic => ContainerList::Main,
        };
        let mut containers = Vec::new();
        if !there(proxy::INIT_CONTAINER) {
            let json = proxy::init_container(settings, port);
            containers.push(new(proxy::INIT_CONTAINER, ContainerList::Init, Slot::Append, json));
        }
        if !there(proxy::SIDECAR) {
            containers.push(new(proxy::SIDECAR, list, Slot::First, proxy::sidecar(settings, port)));
        }
        containers
    }

    fn volume_slot(&self, volume: &str, wanted: bool) -> Option<Slot> {
        let own = self.pod.spec.volumes.iter().enumerate().find(|(_, own)| own.name == self.reserved);
        match own {
            Some((_, own)) if same(own.raw, volume) => None,
            Some((index, _)) => Some(Slot::Replace(index)),
            None => wanted.then_some(Slot::Append),
        }
    }
}

/// What one container lacks. An equipped one is left alone, but for a mount under the reserved name.
fn inject(
    container: &Container,
    state: State,
    env: &[(&str, &str)],
    reserved: &str,
    mount: &str,
) -> Injection {
    // A handful of variables is searched for in the list; of many, which only `extraEnv` can bring, a set is made.
    let bare = state == State::Bare;
    let present =
        (bare && env.len() > 8).then(|| Names::new(container.env.iter().map(|env| env.name.as_ref())));
    let has = |name: &str| match &present {
        Some(present) => present.contains(name),
        None => container.variable(name).is_some(),
    };
    let missing = env.iter().enumerate().filter(|(_, (name, _))| bare && !has(name)).map(|(index, _)| index);
    let mount = match container.mounts.iter().enumerate().find(|(_, own)| own.name == reserved) {
        Some((_, own)) if same(own.raw, mount) => None,
        Some((index, _)) => Some(Slot::Replace(index)),
        None => bare.then_some(Slot::Append),
    };
    Injection { list: container.list, index: container.index, env: missing.collect(), mount }
}

/// Whether what stands there says the same already, but for the mode that the API server fills in (0644, decimal 420).
fn same(there: &str, wanted: &str) -> bool {
    let (Ok(mut there), Ok(wanted)) = (Json::parse(there, &Shape::Whole), Json::parse(wanted, &Shape::Whole))
    else {
        return false;
    };
    if let Some(Json::Object(fields)) = there.field_mut("projected") {
        fields.retain(|(name, json)| name != "defaultMode" || *json != Json::Raw("420".into()));
    }
    there.is_same(&wanted)
}
