//! Whether and what a pod gets: `decide`. The plan is complete before the first write.

use crate::decide::containers::Injector;

use crate::{
    decide::warnings,
    feature::{allowed_identities, proxy},
    object::{
        pod::{ContainerList, Metadata, Spec},
        service_account::{Reference, ServiceAccount, WrongValue, token_expiration},
    },
    settings::{RequireClientId, Settings},
    value::{
        identity::{ClientId, Subject, TenantId},
        names,
        token::{PodName, TokenExpiration},
    },
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
pub(crate) struct Identity {
    pub(crate) client_id: Option<ClientId>,
    pub(crate) tenant_id: TenantId,
    pub(crate) expiration: TokenExpiration,
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
        warnings::of_metadata(settings, pod, service_account, &injector.skipped, proxy.is_some());
    let audit = audit(service_account, settings);
    let Some(identity) = identity.filter(|_| refusals.is_empty()) else {
        return Decision { plan: Err(refusals), warnings, audit, doubtful: true };
    };
    let doubtful = identity.client_id.is_none();
    if doubtful && !injector.due().all(warnings::sets_client_id) {
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
        refusals.extend(allowed_identities::check(allowed, reference, client_id.as_ref(), &tenant_id));
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
