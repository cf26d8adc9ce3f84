//! Tests the MutatingAdmissionPolicy that `azwi-policy fallback` prints, in the API server's own CEL. The policy must accept its pods as
//! complete, and pods that it does not handle must stay unchanged.

use std::{fmt::Write, path::Path};

use anyhow::{Context, Result, ensure};
use azure_workload_identity_policy::{Settings, names};
use azwi_policy::{fallback, host::Module};
use laws::{
    draw,
    pods::{self, Case},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    compare::{self, Outcome},
    fixed::fixed,
    oracle::Oracle,
    validity::Kubernetes,
};

/// A question to the API server.
#[derive(Serialize)]
struct Question<'q> {
    params: &'q Value,
    request: &'q Value,
}

/// What it answers.
#[derive(Debug, Deserialize)]
struct Answered {
    #[serde(default)]
    errors: Vec<String>,
    json: Option<Value>,
    cost: Option<i64>,
}

/// The containers of the largest pod.
const CONTAINERS: usize = 100;

const CLIENT: &str = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";

/// The settings that the pods go through in turn.
fn settings() -> Vec<Value> {
    let tenant = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";
    let endpoint = json!({"annotationSuffix": "identity-binding", "audience": "api://AKSIdentityBinding", "ca": {"configMap": "ca"}});
    vec![
        json!({"tenantId": tenant}),
        json!({"trigger": "ServiceAccount", "extraEnv": [
            {"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}, {"name": "V1", "value": "it's \"x\"\n"}, {"name": "E", "value": ""}]}),
        json!({"trigger": "Pod", "tenantId": tenant, "layout": "Legacy", "tokenExpirationSeconds": 7200}),
        json!({"tenantId": tenant, "cloud": "AzureChinaCloud", "customTokenEndpoint": endpoint}),
        json!({"tenantId": tenant, "layout": "Fixed", "skipContainers": ["c1", "i*"],
            "allowedIdentities": [{"namespaces": ["te?m", "x-*"], "clientIds": [CLIENT]}, {"tenantIds": ["Contoso.onmicrosoft.com"]}]}),
        json!({"tenantId": tenant, "requireClientId": true,
            "identities": {"web": {"clientId": CLIENT, "tenantId": "contoso.onmicrosoft.com", "tokenExpirationSeconds": 4000}}}),
    ]
}

/// The outcome of the pods.
#[derive(Debug, Default)]
pub struct Tried {
    pods: usize,
    injected: usize,
    highest: i64,
    /// The laws that do not hold, each with the pod.
    pub broken: Vec<(String, Value)>,
}

/// Puts `number` pods through the generated policies, the policy, or both.
///
/// # Errors
/// A policy that the API server does not take, or a program that can't run.
pub fn check(module: &Module, program: &Path, seed: u64, number: usize) -> Result<Tried> {
    let mut judge = Kubernetes::start(program)?;
    let mut tried = Tried::default();
    let cases = draw::cases(&pods::case(), seed, number);
    let settings = settings();
    let each = cases.len().div_ceil(settings.len());
    for (settings, cases) in settings.iter().zip(cases.chunks(each)) {
        let mut server = Server::start(program, settings)?;
        let cases: Vec<Case> = cases.iter().cloned().map(fixed).map(|case| named(settings, case)).collect();
        let cases = server.typed(&cases)?;
        let (after, _) = server.mutated(&cases)?;
        let (again, _) = server.mutated(&with_pods(&cases, &after))?;
        let pods: Vec<&Value> = cases.iter().map(object).collect();
        let (before_errors, after_errors) =
            (judge.errors(&pods)?, judge.errors(&after.iter().collect::<Vec<_>>())?);
        for (index, case) in cases.iter().enumerate() {
            let (Some(after), Some(again)) = (after.get(index), again.get(index)) else { continue };
            tried.pods += 1;
            tried.injected += usize::from(after != object(case));
            let was_valid = before_errors.get(index).is_some_and(Vec::is_empty);
            let is_valid = after_errors.get(index).is_some_and(Vec::is_empty);
            let law = law(module, settings, case, after, again)?;
            let law = law.or((was_valid && !is_valid).then_some("a valid pod is not valid any more"));
            if let Some(law) = law {
                tried.broken.push((law.to_owned(), object(case).clone()));
            }
        }
    }
    tried.highest = largest(program)?;
    Ok(tried)
}

/// An API server with the policy of some settings.
pub struct Server {
    server: Oracle,
    settings: Value,
}

impl Server {
    /// Starts `program` (`conformance/kubernetes`).
    ///
    /// # Errors
    /// It can't be started, or does not take the policy.
    pub fn start(program: &Path, settings: &Value) -> Result<Self> {
        let mut server = Oracle::with_environment(program, [])?;
        let documents = fallback::from_settings(settings, None, CONTAINERS)
            .map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
        let question = |document: &Value| match document.get("kind").and_then(Value::as_str) {
            Some("MutatingAdmissionPolicy") => json!({"mutatingAdmissionPolicy": document}),
            _ => json!({"binding": document}),
        };
        let questions: Vec<Value> = documents.iter().map(question).collect();
        let answers: Vec<Answered> = server.ask_json(&questions)?;
        for (answer, document) in answers.iter().zip(&documents) {
            ensure!(answer.errors.is_empty(), "{:#?} for {document:#}", answer.errors);
        }
        Ok(Self { server, settings: settings.clone() })
    }

    /// The pod of `case` after the policy.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn apply(&mut self, case: &Case) -> Result<Value> {
        let (pods, _) = self.mutated(std::slice::from_ref(case))?;
        pods.into_iter().next().context("no pod")
    }

    /// The pods as the API server has them: of its own types.
    fn typed(&mut self, cases: &[Case]) -> Result<Vec<Case>> {
        let absent = json!({"metadata": {"name": "absent", "namespace": "team"}});
        let questions: Vec<Question> =
            cases.iter().map(|case| Question { params: &absent, request: &case.request }).collect();
        let answers: Vec<Answered> = self.server.ask_json(&questions)?;
        let mut typed = Vec::new();
        for (case, answer) in cases.iter().zip(answers) {
            typed.push(answer.json.with_context(|| format!("{:?} for {}", answer.errors, case.request))?);
        }
        Ok(with_pods(cases, &typed))
    }

    /// The pods after the policy, and the highest cost among them.
    fn mutated(&mut self, cases: &[Case]) -> Result<(Vec<Value>, i64)> {
        let bound =
            |case: &Case| case.account().filter(|account| is_bound(&self.settings, case, account)).cloned();
        let accounts: Vec<Option<Value>> = cases.iter().map(bound).collect();
        let questions: Vec<Question> = cases
            .iter()
            .zip(&accounts)
            .filter_map(|(case, account)| {
                Some(Question { params: account.as_ref()?, request: &case.request })
            })
            .collect();
        let mut answers = self.server.ask_json::<_, Answered>(&questions)?.into_iter();
        let (mut pods, mut highest) = (Vec::new(), 0);
        for (case, account) in cases.iter().zip(&accounts) {
            if account.is_none() {
                pods.push(object(case).clone());
                continue;
            }
            let answer = answers.next().context("no answer")?;
            ensure!(answer.errors.is_empty(), "{:?} for {}", answer.errors, case.request);
            highest = highest.max(answer.cost.unwrap_or_default());
            pods.push(answer.json.context("no pod")?);
        }
        Ok((pods, highest))
    }
}

fn object(case: &Case) -> &Value {
    case.request.get("object").unwrap_or(&Value::Null)
}

fn with_pods(cases: &[Case], pods: &[Value]) -> Vec<Case> {
    let cases = cases.iter().zip(pods).map(|(case, pod)| {
        let mut case = case.clone();
        if let Some(object) = case.request.get_mut("object") {
            object.clone_from(pod);
        }
        case
    });
    cases.collect()
}

/// Every third ServiceAccount names its identity, where the settings have names.
fn named(settings: &Value, mut case: Case) -> Case {
    if settings.get("identities").is_none() {
        return case;
    }
    for (index, account) in case.service_accounts.iter_mut().enumerate() {
        if let Some(Value::Object(annotations)) = account.pointer_mut("/metadata/annotations") {
            let name = if index % 3 == 0 { "web" } else { "other" };
            annotations.remove("azure.workload.identity/client-id");
            annotations.insert("azure.workload.identity/identity".to_owned(), json!(name));
        }
    }
    case
}

/// Whether a binding selects the pod's ServiceAccount as the parameter.
fn is_bound(settings: &Value, case: &Case, account: &Value) -> bool {
    let label = "/metadata/labels/azure.workload.identity~1use";
    let asks = |object: &Value| object.pointer(label) == Some(&json!("true"));
    let trigger = settings.get("trigger").and_then(Value::as_str).unwrap_or("Any");
    (trigger != "Pod" && asks(account)) || (trigger != "ServiceAccount" && asks(object(case)))
}

/// The law that a pod breaks, if any.
fn law(
    module: &Module,
    settings: &Value,
    case: &Case,
    after: &Value,
    again: &Value,
) -> Result<Option<&'static str>> {
    if again != after {
        return Ok(Some("a second call changes something"));
    }
    let alone = compare::policy(module, settings, case)?;
    if after == object(case) {
        return Ok(None);
    }
    let [second] = &with_pods(std::slice::from_ref(case), std::slice::from_ref(after))[..] else {
        return Ok(Some("no pod"));
    };
    let (Outcome::Admitted(alone), Outcome::Admitted(both)) =
        (alone, compare::policy(module, settings, second)?)
    else {
        return Ok(Some("it changes a pod that the policy refuses"));
    };
    if alone == *object(case) {
        return Ok(Some("it changes a pod that the policy leaves"));
    }
    if !is_whole(object(case), after) {
        return Ok(Some("a container has half an identity"));
    }
    if normal(&alone) != normal(&both) {
        return Ok(Some("with it the policy makes another pod than alone"));
    }
    Ok(None)
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["/spec/initContainers", "/spec/containers"].into_iter();
    lists.filter_map(|list| pod.pointer(list)?.as_array()).flatten()
}

/// Whether each container that was changed has the four variables and the mount, and the pod the volume.
fn is_whole(before: &Value, after: &Value) -> bool {
    let has = |list: Option<&Value>, fits: &dyn Fn(&Value) -> bool| {
        list.and_then(Value::as_array).is_some_and(|entries| entries.iter().any(fits))
    };
    let is_ours = |entry: &Value| {
        entry.get("name").and_then(Value::as_str).is_some_and(|name| {
            name == "azure-workload-identity-reserved-fallback" || name == "azure-identity-token"
        })
    };
    let changed = containers(before).zip(containers(after)).filter(|(old, new)| old != new);
    let mut changed = changed.map(|(_, new)| new);
    has(after.pointer("/spec/volumes"), &is_ours)
        && changed.all(|container| {
            let variables = ["CLIENT_ID", "TENANT_ID", "FEDERATED_TOKEN_FILE", "AUTHORITY_HOST"];
            has(container.get("volumeMounts"), &is_ours)
                && variables.into_iter().all(|variable| {
                    let name = json!(format!("AZURE_{variable}"));
                    has(container.get("env"), &|env| env.get("name") == Some(&name))
                })
        })
}

/// A pod in which the volume and its path have no hash.
fn normal(pod: &Value) -> Value {
    let mut pod = pod.clone();
    // The fallback writes the variables in an order of its own.
    for path in ["/spec/initContainers", "/spec/containers"] {
        for container in pod.pointer_mut(path).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) {
                env.sort_by_key(|env| {
                    let name = env.get("name").and_then(Value::as_str).unwrap_or_default();
                    names::FALLBACK_VARIABLES.contains(&name).then(|| name.to_owned())
                });
            }
        }
    }
    let mut text = pod.to_string().replace(names::FALLBACK_MOUNT_PATH, "/var/run/secrets/azure/wi/fallback");
    for (start, then) in [
        ("azure-workload-identity-reserved-", "x"),
        ("/var/run/secrets/azure/wi", "/token/azure-identity-token"),
    ] {
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((head, tail)) = rest.split_once(start) {
            let hash = tail.strip_prefix('/').unwrap_or(tail);
            let end = hash.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(hash.len());
            let is_hash = end == 30 || hash.get(..end) == Some("fallback");
            out.push_str(head);
            out.push_str(start);
            rest = if is_hash { hash.get(end..).unwrap_or_default() } else { tail };
        }
        out.push_str(rest);
        text = out.replace(&[start, then, then].concat(), start);
    }
    serde_json::from_str(&text).unwrap_or_default()
}

