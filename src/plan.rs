//! Whether and what a pod gets: `decide`. The plan is complete before the first write.

use k8s_openapi::api::core::v1::{ServiceAccountTokenProjection, VolumeMount};
use serde::Serialize;

use crate::{
    annotations::{Names, Place},
    identity::{ClientId, Subject, TenantId},
    json::{Json, Shape},
    names,
    pod::{Container, ContainerList, Metadata, Mount, Spec},
    service_account::{Reference, ServiceAccount, WrongValue, token_expiration},
    settings::{RequireClientId, Settings},
    token::{Audience, PodName, TokenExpiration},
    use_label::UseLabel,
    verdict::{Audit, Code, Refusal, Warning, cut_middle, printable, quote, quote_to},
};

/// A pod, or a template that pods will be made from.
#[derive(Debug, Clone, Copy)]
pub struct Subjected<'s, 't> {
    /// Namespace of the request.
    pub namespace: &'s str,
    /// Its metadata.
    pub metadata: &'s Metadata,
    /// Its spec.
    pub spec: &'s Spec<'t>,
}

impl Subjected<'_, '_> {
    /// What messages call it.
    #[must_use]
    pub fn title(&self) -> String {
        pod_title(self.namespace, &self.metadata.name)
    }
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

/// All that is written into the pod. JSON texts, ready to be put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The variables, each as an entry of `env`.
    pub env: Vec<String>,
    /// The mount, as an entry of `volumeMounts`.
    pub mount: String,
    /// What each container gets.
    pub injections: Vec<Injection>,
    /// The volume as an entry of `volumes`, and where it goes; `None` where it is there.
    pub volume: Option<(Slot, String)>,
}

impl Plan {
    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.injections.is_empty() && self.volume.is_none()
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
///
/// An empty annotation counts as none.
#[must_use]
pub fn decide(settings: &Settings, pod: Subjected, service_account: &ServiceAccount) -> Decision {
    let mut refusals = Vec::new();
    let identity = identity(settings, pod, service_account, &mut refusals);
    let skipped = pod.metadata.annotations.skipped_containers();
    let due: Vec<&Container> =
        pod.spec.containers.iter().filter(|container| !skipped.contains(container.name.as_ref())).collect();
    let reserved = settings.layout.volume_name(&pod.metadata.name);
    let equipped = Equipped {
        pod,
        audience: &settings.audience,
        reserved: &reserved,
        token_file: settings.layout.token_file(),
    };
    let states: Vec<bool> = due.iter().map(|container| equipped.has(container)).collect();
    for (container, _) in due.iter().zip(&states).filter(|(_, equipped)| !**equipped) {
        refusals.extend(conflict(settings, pod, container, &reserved));
    }
    let mut warnings = metadata_warnings(pod, service_account, &skipped);
    let mut doubtful = !refusals.is_empty();
    let audit = audit(service_account, settings);
    let Some(identity) = identity.filter(|_| refusals.is_empty()) else {
        return Decision { plan: Err(refusals), warnings, audit, doubtful: true };
    };
    let missing = identity.client_id.is_none();
    doubtful |= missing;
    if missing && !due.iter().all(|container| sets_client_id(container)) {
        warnings.push(Warning::new(
            service_account.reference.title(),
            format!("no annotation {}, so {} stays unset", names::CLIENT_ID, names::AZURE_CLIENT_ID),
        ));
    }
    let env = variables(settings, &identity);
    for (container, _) in due.iter().zip(&states).filter(|(_, equipped)| !**equipped) {
        warnings.extend(own_values(container, &env));
    }
    let plan = write_down(settings, pod, &identity, &env, &reserved, due.into_iter().zip(states));
    Decision { plan: Ok(plan), warnings, audit, doubtful }
}

/// The audit annotations, as far as the values can be used.
#[must_use]
pub fn audit(service_account: &ServiceAccount, settings: &Settings) -> Audit {
    let Reference { namespace, name } = &service_account.reference;
    let subject = Subject { namespace, name };
    let tenant_id = service_account.tenant_id().ok();
    Audit {
        service_account: service_account.reference.to_string(),
        client_id: service_account.client_id().ok().flatten().map(|client_id| client_id.to_string()),
        tenant_id: tenant_id
            .and_then(|tenant_id| tenant_id.or_else(|| settings.tenant_id.clone()))
            .map(|tenant_id| tenant_id.to_string()),
        subject: subject.to_string(),
    }
}

fn identity(
    settings: &Settings,
    pod: Subjected,
    service_account: &ServiceAccount,
    refusals: &mut Vec<Refusal>,
) -> Option<Identity> {
    let reference = &service_account.reference;
    let mut keep = |wrong: WrongValue| refusals.push(wrong.of_service_account(reference));
    let client_id = service_account.client_id().map_err(&mut keep).ok();
    let tenant_id = service_account.tenant_id().map_err(&mut keep).ok();
    let expiration = match token_expiration(&pod.metadata.annotations) {
        Ok(Some(expiration)) => Some(expiration),
        Ok(None) => service_account
            .token_expiration()
            .map_err(&mut keep)
            .ok()
            .map(|of| of.unwrap_or(settings.token_expiration)),
        Err(wrong) => {
            refusals.push(of_pod(&wrong, pod));
            None
        }
    };
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
    Some(Identity { client_id: client_id?, tenant_id: tenant_id?, expiration: expiration? })
}

/// Refuses because of an annotation of the pod itself.
#[must_use]
pub fn of_pod(wrong: &WrongValue, pod: Subjected) -> Refusal {
    Refusal {
        object: pod.title(),
        problem: wrong.problem(),
        hint: "repair it in the pod's manifest, or its workload's pod template, with:",
        cure: format!("metadata: {{annotations: {{{}: \"{}\"}}}}", wrong.annotation, wrong.placeholder),
        code: Code::BadRequest,
    }
}

/// No tenant id at all.
#[must_use]
pub fn no_tenant(reference: &Reference) -> Refusal {
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
    }
}

