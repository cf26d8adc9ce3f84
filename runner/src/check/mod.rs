//! `azwi-policy check`.

mod cluster;
mod config;
mod files;
mod forms;

use std::{
    collections::HashSet,
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result, anyhow, bail};
use azwi_policy::host::{Answers, GetResource, Module};
use check::{
    accounts::Elsewhere,
    federated::{self, List, Said},
    finding::{Finding, Severity},
    judge::{Judged, Options, Outcome, Plan},
    policy::Examination,
    report::{self, Styles},
    yaml,
};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::Value;

use self::{
    cluster::Cluster,
    config::Config,
    files::Sources,
    forms::{Form, Output},
};
use crate::{check_settings, read_settings};

#[derive(Args)]
pub struct Check {
    /// Manifests in YAML or JSON, folders of them, or - for standard input
    #[arg(required_unless_present_any = ["kustomize", "helm"])]
    files: Vec<PathBuf>,
    /// The policy's settings, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The configuration [default: .azwi-policy.yaml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Namespace of objects that name none [default: default]
    #[arg(long, short)]
    namespace: Option<String>,
    /// The policy's module [default: policy.wasm]
    #[arg(long, value_name = "WASM")]
    policy: Option<PathBuf>,
    /// What `az identity federated-credential list -o json` printed, or `CLIENT_ID=FILE`: whether Entra will take each token; can be repeated
    #[arg(long, value_name = "[CLIENT_ID=]FILE")]
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
    /// Judge what `kubectl kustomize DIR` prints, too
    #[arg(long, value_name = "DIR")]
    kustomize: Vec<PathBuf>,
    /// Judge what `helm template CHART` prints, too
    #[arg(long, value_name = "CHART")]
    helm: Vec<PathBuf>,
    /// Leave out of folders what this glob names, as in .gitignore; can be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Name standard input in what is found
    #[arg(long, value_name = "NAME", default_value = "-")]
    stdin_name: String,
    /// Leave out what is found by this rule; can be repeated
    #[arg(long, value_name = "RULE")]
    skip: Vec<String>,
    /// What a rule counts as: off, unknown, warning or error; can be repeated
    #[arg(long, value_name = "RULE=LEVEL")]
    severity: Vec<String>,
    /// Leave out what was known when this file was written
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what is found as a baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// What makes the exit status 1 [default: refusal]
    #[arg(long)]
    fail_on: Option<FailOn>,
    /// Exit with 2 where there is nothing to judge
    #[arg(long)]
    fail_if_nothing: bool,
    /// Print this form, or write it to a file: text, yaml, objects, env, json, sarif, github, azure, gitlab, junit, terraform; can be repeated
    #[arg(long, short, value_name = "FORMAT[=FILE]")]
    output: Vec<String>,
    /// Print nothing of what is as it should be
    #[arg(long, short)]
    quiet: bool,
}

/// What makes the exit status 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Something is refused, or no federated credential fits
    Refusal,
    /// Something is warned about, too
    Warning,
    /// Something can't be told from the files, too
    Unknown,
}

/// What is asked for, with the configuration.
struct Wanted {
    settings: Value,
    module: PathBuf,
    namespace: String,
    issuer: Option<String>,
    credentials: Vec<String>,
    elsewhere: Elsewhere,
    fail_on: FailOn,
    rules: check::rules::Rules,
    excludes: Vec<String>,
}

/// Whether all was allowed.
pub fn run(args: &Check) -> Result<bool> {
    let outputs = args.output.iter().map(|text| Output::parse(text)).collect::<Result<Vec<_>>>()?;
    if outputs.iter().filter(|output| output.file.is_none()).count() > 1 {
        bail!("only one format can go to standard output: write the others to files, with -o FORMAT=FILE");
    }
    let mut is_printed = false;
    let outcome = judge(args, &outputs, &mut is_printed);
    if let Some(error) = outcome.as_ref().err().filter(|_| !is_printed) {
        // Whoever uploads the log needs one, all the more where there is nothing in it.
        for output in outputs.iter().filter(|output| output.form == Form::Sarif) {
            output.write(&forms::document(
                Form::Sarif,
                &Judged::default(),
                &[],
                Some(&format!("{error:#}")),
            )?)?;
        }
    }
    outcome
}