/// What a pod of a hundred containers with thirty variables and ten mounts each costs.
fn largest(program: &Path) -> Result<i64> {
    // As many entries as are accepted: what is refused, the API server would not finish.
    let extra: Vec<Value> = (0..72).map(|n| json!({"name": format!("E{n}"), "value": "x"})).collect();
    let settings = json!({"tenantId": "contoso.onmicrosoft.com", "extraEnv": extra, "skipContainers": ["x", "y-*"],
        "allowedIdentities": [{"namespaces": ["a", "b-*", "team"], "clientIds": [CLIENT]}]});
    let mut server = Server::start(program, &settings)?;
    let estimated =
        Settings::parse(&settings.to_string()).ok().map(|settings| fallback::cost(&settings, CONTAINERS));
    let env: Vec<Value> = (0..30).map(|n| json!({"name": format!("V{n}"), "value": "x"})).collect();
    let mounts: Vec<Value> =
        (0..10).map(|n| json!({"name": format!("v{n}"), "mountPath": format!("/v/{n}")})).collect();
    let containers: Vec<Value> = (0..CONTAINERS)
        .map(|n| json!({"name": format!("c{n}"), "image": "x", "env": env, "volumeMounts": mounts}))
        .collect();
    let volumes: Vec<Value> = (0..10).map(|n| json!({"name": format!("v{n}"), "emptyDir": {}})).collect();
    let account = json!({"metadata": {"name": "web", "namespace": "team", "labels": {"azure.workload.identity/use": "true"},
        "annotations": {"azure.workload.identity/client-id": CLIENT}}});
    let request = json!({"namespace": "team", "object": {"metadata": {"name": "large"},
        "spec": {"serviceAccountName": "web", "containers": containers, "volumes": volumes}}});
    let case = Case { service_accounts: vec![account], request };
    let (pods, highest) = server.mutated(std::slice::from_ref(&case))?;
    ensure!(pods.iter().all(|pod| is_whole(object(&case), pod)), "a pod of a hundred containers is left");
    let estimated = i64::try_from(estimated.context("settings")?)?;
    ensure!(
        highest <= estimated,
        "the API server counts {highest}, more than the {estimated} that are computed"
    );
    Ok(highest)
}

impl Tried {
    /// The report.
    #[must_use]
    pub fn report(&self) -> String {
        let Self { pods, injected, highest, broken } = self;
        let mut text = format!(
            "{pods} pods through the API server's CEL, {injected} of them given their identity, {} that break a law\n",
            broken.len()
        );
        let _ = writeln!(
            text,
            "a pod of 100 containers with 30 variables each costs {highest} of 10000000 that a policy may cost"
        );
        text
    }
}
