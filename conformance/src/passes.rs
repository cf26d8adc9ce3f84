//! The law of passes: webhooks and policies can change a pod in any order, with the same result.

use laws::pods::{self, Case, RESERVED};
use std::path::Path;

use anyhow::{Context, Result, bail};
use azure_workload_identity_policy::names;
use azwi_policy::host::Module;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{
    compare::{self, Outcome},
    configurations::{self, Configuration},
    fallback::Server,
    fixed::fixed,
    oracle::Oracle,
    tally::again,
};

/// Who changes a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// The policy, in a layout.
    Policy(&'static str),
    /// The webhook 1.6.0, live.
    WebhookFixed,
    /// The webhook since 1.6.1: the live one with the paths mapped in and out.
    WebhookPerPod,
    /// What `azwi-policy fallback` prints, in the API server's own CEL; left out if there is no API server.
    Fallback,
    /// A webhook that adds a sidecar.
    Sidecar,
    /// A webhook that gives the pod another name.
    Name,
}

const POLICIES: [Pass; 3] = [Pass::Policy("PerPod"), Pass::Policy("Fixed"), Pass::Policy("Legacy")];

/// A pod, and the mutators that change it: up to three, then a last one that decides.
pub fn sequence() -> impl Strategy<Value = (Case, Vec<Pass>)> {
    let any = [
        &POLICIES[..],
        &[Pass::WebhookFixed, Pass::WebhookPerPod, Pass::Fallback, Pass::Sidecar, Pass::Name],
    ]
    .concat();
    (pods::case(), prop::collection::vec(select(any), 0..4), select(POLICIES.to_vec())).prop_map(
        |(case, mut passes, last)| {
            passes.push(last);
            (plain(fixed(case)), passes)
        },
    )
}

/// A pod, and who changes it: the policy and the webhook in one layout, and one that adds a sidecar; the webhook's word is the
/// last. (One that names the pod is left out: a webhook that goes by names then mounts a second time, its issue 1744.)
pub fn webhook_last() -> impl Strategy<Value = (Case, Vec<Pass>)> {
    let of = |layout: Pass, webhook: Pass| {
        let any = vec![layout, webhook, Pass::Sidecar];
        prop::collection::vec(select(any), 0..4).prop_map(move |mut passes| {
            passes.push(webhook);
            passes
        })
    };
    let passes = prop_oneof![
        of(Pass::Policy("Fixed"), Pass::WebhookFixed),
        of(Pass::Policy("PerPod"), Pass::WebhookPerPod)
    ];
    (pods::case(), passes).prop_map(|(case, passes)| (plain(fixed(case)), passes))
}

/// The same pod, changed so that it asks for a valid identity and has nothing under a reserved name.
fn plain(mut case: Case) -> Case {
    for account in &mut case.service_accounts {
        let annotations =
            json!({"azure.workload.identity/client-id": "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa"});
        if let Some(metadata) = account.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("annotations".to_owned(), annotations);
        }
    }
    let Some(pod) = case.request.get_mut("object") else { return case };
    if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("labels".to_owned(), json!({"azure.workload.identity/use": "true"}));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations
                .retain(|name, _| name == "azure.workload.identity/skip-containers" || name == "other");
        }
    }
    if let Some(spec) = pod.get_mut("spec") {
        plain_spec(spec);
    }
    case
}

fn plain_spec(spec: &mut Value) {
    if let Some(fields) = spec.as_object_mut() {
        fields.insert("serviceAccountName".to_owned(), json!("web-sa"));
        fields.retain(|name, _| {
            !["hostNetwork", "ephemeralContainers", "futureField", "resources"].contains(&name.as_str())
        });
    }
    let is_reserved = |value: &Value| {
        value.get("name").and_then(Value::as_str).is_some_and(|name| RESERVED.contains(&name))
    };
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !is_reserved(volume));
    }
    for container in containers_mut(spec) {
        for list in ["volumeMounts", "volumeDevices"] {
            if let Some(items) = container.get_mut(list).and_then(Value::as_array_mut) {
                items.retain(|item| !is_reserved(item) && !beside(item));
            }
        }
        if let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) {
            env.retain(|env| {
                env.get("name") != Some(&json!("AZURE_FEDERATED_TOKEN_FILE"))
                    && env.pointer("/valueFrom/fileKeyRef").is_none()
            });
        }
        if let Some(container) = container.as_object_mut() {
            container.remove("futureField");
        }
    }
}