fn judge(args: &Check, outputs: &[Output], is_printed: &mut bool) -> Result<bool> {
    let wanted = wanted(args, config::read(args.config.as_deref())?, outputs)?;
    let sources = Sources {
        paths: &args.files,
        stdin_name: &args.stdin_name,
        excludes: &wanted.excludes,
        kustomize: &args.kustomize,
        helm: &args.helm,
    };
    let manifests = sources.read()?;
    let module = Module::from_file(&wanted.module)
        .context("build the module with `make policy.wasm`, or give another with --policy")?;
    check_settings(&module, &wanted.settings)?;
    let lists = lists(&wanted.credentials)?;
    let options = Options {
        namespace: wanted.namespace.clone(),
        issuer: wanted.issuer.clone(),
        elsewhere: wanted.elsewhere.clone(),
        give: "give its manifest, or --cluster, or --assume-service-accounts CLIENT_ID".to_owned(),
    };
    let plan = Arc::new(Plan::new(manifests, wanted.settings.clone(), options));
    let answers = ask(&module, &plan)?;
    let plan = Arc::into_inner(plan).context("a question is still open")?;
    let mut judged = plan.finish(answers);
    let compares = !lists.is_empty() || outputs.iter().any(|output| output.form == Form::Terraform);
    let mut said = Vec::new();
    if let Some(issuer) = wanted.issuer.as_ref().filter(|_| compares) {
        let (all, warnings) = federated::check_all(&judged, &lists, issuer, &wanted.namespace);
        judged.findings.extend(all.iter().filter_map(|said| said.finding.clone()).chain(warnings));
        said = all;
    }
    let known = wanted.rules.apply(&mut judged);
    if let Some(path) = &args.write_baseline {
        config::write_baseline(path, &judged)?;
    }
    print(args, outputs, &judged, &said, known)?;
    *is_printed = true;
    let counts = judged.counts();
    if counts.not_readable > 0 {
        bail!("not everything could be read");
    }
    if args.fail_if_nothing && judged.entries.is_empty() {
        bail!("there is nothing to judge");
    }
    Ok(!fails(&judged, wanted.fail_on))
}

/// The arguments, with what the configuration says where they say nothing.
fn wanted(args: &Check, config: Config, outputs: &[Output]) -> Result<Wanted> {
    let issuer = args.issuer.clone().or(config.issuer);
    let credentials = if args.federated_credentials.is_empty() {
        config.federated_credentials
    } else {
        args.federated_credentials.clone()
    };
    if issuer.is_none() && outputs.iter().any(|output| output.form == Form::Terraform) {
        bail!("-o terraform prints federated credentials: give the cluster's issuer with --issuer URL");
    }
    if issuer.is_none() && !credentials.is_empty() {
        bail!("--federated-credentials compares with the cluster's issuer: give it with --issuer URL");
    }
    // What a shell's variable brings with it.
    let issuer = issuer.map(|issuer| issuer.trim().trim_matches('"').to_owned());
    if let Some(issuer) = issuer.as_ref().filter(|issuer| !is_https(issuer)) {
        bail!(
            "--issuer is {issuer:?}, expected an https URL: az aks show --query oidcIssuerProfile.issuerUrl -o tsv prints the cluster's"
        );
    }
    if let Some(issuer) =
        issuer.as_ref().filter(|issuer| issuer.contains(".oic.prod-aks.azure.") && !issuer.ends_with('/'))
    {
        bail!("--issuer is {issuer:?}, without its last slash: AKS issuers end in /");
    }
    let assumed =
        args.assume_service_accounts.clone().or(config.assume_service_accounts.filter(|_| !args.cluster));
    if let Some(client_id) = assumed.as_ref().filter(|client_id| !is_uuid(client_id)) {
        bail!(
            "--assume-service-accounts {client_id:?} is no client ID, which is a UUID: az identity show --query clientId -o tsv prints it"
        );
    }
    let elsewhere = match assumed {
        Some(client_id) => Elsewhere::Assumed(client_id),
        None if args.cluster => Elsewhere::Cluster,
        None => Elsewhere::Nothing,
    };
    let mut severities = config.severities;
    for text in &args.severity {
        severities.extend([config::severity(text)?]);
    }
    let skip: Vec<String> = config.skip.iter().chain(&args.skip).cloned().collect();
    let baseline = args.baseline.clone().or(config.baseline);
    Ok(Wanted {
        settings: read_settings(args.settings.as_deref().or(config.settings.as_deref()))?,
        module: args.policy.clone().or(config.policy).unwrap_or_else(|| PathBuf::from("policy.wasm")),
        namespace: args.namespace.clone().or(config.namespace).unwrap_or_else(|| "default".to_owned()),
        issuer,
        credentials,
        elsewhere,
        fail_on: args.fail_on.or(config.fail_on).unwrap_or(FailOn::Refusal),
        rules: config::rules(&skip, &severities, baseline.as_deref())?,
        excludes: config.exclude.into_iter().chain(args.exclude.iter().cloned()).collect(),
    })
}