/// No client id where one is required.
#[must_use]
pub fn no_client_id(reference: &Reference) -> Refusal {
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
    }
}

// === Containers that have what they need already ===

/// Tells the containers that the webhook, in either layout, or this policy has equipped.
struct Equipped<'e, 't> {
    pod: Subjected<'e, 't>,
    audience: &'e Audience,
    reserved: &'e str,
    token_file: String,
}

impl Equipped<'_, '_> {
    /// It has `AZURE_FEDERATED_TOKEN_FILE`, and a mount above that path whose volume projects a token of the audience.
    /// What stands under the reserved name is written anew, so it only counts if the file is where that will be.
    fn has(&self, container: &Container) -> bool {
        let Some(file) =
            container.variable(names::AZURE_FEDERATED_TOKEN_FILE).and_then(crate::pod::Env::value)
        else {
            return false;
        };
        container.mounts.iter().filter(|mount| is_above(&mount.path, &file)).any(|mount| {
            let mut volumes = self.pod.spec.volumes.iter();
            (mount.name != self.reserved || file == self.token_file)
                && volumes
                    .any(|volume| volume.name == mount.name && volume.projects_token(self.audience.as_str()))
        })
    }
}

/// The components of a path in a container, as the kernel reads them.
fn components(path: &str) -> Vec<&str> {
    let mut components = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop();
            }
            name => components.push(name),
        }
    }
    components
}

fn is_above(mount: &str, file: &str) -> bool {
    let (mount, file) = (components(mount), components(file));
    mount.len() < file.len() && file.starts_with(&mount)
}

/// Something else is mounted where the token shall be, or over it.
fn conflict(settings: &Settings, pod: Subjected, container: &Container, reserved: &str) -> Option<Refusal> {
    let (root, file) = (components(settings.layout.mount_path()), settings.layout.token_file());
    let file = components(&file);
    let own = container.mounts.iter().position(|mount| mount.name == reserved);
    let hides = |mount: &Mount| {
        let path = components(&mount.path);
        path.starts_with(&root) && file.starts_with(&path)
    };
    let mut others = container.mounts.iter().enumerate().filter(|(index, _)| Some(*index) != own);
    let (_, mount) = others.find(|(_, mount)| hides(mount))?;
    Some(Refusal {
        object: pod.title(),
        problem: format!(
            "container {} mounts volume {} at {}, where the identity's token must be, expected another mountPath",
            quote_to(&container.name, 63),
            quote_to(&mount.name, 63),
            quote(&mount.path)
        ),
        hint: "move that mount, or leave the container without an identity with:",
        cure: format!(
            "metadata: {{annotations: {{{}: {}}}}}",
            names::SKIP_CONTAINERS,
            printable(&cut_middle(&container.name, 63))
        ),
        code: Code::BadRequest,
    })
}

// === Warnings ===