/// Whether a mount or device stands where a layout has its own.
fn beside(item: &Value) -> bool {
    ["mountPath", "devicePath"].iter().any(|field| {
        item.get(field).and_then(Value::as_str).is_some_and(|path| path.starts_with("/var/run/secrets"))
    })
}

fn containers_mut(spec: &mut Value) -> Vec<&mut Value> {
    let Some(spec) = spec.as_object_mut() else { return Vec::new() };
    let lists = spec.iter_mut().filter(|(name, _)| *name == "containers" || *name == "initContainers");
    lists.filter_map(|(_, list)| list.as_array_mut()).flatten().collect()
}

const WI: &str = "/var/run/secrets/azure/wi";

/// What the webhook calls the pod when it hashes its name.
fn hash(pod: &Value) -> String {
    use sha2::{Digest, Sha256};
    let text = |field: &str| pod.pointer(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("/metadata/name").map(str::to_owned);
    let name =
        name.unwrap_or_else(|| format!("{} (prefix)", text("/metadata/generateName").unwrap_or_default()));
    let digest = Sha256::digest(name.as_bytes());
    let mut hash = digest.iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    hash.truncate(30);
    hash
}

/// Swaps the mount path of 1.6.0 and the pod's own in every mount and variable, so that the one webhook sees the other's.
fn swap_paths(pod: &Value) -> Value {
    let own = format!("{WI}/{}", hash(pod));
    let swap = |path: &str| {
        let below = |root: &str| path == root || path.starts_with(&format!("{root}/"));
        if below(&own) {
            path.replacen(&own, WI, 1)
        } else if path == WI || below(&format!("{WI}/token")) || below(&format!("{WI}/ca-cert")) {
            path.replacen(WI, &own, 1)
        } else {
            path.to_owned()
        }
    };
    let mut pod = pod.clone();
    let Some(spec) = pod.get_mut("spec") else { return pod };
    for container in containers_mut(spec) {
        for (list, field) in [("volumeMounts", "mountPath"), ("env", "value")] {
            for item in container.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(Value::String(path)) = item.get_mut(field) {
                    *path = swap(path);
                }
            }
        }
    }
    pod
}

/// The webhook since 1.6.1, as the live 1.6.0 with the paths mapped in and out answers.
///
/// # Errors
/// The webhook can't be asked.
pub fn per_pod(webhook: &mut Oracle, case: &Case) -> Result<Outcome> {
    let pod = case.request.get("object").cloned().unwrap_or_default();
    let mapped = again(case, &swap_paths(&pod));
    let answer = webhook.ask(std::slice::from_ref(&mapped))?.pop().context("no answer")?;
    Ok(match compare::webhook(&mapped, &answer)? {
        Outcome::Admitted(pod) => Outcome::Admitted(swap_paths(&pod)),
        refused @ Outcome::Refused(_) => refused,
    })
}

/// All mutators that change pods.
pub struct Cast<'m> {
    module: &'m Module,
    webhook: Oracle,
    fallback: Option<Server>,
    tenant: Configuration,
}

impl<'m> Cast<'m> {
    /// The policy's module, the live webhook (`conformance/oracle`), and Kubernetes (`conformance/kubernetes`), where it is there.
    ///
    /// # Errors
    /// One of them can't be started.
    pub fn new(module: &'m Module, webhook: &Path, kubernetes: Option<&Path>) -> Result<Self> {
        let tenant = configurations::all("Fixed").into_iter().next().context("no configuration")?;
        let mut settings = tenant.settings.clone();
        if let Some(settings) = settings.as_object_mut() {
            settings.insert("layout".to_owned(), json!("PerPod"));
        }
        let fallback = kubernetes.map(|program| Server::start(program, &settings)).transpose()?;
        Ok(Self { module, webhook: Oracle::start(webhook, &tenant)?, fallback, tenant })
    }

