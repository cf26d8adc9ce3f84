//! `azwi-policy check`.

use std::{
    collections::BTreeSet,
    io::{IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use azwi_policy::{
    accounts::{Accounts, Elsewhere},
    federated::Presented,
    findings::{self, Finding, Severity, policy},
    host::{Answers, Module},
    kinds,
    manifests::{self, Manifests, Templates},
    report,
    response::AdmissionResponse,
    yaml,
};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::Value;

use crate::{
    check_credentials::{self, Form, presented},
    check_output::{self, Output},
    check_settings, read_settings,
};

#[derive(Args)]
pub struct Check {
    /// Manifests in YAML or JSON, folders of them, or - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The policy's settings, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Namespace of objects that name none
    #[arg(long, short, default_value = "default")]
    namespace: String,
    /// The policy's module
    #[arg(long, value_name = "WASM", default_value = "policy.wasm")]
    policy: PathBuf,
    /// What `az identity federated-credential list -o json` printed, or `CLIENT_ID=FILE`: whether Entra will take each token; can be repeated
    #[arg(long, value_name = "[CLIENT_ID=]FILE", requires = "issuer")]
    federated_credentials: Vec<String>,
    /// The cluster's issuer, as `az aks show --query oidcIssuerProfile.issuerUrl` prints it, with its last slash
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Take `ServiceAccounts` that are not among the files for ones with the label, and with this client ID: for charts whose account
    /// lives in the cluster
    #[arg(long, value_name = "CLIENT_ID")]
    assume_service_accounts: Option<String>,
    /// Read ServiceAccounts that are not among the files from the cluster of the kubeconfig at hand, with `kubectl get`
    #[arg(long, conflicts_with = "assume_service_accounts")]
    cluster: bool,
    /// What makes the exit status 1
    #[arg(long, default_value = "refusal")]
    fail_on: FailOn,
    /// Print the resulting objects instead, the first container's environment, or what was found for machines
    #[arg(long, short)]
    output: Option<Output>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Something is refused, or no federated credential fits
    Refusal,
    /// Something is warned about, too
    Warning,
}

impl Check {
    /// Whether the output is for machines: findings, and nothing else.
    fn is_for_machines(&self) -> bool {
        matches!(self.output, Some(Output::Json | Output::Sarif | Output::Github | Output::Terraform))
    }
}

/// Where an object is from.
struct At<'a> {
    file: &'a str,
    document: usize,
}

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} (document {})", self.file, self.document)
    }
}

/// The counts of a run, for its last line and the exit status.
#[derive(Default)]
struct Count {
    objects: usize,
    pods: usize,
    refused: usize,
    warnings: usize,
    passed_over: usize,
    broken: usize,
}

/// Whether all was allowed.
pub fn run(args: &Check) -> Result<bool> {
    if args.issuer.is_none() && matches!(args.output, Some(Output::Terraform)) {
        bail!("-o terraform prints federated credentials: give the cluster's issuer with --issuer URL");
    }
    let settings = read_settings(args.settings.as_deref())?;
    let manifests = manifests::read(&args.files);
    if manifests.objects.is_empty() && manifests.broken.is_empty() {
        bail!(
            "no Kubernetes object in {}",
            args.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
        );
    }
    let module = Module::from_file(&args.policy)
        .context("build the module with `make policy.wasm`, or give another with --policy")?;
    check_settings(&module, &settings)?;
    let mut out = anstream::stdout().lock();
    let (mut count, mut findings) = judge_all(args, &module, &settings, &manifests, &mut out)?;
    let of = |severity, rule| move |text: &String| findings::of_file(severity, rule, text);
    findings.extend(manifests.doubts.iter().map(of(Severity::Warning, "doubtful")));
    findings.extend(manifests.broken.iter().map(of(Severity::Error, "not-readable")));
    check_output::findings(args.output, &findings, &mut out)?;
    out.flush()?;
    count.warnings += manifests.doubts.len();
    manifests.doubts.iter().for_each(|doubt| anstream::eprintln!("warning: {doubt}"));
    for passed_over in &manifests.passed_over {
        anstream::eprintln!("passed over: {passed_over}");
    }
    for broken in &manifests.broken {
        anstream::eprintln!("Error: {broken}");
    }
    count.broken += manifests.broken.len();
    if manifests.objects.len() > 2 || count.broken > 0 {
        let Count { objects, pods, refused, warnings, passed_over, broken } = count;
        let passed_over = passed_over + manifests.passed_over.len();
        anstream::eprintln!(
            "{objects} objects, {pods} pods, {refused} refused, {warnings} warnings, {passed_over} passed over, {broken} not readable"
        );
    }
    if count.broken > 0 {
        bail!("not everything could be read");
    }
    Ok(count.refused == 0 && (args.fail_on == FailOn::Refusal || count.warnings == 0))
}