/// Whether a text can be an issuer: `https://`, and a host.
fn is_https(text: &str) -> bool {
    text.strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// The lists of federated credentials, each with the client ID that stands before its file.
fn lists(files: &[String]) -> Result<Vec<List>> {
    let read = |from: &String| {
        // A path may have the same character in it.
        let (client_id, file) = match from.split_once('=') {
            Some((client_id, file)) if is_uuid(client_id) => (Some(client_id), file),
            _ => (None, from.as_str()),
        };
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {file}"))?;
        let text = yaml::decode(&bytes).map_err(|problem| anyhow!("{file} is {problem}"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let credentials =
            federated::read(text, client_id).map_err(|problem| {
            anyhow!("{file} is not what az identity federated-credential list -o json prints, a list of issuer, subject and audiences: {problem}")
        })?;
        Ok(List { name: file.to_owned(), credentials })
    };
    files.iter().map(read).collect()
}

/// From how many questions on they are asked at once: a thread takes as long to start as a question to be answered.
const AT_ONCE_FROM: usize = 8;

/// Asks all questions, on all cores.
fn ask(module: &Module, plan: &Arc<Plan>) -> Result<Vec<Examination>> {
    let cluster = Arc::new(Cluster::default());
    let answers: Answers = {
        let (plan, cluster) = (Arc::clone(plan), Arc::clone(&cluster));
        Arc::new(move |request: &GetResource| {
            plan.look_up(request).unwrap_or_else(|| cluster.answer(request))
        })
    };
    let number = plan.len();
    let progress = ProgressBar::new(number as u64);
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Examination)>> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(payload) = plan.payload(index) else { return Ok(done) };
            done.push((index, module.ask(&payload, &answers)?));
            progress.inc(1);
        }
    };
    let threads =
        if number < AT_ONCE_FROM { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    let parts: Vec<Result<Vec<(usize, Examination)>>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|_| Err(anyhow!("a thread ended early"))));
        [own].into_iter().chain(others).collect()
    });
    progress.finish_and_clear();
    if let Some(failure) = cluster.failure() {
        bail!("the cluster can't be asked, so nothing is judged: {failure}");
    }
    let mut all: Vec<(usize, Examination)> = Vec::with_capacity(number);
    for part in parts {
        all.extend(part?);
    }
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, answer)| answer).collect())
}