    /// The pod of `case` after `pass`; `None` where it is refused.
    ///
    /// # Errors
    /// One of them can't be asked.
    pub fn apply(&mut self, case: &Case, pass: Pass) -> Result<Option<Value>> {
        let mut pod = case.request.get("object").cloned().unwrap_or_default();
        let outcome = match pass {
            Pass::Policy(layout) => {
                let mut settings = self.tenant.settings.clone();
                if let Some(settings) = settings.as_object_mut() {
                    settings.insert("layout".to_owned(), json!(layout));
                }
                compare::policy(self.module, &settings, case)?
            }
            Pass::WebhookFixed => self.ask(case)?,
            Pass::WebhookPerPod => per_pod(&mut self.webhook, case)?,
            Pass::Fallback => match &mut self.fallback {
                Some(server) => Outcome::Admitted(server.apply(case)?),
                None => Outcome::Admitted(pod),
            },
            Pass::Sidecar => {
                let containers = pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
                let containers = containers.context("a pod without containers")?;
                let name = format!("sidecar-{}", containers.len());
                containers.push(json!({"name": name, "image": "sidecar:1"}));
                Outcome::Admitted(pod)
            }
            Pass::Name => {
                if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.insert("name".to_owned(), json!("renamed"));
                }
                Outcome::Admitted(pod)
            }
        };
        Ok(match outcome {
            Outcome::Admitted(pod) => Some(pod),
            Outcome::Refused(_) => None,
        })
    }

    fn ask(&mut self, case: &Case) -> Result<Outcome> {
        let answer = self.webhook.ask(std::slice::from_ref(case))?.pop().context("no answer")?;
        compare::webhook(case, &answer)
    }

    /// What is wrong after `passes`, of which the last one decides. `None` if nothing is wrong, or if a pass refuses the pod.
    ///
    /// # Errors
    /// One of them can't be asked.
    pub fn broken(&mut self, case: &Case, passes: &[Pass]) -> Result<Option<String>> {
        let mut case = case.clone();
        for pass in passes {
            match self.apply(&case, *pass)? {
                Some(pod) => case = again(&case, &pod),
                None => return Ok(None),
            }
        }
        let Some(last) = passes.last() else { bail!("no pass") };
        let pod = case.request.get("object").cloned().unwrap_or_default();
        let is_webhook = |pass: &&Pass| matches!(pass, Pass::WebhookFixed | Pass::WebhookPerPod);
        let webhook = passes.iter().find(is_webhook);
        // Beside the fallback's volume, a webhook adds its own, and would add it again.
        let beside = self.fallback.is_some() && webhook.is_some() && passes.contains(&Pass::Fallback);
        if let Some(wrong) = wrong(&pod, beside) {
            return Ok(Some(format!("{wrong}: {pod:#}")));
        }
        let once_more = self.apply(&case, *last)?;
        if once_more.as_ref() != Some(&pod) {
            return Ok(Some(format!("one more pass changes the pod: {pod:#}\n{once_more:#?}")));
        }
        // A webhook that goes by names mounts a second time where the pod was named after it, its issue 1744.
        match webhook.filter(|_| beside && !passes.contains(&Pass::Name)) {
            Some(webhook) => self.comes_to_rest(case, *webhook, *last),
            None => Ok(None),
        }
    }

    /// What is wrong where a webhook and the policy are called again and again until neither changes the pod, as the API server does once.
    fn comes_to_rest(&mut self, mut case: Case, webhook: Pass, policy: Pass) -> Result<Option<String>> {
        for _ in 0..3 {
            let before = case.request.get("object").cloned();
            for pass in [webhook, policy] {
                let Some(pod) = self.apply(&case, pass)? else { return Ok(None) };
                case = again(&case, &pod);
            }
            let after = case.request.get("object").cloned().unwrap_or_default();
            if before.as_ref() == Some(&after) {
                return Ok(
                    wrong(&after, true).map(|wrong| format!("{wrong} after all came to rest: {after:#}"))
                );
            }
        }
        Ok(Some(format!("the webhook and the policy never come to rest: {:#}", case.request)))
    }
}