/// The `ServiceAccounts` and workloads are judged as when they are applied, and the pods that the workloads would get.
fn judge_all(
    args: &Check,
    module: &Module,
    settings: &Value,
    manifests: &Manifests,
    out: &mut dyn Write,
) -> Result<(Count, Vec<Finding>)> {
    let elsewhere = match &args.assume_service_accounts {
        Some(client_id) => Elsewhere::Assumed(client_id.clone()),
        None if args.cluster => Elsewhere::Cluster,
        None => Elsewhere::Nothing,
    };
    let accounts = Accounts::new(&manifests.objects, &args.namespace, elsewhere);
    let answers = accounts.answers();
    let mut count = Count { objects: manifests.objects.len(), ..Count::default() };
    let progress = progress_bar(manifests.objects.len());
    let number = count.objects;
    let mut judge = Judge {
        args,
        module,
        settings,
        look_ups: &accounts,
        answers: &answers,
        number,
        said: BTreeSet::new(),
        presented: BTreeSet::new(),
        accounts: BTreeSet::new(),
        findings: Vec::new(),
    };
    for object in &manifests.objects {
        progress.inc(1);
        let at = At { file: &object.file, document: object.document };
        judge.parts(&object.value, &at, &mut count, out)?;
    }
    progress.finish_and_clear();
    let Judge { presented, accounts, mut findings, .. } = judge;
    check_presented(args, (presented, accounts), &mut count, &mut findings, out)?;
    if count.pods == 0 && !manifests.objects.iter().any(|object| manifests::is_judged(&object.value)) {
        anstream::eprintln!("nothing for the policy among the {} objects", manifests.objects.len());
    }
    Ok((count, findings))
}

/// Shown only if the output goes elsewhere: on the same terminal it would appear between the lines.
fn progress_bar(objects: usize) -> ProgressBar {
    if std::io::stdout().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new(objects as u64) }
}

/// Checks the federated credentials, if there are any, against what pods present to Entra, and pods of `ServiceAccounts` that are not among
/// the files.
fn check_presented(
    args: &Check,
    (mut presented, accounts): (BTreeSet<Presented>, BTreeSet<Presented>),
    count: &mut Count,
    findings: &mut Vec<Finding>,
    out: &mut dyn Write,
) -> Result<()> {
    let known: BTreeSet<String> = presented.iter().map(|token| token.subject.clone()).collect();
    presented.extend(accounts.into_iter().filter(|token| !known.contains(&token.subject)));
    let checks = !args.federated_credentials.is_empty() || matches!(args.output, Some(Output::Terraform));
    if let Some(issuer) = args.issuer.as_ref().filter(|_| checks) {
        let form = match args.output {
            Some(Output::Terraform) => Form::Terraform(out),
            _ if args.is_for_machines() => Form::Findings,
            _ => Form::Words(out),
        };
        let checked = check_credentials::check(&args.federated_credentials, issuer, &presented, form)?;
        count.refused += checked.findings.len();
        count.warnings += checked.warnings;
        findings.extend(checked.findings);
    }
    Ok(())
}

/// An object that is not judged.
fn pass_over(args: &Check, value: &Value, at: &At, count: &mut Count, out: &mut dyn Write) -> Result<()> {
    if kinds::runs_pods(value) {
        count.passed_over += 1;
        let (kind, name) = (manifests::kind(value), manifests::name_of(value));
        anstream::eprintln!(
            "passed over: {at}: {kind} {name} is not judged; its pods are, when they are created"
        );
    }
    if let Some(Output::Yaml | Output::Objects) = args.output {
        check_output::object(out, args.output, value)?;
    }
    Ok(())
}

/// A warning, by its rule, container and message.
type Said = (String, Option<String>, String);