/// Prints all of it: one form on standard output, others in their files, and what is for people on standard error.
fn print(args: &Check, outputs: &[Output], judged: &Judged, said: &[Said], known: usize) -> Result<()> {
    for output in outputs.iter().filter(|output| output.file.is_some()) {
        let text = if output.form == Form::Text {
            text(args, judged, said, &Styles::PLAIN)
        } else {
            forms::document(output.form, judged, said, failure(judged))?
        };
        output.write(&text)?;
    }
    let on_stdout =
        outputs.iter().find(|output| output.file.is_none()).map_or(Form::Text, |output| output.form);
    let mut lines = 0;
    match on_stdout {
        Form::Text => {
            let text = text(args, judged, said, &Styles::COLOURED);
            lines = text.lines().count();
            let mut out = anstream::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
        form @ (Form::Yaml
        | Form::Objects
        | Form::Json
        | Form::Sarif
        | Form::Github
        | Form::Azure
        | Form::Gitlab
        | Form::Junit
        | Form::Terraform
        | Form::Env) => {
            Output { form, file: None }.write(&forms::document(form, judged, said, failure(judged))?)?;
            if matches!(form, Form::Yaml | Form::Objects | Form::Env | Form::Terraform) {
                notes(judged, said);
            }
        }
    }
    others(args, judged, on_stdout);
    let counts = judged.counts();
    let is_worth_a_line = counts.objects > 2
        || known > 0
        || !judged.accepted.is_empty()
        || counts.not_readable > 0
        || (lines == 0 && on_stdout == Form::Text);
    if is_worth_a_line && !(args.quiet && judged.findings.is_empty()) {
        let check::judge::Counts {
            objects, pods, refused, warnings, unknown, passed_over, not_readable, ..
        } = counts;
        let unknown = if unknown == 0 { String::new() } else { format!(" {unknown} unknown,") };
        let known = if known == 0 { String::new() } else { format!(", {known} known before") };
        let accepted = if judged.accepted.is_empty() {
            String::new()
        } else {
            format!(", {} accepted", judged.accepted.len())
        };
        anstream::eprintln!(
            "{objects} objects, {pods} pods, {refused} refused, {warnings} warnings,{unknown} {passed_over} passed over, {not_readable} not readable{known}{accepted}"
        );
    }
    Ok(())
}

/// Why not everything could be judged.
fn failure(judged: &Judged) -> Option<&'static str> {
    (judged.counts().not_readable > 0).then_some("not everything could be read")
}

/// The report, with what Microsoft Entra will say.
fn text(args: &Check, judged: &Judged, said: &[Said], styles: &Styles) -> String {
    let mut out = String::new();
    for entry in judged.entries.iter().filter(|entry| report::speaks(judged, entry)) {
        let is_fine = entry.outcome != Outcome::Refused && entry.findings.is_empty();
        if !(args.quiet && is_fine) {
            out.push_str(&report::entry(judged, entry, styles));
        }
    }
    for said in said.iter().filter(|said| !args.quiet || said.finding.is_some()) {
        out.extend([format!("{}: {}\n", said.token.subject, said.text.replace('\n', "\n  "))]);
    }
    out
}

/// What is for people where standard output is for programs: refusals, and what Microsoft Entra will say.
fn notes(judged: &Judged, said: &[Said]) {
    for entry in judged.entries.iter().filter(|entry| entry.outcome == Outcome::Refused) {
        anstream::eprint!("{}", report::entry(judged, entry, &Styles::COLOURED));
    }
    for said in said {
        anstream::eprintln!("{}: {}", said.token.subject, said.text.replace('\n', "\n  "));
    }
}

/// What belongs to no object that was judged: headings, files, and what was passed over.
fn others(args: &Check, judged: &Judged, form: Form) {
    if !args.quiet {
        for one in &judged.passed_over {
            anstream::eprintln!("passed over: {}: {}", one.location, one.text);
        }
    }
    let shown: HashSet<usize> =
        judged.entries.iter().flat_map(|entry| entry.findings.iter().copied()).collect();
    let is_for_machines =
        !matches!(form, Form::Text | Form::Yaml | Form::Objects | Form::Env | Form::Terraform);
    let rest = judged.findings.iter().enumerate().filter(|(number, finding)| {
        !shown.contains(number)
            && (finding.rule != "federated-credential" || finding.severity != Severity::Error)
    });
    for (_, finding) in rest.filter(|_| !is_for_machines) {
        anstream::eprintln!("{}", report::finding(finding, &Styles::COLOURED));
    }
    if judged.entries.is_empty() && !args.quiet {
        anstream::eprintln!("nothing for the policy among the {} objects", judged.objects.len());
    }
}

/// Whether the exit status is 1. What the policy refuses counts for as long as an error says why.
fn fails(judged: &Judged, fail_on: FailOn) -> bool {
    let least = match fail_on {
        FailOn::Refusal => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Unknown => Severity::Unknown,
    };
    let counts = |finding: &Finding| finding.severity >= least && finding.rule != "not-readable";
    judged.findings.iter().any(counts)
}