fn items<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The violation of the law in a pod after all passes, if there is one. `beside` is where a webhook's volume may be beside the fallback's.
fn wrong(pod: &Value, beside: bool) -> Option<String> {
    let spec = pod.get("spec")?;
    let skip =
        pod.pointer("/metadata/annotations/azure.workload.identity~1skip-containers").and_then(Value::as_str);
    let skipped: Vec<&str> = skip.unwrap_or_default().split(';').map(str::trim).collect();
    let containers = || items(spec, "initContainers").iter().chain(items(spec, "containers"));
    let mut used = Vec::new();
    for container in containers().filter(|container| !skipped.contains(&text(container, "name"))) {
        match volume_used(spec, container, beside) {
            Ok(volume) => used.push(volume),
            Err(wrong) => return Some(wrong),
        }
    }
    used.sort_unstable();
    used.dedup();
    let volumes = items(spec, "volumes").iter().filter(|volume| text(volume, "name").starts_with("azure-"));
    // A pod all of whose containers are skipped has an unused volume, as the webhook makes it: a sidecar that comes late may
    // get another one, in another layout.
    (skip.is_none() && volumes.count() > used.len() + usize::from(beside))
        .then(|| "an unused token volume".to_owned())
}

/// The name of the volume in which a complete container has its token.
fn volume_used<'v>(spec: &Value, container: &'v Value, beside: bool) -> Result<&'v str, String> {
    let name = text(container, "name");
    let env = items(container, "env");
    let file = env.iter().find(|env| text(env, "name") == "AZURE_FEDERATED_TOKEN_FILE");
    let Some(file) = file.map(|env| text(env, "value")) else {
        return Err(format!("{name} has no token file"));
    };
    for wanted in ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"]
    {
        let number = env.iter().filter(|env| text(env, "name") == wanted).count();
        if number == 0 || (number > 1 && wanted == "AZURE_FEDERATED_TOKEN_FILE") {
            return Err(format!("{name} has {wanted} {number} times"));
        }
    }
    let mounts = items(container, "volumeMounts");
    let paths = mounts.iter().map(|mount| text(mount, "mountPath"));
    let (of_fallback, tokens): (Vec<&str>, Vec<&str>) = paths
        .filter(|path| path.starts_with(names::SECRETS_PATH))
        .partition(|path| *path == names::FALLBACK_MOUNT_PATH);
    let both = of_fallback.len() + tokens.len();
    if both != 1 && !(beside && (of_fallback.len(), tokens.len()) == (1, 1)) {
        return Err(format!("{name} has other than one mount for its token"));
    }
    // The runtime can't make the folder of a mount below one that can't be written to.
    let is_below = |one: &Value, other: &Value| {
        other.get("readOnly") == Some(&Value::Bool(true))
            && text(one, "mountPath")
                .strip_prefix(text(other, "mountPath"))
                .is_some_and(|rest| rest.starts_with('/'))
    };
    if mounts.iter().any(|one| mounts.iter().any(|other| is_below(one, other))) {
        return Err(format!("{name} has a mount below a read-only one"));
    }
    let below =
        |mount: &Value| file.strip_prefix(&format!("{}/", text(mount, "mountPath"))).map(str::to_owned);
    let Some((mount, rest)) = mounts.iter().find_map(|mount| Some((mount, below(mount)?))) else {
        return Err(format!("{name} has no mount above {file}"));
    };
    let volume = items(spec, "volumes").iter().find(|volume| volume.get("name") == mount.get("name"));
    let token = volume.and_then(|volume| volume.pointer("/projected/sources/0/serviceAccountToken"));
    let right = |token: &Value| {
        text(token, "path") == rest && text(token, "audience") == "api://AzureADTokenExchange"
    };
    if token.is_some_and(right) {
        Ok(text(mount, "name"))
    } else {
        Err(format!("{name} finds no token at {file}"))
    }
}
