//! A valid pod must stay valid. Kubernetes itself, in its own process, validates each pod before and after the policy.

use laws::{
    draw,
    pods::{self, Case},
};
use std::{collections::BTreeMap, fmt::Write, path::Path};

use anyhow::Result;
use azwi_policy::host::Module;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    compare::{self, Outcome},
    fixed::fixed,
    oracle::Oracle,
};

/// A question to Kubernetes.
#[derive(Serialize)]
struct Question<'p> {
    pod: &'p Value,
}

/// What Kubernetes says of a pod.
#[derive(Debug, Deserialize)]
struct Judged {
    #[serde(default)]
    errors: Vec<String>,
}

/// Kubernetes' defaulting and validation.
pub struct Kubernetes(Oracle);

impl Kubernetes {
    /// Starts `program` (`conformance/kubernetes`).
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(program: &Path) -> Result<Self> {
        Ok(Self(Oracle::with_environment(program, [])?))
    }

    /// What is wrong with each of the pods.
    ///
    /// # Errors
    /// It ended.
    pub fn errors(&mut self, pods: &[&Value]) -> Result<Vec<Vec<String>>> {
        let questions: Vec<Question> = pods.iter().map(|pod| Question { pod }).collect();
        let judged: Vec<Judged> = self.0.ask_json(&questions)?;
        Ok(judged.into_iter().map(|judged| judged.errors).collect())
    }
}

/// The settings that the pods go through in turn.
fn settings() -> [Value; 5] {
    let tenant = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";
    let endpoint = json!({"annotationSuffix": "identity-binding", "audience": "api://AKSIdentityBinding", "ca": {"configMap": "ca"}});
    [
        json!({"tenantId": tenant}),
        json!({"tenantId": tenant, "layout": "Fixed", "proxy": {"nativeSidecar": false}}),
        json!({"tenantId": tenant, "layout": "Legacy"}),
        json!({"tenantId": tenant, "customTokenEndpoint": endpoint}),
        json!({"tenantId": tenant, "extraEnv": [{"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}, {"name": "PROXY_PORT", "value": "1"}]}),
    ]
}

/// The outcome of the pods.
#[derive(Debug, Default)]
pub struct Validity {
    generated: usize,
    valid: usize,
    changed: usize,
    refused: BTreeMap<&'static str, usize>,
    /// The pods that were valid before the policy and invalid after it, with the errors that Kubernetes reports.
    pub broken: Vec<(Value, Value, Vec<String>)>,
}

/// What the policy refuses in pods that Kubernetes would have taken, by its rule.
fn refused_for(rule: &str) -> &'static str {
    match rule {
        "client-id-malformed"
        | "tenant-id-malformed"
        | "expiration-malformed"
        | "proxy-port-malformed"
        | "container-identities"
        | "no-tenant" => "an annotation",
        "mount-hides-token" | "device-hides-token" => "a mount or device in the way",
        "volume-name-taken" => "a volume that is used as something else",
        "proxy-on-host-network" => "the proxy on the host's network",
        "proxy-on-windows" => "the proxy on Windows",
        "no-service-account" => "no ServiceAccount",
        _ => "something else",
    }
}

/// Puts `number` pods through Kubernetes, the policy, and Kubernetes again.
///
/// # Errors
/// One of them can't be asked.
pub fn check(module: &Module, program: &Path, seed: u64, number: usize) -> Result<Validity> {
    let mut kubernetes = Kubernetes::start(program)?;
    let mut all = Validity::default();
    let cases: Vec<Case> = draw::cases(&pods::case(), seed, number).into_iter().map(fixed).collect();
    let settings = settings();
    for (index, cases) in cases.chunks(1_000).enumerate() {
        let Some(settings) = settings.get(index % settings.len()) else { continue };
        let pods: Vec<&Value> = cases.iter().filter_map(|case| case.request.get("object")).collect();
        let errors = kubernetes.errors(&pods)?;
        let mut changed = Vec::new();
        all.generated += cases.len();
        for (case, _) in cases.iter().zip(&errors).filter(|(_, errors)| errors.is_empty()) {
            all.valid += 1;
            match compare::policy(module, settings, case)? {
                Outcome::Admitted(pod) if Some(&pod) != case.request.get("object") => {
                    changed.push((case, pod));
                }
                Outcome::Admitted(_) => {}
                Outcome::Refused(refused) => {
                    let rule = refused.rules.first().map_or("", String::as_str);
                    *all.refused.entry(refused_for(rule)).or_default() += 1;
                }
            }
        }
        all.changed += changed.len();
        let pods: Vec<&Value> = changed.iter().map(|(_, pod)| pod).collect();
        for ((case, pod), errors) in changed.iter().zip(kubernetes.errors(&pods)?) {
            if !errors.is_empty() {
                all.broken.push((case.request.clone(), pod.clone(), errors));
            }
        }
    }
    Ok(all)
}

impl Validity {
    /// The report.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = format!(
            "{} pods, {} valid for Kubernetes 1.37; of these {} changed and judged again, {} that are not valid any more\n",
            self.generated,
            self.valid,
            self.changed,
            self.broken.len()
        );
        for (kind, number) in &self.refused {
            let _ = writeln!(text, "{number:6} refused for {kind}");
        }
        text
    }
}