/// What all objects of a run are judged with.
struct Judge<'a> {
    args: &'a Check,
    module: &'a Module,
    settings: &'a Value,
    look_ups: &'a Accounts,
    answers: &'a Answers,
    number: usize,
    /// What was said of the workload whose pod is next: it is not said again.
    said: BTreeSet<Said>,
    /// What the pods present to Entra.
    presented: BTreeSet<Presented>,
    /// What pods of the `ServiceAccounts` would present, that are not among the files.
    accounts: BTreeSet<Presented>,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    /// Judges an object, and the pods that it would make.
    fn parts(&mut self, object: &Value, at: &At, count: &mut Count, out: &mut dyn Write) -> Result<()> {
        let (kind, name) = (manifests::kind(object), manifests::name_of(object));
        match manifests::templates(object) {
            Templates::Patch => {
                count.passed_over += 1;
                anstream::eprintln!(
                    "passed over: {at}: {kind} {name} has no containers, it looks like a patch: judge `kubectl kustomize DIR`"
                );
            }
            Templates::Workload(pod) => {
                self.object(object, Part::Workload, at, count, out)?;
                self.object(&pod, Part::Pod, at, count, out)?;
                self.said.clear();
            }
            Templates::Unknown(pods) => {
                for (path, pod) in pods {
                    anstream::eprintln!(
                        "{at}: {kind} {name}: a kind that the policy does not judge; its pods, by {path}:"
                    );
                    self.object(&pod, Part::Whole, at, count, out)?;
                }
            }
            Templates::Nothing => self.object(object, Part::Whole, at, count, out)?,
        }
        Ok(())
    }

    fn object(
        &mut self,
        value: &Value,
        part: Part,
        at: &At,
        count: &mut Count,
        out: &mut dyn Write,
    ) -> Result<()> {
        let args = self.args;
        let request = match manifests::request(value, &args.namespace) {
            Ok(request) => request,
            Err(error) => {
                count.broken += 1;
                anstream::eprintln!("Error: {at}: {error}");
                let text = format!("{}: {error}", at.file);
                self.findings.push(findings::of_file(Severity::Error, "not-readable", &text));
                return Ok(());
            }
        };
        let Some(request) = request else { return pass_over(args, value, at, count, out) };
        let examined = self.module.examine(self.settings, &request, Arc::clone(self.answers))?;
        let (mut response, mut found) = (examined.response, examined.findings);
        let silent = self.once(part, &mut response, &mut found);
        let why = report::why_untouched(&request, &examined.calls.look_ups, self.look_ups, &response);
        if silent {
            response.warnings = None;
        }
        let before = request.get("object").unwrap_or(&Value::Null);
        let after = response.apply(before)?;
        let presented = presented(args.issuer.as_ref(), self.settings, &response, &after);
        match (manifests::kind(before), manifests::use_label(before)) {
            ("ServiceAccount", Some("true")) => self.accounts.extend(presented),
            ("ServiceAccount", _) => {}
            _ => self.presented.extend(presented),
        }
        let found = found.iter().map(|finding| findings::of_object(at.file, at.document, finding));
        self.findings.extend(found);
        count.pods += usize::from(manifests::kind(before) == "Pod");
        count.refused += usize::from(!response.allowed);
        count.warnings += response.warnings.as_ref().map_or(0, Vec::len);
        let namespace = manifests::namespace_of(before, &args.namespace);
        let outcome = Outcome { part, namespace, before, after: &after, response: &response, why };
        show(args, out, &outcome, self.number)
    }
}

impl Judge<'_> {
    /// Removes warnings that were already printed for this pod's workload. Returns whether none are left.
    fn once(
        &mut self,
        part: Part,
        response: &mut AdmissionResponse,
        found: &mut Vec<policy::Finding>,
    ) -> bool {
        let Some(warnings) = &mut response.warnings else { return false };
        let key = |finding: &policy::Finding| {
            (finding.rule.clone(), finding.container.clone(), finding.message.clone())
        };
        let is_warning = |finding: &policy::Finding| finding.severity == Severity::Warning;
        // The answer's warnings are the findings' first ones, in their order.
        let said: Vec<bool> =
            found.iter().filter(|one| is_warning(one)).map(|one| self.said.contains(&key(one))).collect();
        // Where there are more than an answer holds, its last line counts the rest.
        let told = if said.len() > warnings.len() { warnings.len() - 1 } else { said.len() };
        let (told, rest) = said.split_at(told);
        let mut again = told.iter().copied().chain([rest.iter().all(|said| *said)]);
        warnings.retain(|_| !again.next().unwrap_or(false));
        let is_empty = warnings.is_empty();
        found.retain(|one| !is_warning(one) || !self.said.contains(&key(one)));
        if part == Part::Workload {
            self.said.extend(found.iter().filter(|one| is_warning(one)).map(key));
        }
        is_empty
    }
}

/// What an object is to the file that it is from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It is the object.
    Whole,
    /// It is a workload, whose pod is judged next.
    Workload,
    /// It is the pod of the workload before it.
    Pod,
}

/// The result for an object.
struct Outcome<'a> {
    part: Part,
    namespace: &'a str,
    before: &'a Value,
    after: &'a Value,
    response: &'a AdmissionResponse,
    why: Option<String>,
}

/// Shows the result for one of `number` objects. Among others, a ServiceAccount without findings gets no line.
fn show(args: &Check, out: &mut dyn Write, outcome: &Outcome, number: usize) -> Result<()> {
    let Outcome { part, namespace, before, after, response, why } = outcome;
    let is_account = manifests::kind(before) == "ServiceAccount";
    let speaks = !response.allowed || response.warnings.is_some();
    match args.output {
        None if is_account && !speaks && number > 1 => {}
        None => report::object(out, namespace, before, after, response, why.as_deref())?,
        Some(Output::Json | Output::Sarif | Output::Github | Output::Terraform) => {}
        Some(_) if !response.allowed => refused(namespace, before, response),
        Some(Output::Env) if is_account => {}
        // The workload itself; its pod as it will be stands under it, out of the way of `kubectl apply`.
        Some(Output::Yaml) if *part == Part::Pod => {
            for line in yaml::write(after).lines() {
                writeln!(out, "# {line}")?;
            }
        }
        Some(Output::Objects) if *part == Part::Pod => {}
        Some(Output::Env) if *part == Part::Workload => {}
        Some(_) => check_output::object(out, args.output, after)?,
    }
    Ok(())
}

fn refused(namespace: &str, object: &Value, response: &AdmissionResponse) {
    anstream::eprintln!(
        "{} {namespace}/{}: refused: {}",
        manifests::kind(object),
        manifests::name_of(object),
        response.message()
    );
}