fn metadata_warnings(pod: Subjected, service_account: &ServiceAccount, skipped: &Names) -> Vec<Warning> {
    let title = pod.title();
    let mut warnings = label_warnings(&title, &pod.metadata.label);
    warnings.extend(label_warnings(&service_account.reference.title(), &service_account.label));
    warnings.extend(pod.metadata.annotations.warnings(&title, Place::Pod, None));
    warnings.extend(service_account.annotations.warnings(
        &service_account.reference.title(),
        Place::ServiceAccount,
        None,
    ));
    let containers = pod.spec.containers.iter().map(|container| container.name.as_ref());
    let names = Names::new(containers.chain(pod.spec.ephemeral.iter().map(AsRef::as_ref)).collect());
    for name in skipped.iter().filter(|name| !names.contains(name)) {
        warnings.push(Warning::new(
            &title,
            format!("skip-containers names {}, but no container has that name", quote_to(name, 63)),
        ));
    }
    if pod.metadata.retired_binding.is_some() {
        warnings.push(Warning::new(
            &title,
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
pub fn label_warnings(about: &str, label: &UseLabel) -> Vec<Warning> {
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

fn sets_client_id(container: &Container) -> bool {
    container
        .variable(names::AZURE_CLIENT_ID)
        .is_some_and(|env| env.value().is_none_or(|value| !value.is_empty()))
}

fn own_values(container: &Container, env: &[(&'static str, String)]) -> Vec<Warning> {
    let differs = |name: &str, value: &str| {
        let own = container.variable(name).and_then(crate::pod::Env::value);
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

// === What is written ===
//
// The fields of `k8s-openapi`'s EnvVar, Volume, ProjectedVolumeSource and VolumeProjection that are ours; a test reads
// them into those types. The whole types would bring every kind of volume, and a calendar for their claims, into the
// module: 250 KB.

#[derive(Serialize)]
struct Variable<'p> {
    name: &'p str,
    value: &'p str,
}

#[derive(Serialize)]
struct ReservedVolume<'p> {
    name: &'p str,
    projected: Projected,
}

#[derive(Serialize)]
struct Projected {
    sources: Vec<Source>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Source {
    ServiceAccountToken(ServiceAccountTokenProjection),
}

// === The plan ===

/// The four variables of the identity, in their order; one without a value is not written.
fn variables(settings: &Settings, identity: &Identity) -> [(&'static str, String); 4] {
    [
        (names::AZURE_CLIENT_ID, identity.client_id.as_ref().map(ToString::to_string).unwrap_or_default()),
        (names::AZURE_TENANT_ID, identity.tenant_id.to_string()),
        (names::AZURE_FEDERATED_TOKEN_FILE, settings.layout.token_file()),
        (names::AZURE_AUTHORITY_HOST, settings.authority_host.to_string()),
    ]
}

fn write_down<'c>(
    settings: &Settings,
    pod: Subjected,
    identity: &Identity,
    env: &[(&'static str, String)],
    reserved: &str,
    due: impl Iterator<Item = (&'c Container<'c>, bool)>,
) -> Plan {
    let extra = settings.extra_env.iter().map(|extra| (extra.name.as_str(), extra.value.as_str()));
    let env: Vec<(&str, &str)> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(extra)
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let mount = to_json(&VolumeMount {
        name: reserved.to_owned(),
        mount_path: settings.layout.mount_path().to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    });
    let (mut injections, mut any_due, mut any_bare) = (Vec::new(), false, false);
    for (container, equipped) in due {
        any_due = true;
        any_bare |= !equipped;
        let injection = inject(container, equipped, &env, reserved, &mount);
        if !injection.env.is_empty() || injection.mount.is_some() {
            injections.push(injection);
        }
    }
    let has_token =
        || pod.spec.volumes.iter().any(|volume| volume.projects_token(settings.audience.as_str()));
    let wanted = any_bare || (!any_due && !has_token());
    let volume = volume(settings, identity, reserved);
    Plan {
        env: env.into_iter().map(|(name, value)| to_json(&Variable { name, value })).collect(),
        mount,
        injections,
        volume: volume_slot(pod, reserved, &volume, wanted).map(|slot| (slot, volume)),
    }
}

/// What one container lacks. An equipped one is left alone, but for a mount under the reserved name.
fn inject(
    container: &Container,
    equipped: bool,
    env: &[(&str, &str)],
    reserved: &str,
    mount: &str,
) -> Injection {
    // A handful of variables is searched for in the list; of many, which only `extraEnv` can bring, a set is made.
    let present = (!equipped && env.len() > 8)
        .then(|| Names::new(container.env.iter().map(|env| env.name.as_ref()).collect()));
    let has = |name: &str| {
        present.as_ref().map_or_else(|| container.variable(name).is_some(), |present| present.contains(name))
    };
    let missing = if equipped {
        Vec::new()
    } else {
        env.iter().enumerate().filter(|(_, (name, _))| !has(name)).map(|(index, _)| index).collect()
    };
    let mount = match container.mounts.iter().position(|mount| mount.name == reserved) {
        Some(index) if container.mounts.get(index).is_some_and(|own| same(own.raw, mount)) => None,
        Some(index) => Some(Slot::Replace(index)),
        None if equipped => None,
        None => Some(Slot::Append),
    };
    Injection { list: container.list, index: container.index, env: missing, mount }
}

fn volume(settings: &Settings, identity: &Identity, reserved: &str) -> String {
    let token = ServiceAccountTokenProjection {
        audience: Some(settings.audience.as_str().to_owned()),
        expiration_seconds: Some(identity.expiration.seconds()),
        path: settings.layout.token_path().to_owned(),
    };
    to_json(&ReservedVolume {
        name: reserved,
        projected: Projected { sources: vec![Source::ServiceAccountToken(token)] },
    })
}

fn volume_slot(pod: Subjected, reserved: &str, volume: &str, wanted: bool) -> Option<Slot> {
    let own = pod.spec.volumes.iter().enumerate().find(|(_, own)| own.name == reserved);
    match own {
        Some((_, own)) if same(own.raw, volume) => None,
        Some((index, _)) => Some(Slot::Replace(index)),
        None => wanted.then_some(Slot::Append),
    }
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
    there.sorted() == wanted.sorted()
}

/// The JSON of a type that always has one.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
