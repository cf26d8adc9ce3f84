//! `azwi-policy check`.

mod ask;
mod cluster;
mod config;
mod files;
mod forms;
mod print;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, anyhow, bail};
use azwi_policy::host::Module;
use check::{
    accounts::Elsewhere,
    credentials::{self, List},
    federated,
    finding::{Finding, Severity},
    judge::{Judged, Options, Plan},
    presented::{ISSUER, is_uuid},
    yaml,
};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::Value;

use self::{
    ask::ask,
    config::Config,
    files::Sources,
    forms::{Form, Output},
    print::print,
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
    /// Print this form, or write it to a file: text, yaml, objects, env, json, sarif, github, azure, gitlab, junit, terraform, manifests; can be repeated
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
    let mut judged = check::accept::finish(plan, answers);
    let prints = |form| outputs.iter().any(|output| output.form == form);
    let compares = wanted.issuer.is_some() && (!lists.is_empty() || prints(Form::Terraform));
    let mut said = Vec::new();
    if compares || prints(Form::Manifests) {
        let issuer = wanted.issuer.as_deref().unwrap_or(ISSUER);
        let (mut all, mut warnings) = federated::check_all(&judged, &lists, issuer, &wanted.namespace);
        if !compares {
            // Roles need no issuer, and nothing was asked about credentials.
            all.retain(|said| said.access.is_some());
            warnings.clear();
        }
        judged
            .findings
            .extend(all.iter().filter_map(|said| Some(said.finding.as_ref()?.0.clone())).chain(warnings));
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
            "--issuer is {issuer:?}, which is not an https URL: az aks show --query oidcIssuerProfile.issuerUrl -o tsv prints the cluster's"
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
            credentials::read(text, client_id).map_err(|problem| {
            anyhow!("{file} is not what az identity federated-credential list -o json prints, a list of issuer, subject and audiences: {problem}")
        })?;
        Ok(List { name: file.to_owned(), client_id: client_id.map(str::to_owned), credentials })
    };
    files.iter().map(read).collect()
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
