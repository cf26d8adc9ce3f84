//! Every YAML in the README and the docs is what it says it is, every command in them is a command, and those that need no
//! cluster print what stands below them. The reference pages list what the code has, and nothing else.

use crate::common::{ROOT, blocks};
use std::{collections::BTreeSet, path::Path, process::Command};

use crate::{
    common::{CLIENT_ID, file},
    kinds,
};
use azure_workload_identity_policy::{SETTINGS, Settings, names};
use serde::Deserialize;
use serde_json::{Value, json};

fn pages() -> Vec<(String, String)> {
    let root = Path::new(ROOT);
    let mut pages: Vec<String> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned).into();
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
            pages.push(format!("docs/{name}"));
        }
    }
    assert!(pages.len() > 10, "{pages:?}");
    pages.into_iter().map(|page| (page.clone(), file(&page))).collect()
}

/// The book has every page, and no other.
#[test]
fn the_books_summary_has_every_page() {
    let summary = file("docs/SUMMARY.md");
    let listed: BTreeSet<String> =
        summary.split("](").skip(1).map(|rest| format!("docs/{}", rest.split(')').next().unwrap())).collect();
    let pages = pages().into_iter().map(|(page, _)| page);
    let all: BTreeSet<String> =
        pages.filter(|page| page.starts_with("docs/") && page != "docs/SUMMARY.md").collect();
    assert_eq!(listed, all);
}

#[test]
fn each_yaml_block_is_valid_for_its_kind() {
    let mut seen = 0;
    for (page, text) in pages() {
        for block in blocks(&text, "yaml") {
            seen += 1;
            if block.starts_with("# Helm values") {
                yaml_serde::from_str::<Value>(&block)
                    .unwrap_or_else(|error| panic!("{page}: {error}\n{block}"));
                continue;
            }
            for document in yaml_serde::Deserializer::from_str(&block) {
                let value =
                    Value::deserialize(document).unwrap_or_else(|error| panic!("{page}: {error}\n{block}"));
                if value.get("apiVersion").is_some() {
                    kinds::check(&page, &value);
                } else if let Value::Array(rules) = &value {
                    for rule in rules {
                        kinds::rule(&page, rule);
                    }
                } else {
                    let settings = Settings::parse(&value.to_string());
                    assert!(settings.is_ok(), "{page}: {:?}\n{block}", settings.err());
                }
            }
        }
    }
    assert!(seen >= 8, "{seen}");
}

/// The commands of a block, each with the lines that it is said to print.
fn commands(block: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, printed))) => *printed += &[line, "\n"].concat(),
            (None, None) => panic!("a block that does not begin with a command: {block}"),
        }
    }
    commands
}

fn bash(arguments: &[&str]) -> std::process::Output {
    let root = Path::new(ROOT);
    let path = format!("{}:{}", root.join("target/host").display(), std::env::var("PATH").unwrap());
    Command::new("bash").args(arguments).env("PATH", path).current_dir(root).output().unwrap()
}

#[test]
fn each_command_works_and_prints_the_output_shown_below_it() {
    let (mut run, mut parsed) = (0, 0);
    for (page, text) in pages() {
        for (command, printed) in blocks(&text, "console").iter().flat_map(|block| commands(block)) {
            let output = bash(&["-n", "-c", &command]);
            assert!(output.status.success(), "{page}: {command}");
            parsed += 1;
            // What needs no cluster and no other file than the repository's.
            let runs =
                command.starts_with("azwi-policy check") || command.starts_with("target/host/azwi-policy");
            if runs && !command.contains("$(") {
                let output = bash(&["-c", &command]);
                assert!(output.status.success(), "{page}: {command}: {output:?}");
                if !printed.is_empty() {
                    assert_eq!(String::from_utf8(output.stdout).unwrap(), printed, "{page}: {command}");
                }
                run += 1;
            }
            if let Some(targets) = command.strip_prefix("make") {
                let targets = targets.split('#').next().unwrap();
                let output = bash(&["-c", &format!("make --question --dry-run {targets}")]);
                assert_ne!(output.status.code(), Some(2), "{page}: make {targets}: {output:?}");
            }
            for path in command
                .split_whitespace()
                .filter(|word| word.starts_with("deploy/") || word.starts_with("examples/"))
            {
                assert!(Path::new(ROOT).join(path).exists(), "{page}: {path}");
            }
        }
    }
    assert!(run >= 4 && parsed >= 30, "{run} run, {parsed} parsed");
}

/// The headings of a page, as GitHub and mdBook write them in a link.
fn headings(page: &str) -> BTreeSet<String> {
    let slug = |title: &str| -> String {
        let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    let text = file(page);
    text.lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| slug(line.trim_start_matches('#').trim()))
        .collect()
}

#[test]
fn each_link_leads_somewhere() {
    let home = "https://github.com/example/azure-workload-identity-policy/";
    let raw = "https://raw.githubusercontent.com/example/azure-workload-identity-policy/main/";
    for (page, text) in pages() {
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let path = target.strip_prefix(raw).or_else(|| {
                let path = target.strip_prefix(home)?;
                path.strip_prefix("blob/main/").or_else(|| path.strip_prefix("tree/main/"))
            });
            let local = if target.contains("://") {
                path.map(str::to_owned)
            } else if target.starts_with('#') {
                Some(format!("{page}{target}"))
            } else {
                assert!(
                    page != "README.md",
                    "README.md is shown elsewhere too, so its links are absolute: {target}"
                );
                assert!(
                    !page.starts_with("docs/") || !target.starts_with(".."),
                    "not in the book: {page}: {target}"
                );
                let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
                Some(format!("{folder}/{target}"))
            };
            if let Some(local) = local {
                let (local, heading) = local.split_once('#').unwrap_or((&local, ""));
                let local = local.trim_start_matches('/');
                assert!(Path::new(ROOT).join(local).exists(), "{page}: {target}");
                assert!(heading.is_empty() || headings(local).contains(heading), "{page}: {target}");
            }
        }
    }
}

// === References ===

/// The first cells of a table's rows, from all the tables of a page.
fn first_cells(page: &str) -> Vec<String> {
    let text = file(page);
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

/// What an object of the settings may have, as the policy itself says when it has something else.
fn known(settings: &Value) -> Vec<String> {
    let problems = Settings::parse(&settings.to_string()).unwrap_err();
    let text =
        problems.first().iter().find(|problem| problem.path.as_str().ends_with("zzz")).unwrap().text.clone();
    let (_, names) = text.split_once("(known: ").unwrap();
    names.trim_end_matches(')').split(", ").map(str::to_owned).collect()
}

#[test]
fn the_settings_page_lists_every_setting_and_no_other() {
    let mut all: BTreeSet<String> = SETTINGS.iter().map(|name| (*name).to_owned()).collect();
    for (path, settings) in [
        ("extraEnv[]", json!({"extraEnv": [{"zzz": 1}]})),
        ("identities.*", json!({"identities": {"a": {"clientId": CLIENT_ID, "zzz": 1}}})),
        ("allowedIdentities[]", json!({"allowedIdentities": [{"zzz": 1}]})),
        ("proxy", json!({"proxy": {"zzz": 1}})),
        ("customTokenEndpoint", json!({"customTokenEndpoint": {"zzz": 1}})),
        ("customTokenEndpoint.ca", json!({"customTokenEndpoint": {"ca": {"zzz": 1}}})),
        (
            "customTokenEndpoint.ca.clusterTrustBundle",
            json!({"customTokenEndpoint": {"ca": {"clusterTrustBundle": {"zzz": 1}}}}),
        ),
    ] {
        all.extend(known(&settings).into_iter().map(|name| format!("{path}.{name}")));
    }
    let listed: BTreeSet<String> = first_cells("docs/settings.md").into_iter().collect();
    assert_eq!(listed, all);
    assert_eq!(known(&json!({"zzz": 1})), SETTINGS);
}

#[test]
fn the_labels_page_lists_every_label_annotation_and_variable() {
    let listed: BTreeSet<String> = first_cells("docs/labels-and-annotations.md").into_iter().collect();
    let names = [
        names::USE_LABEL,
        names::CLIENT_ID,
        names::TENANT_ID,
        names::TOKEN_EXPIRATION,
        names::LAYOUT,
        names::IDENTITY,
        names::CONTAINER_IDENTITIES,
        names::SKIP_CONTAINERS,
        names::INJECT_PROXY_SIDECAR,
        names::PROXY_SIDECAR_PORT,
    ];
    let variables = names::IDENTITY_VARIABLES.iter().chain(&names::TOKEN_ENDPOINT_VARIABLES).copied();
    assert_eq!(listed, names.into_iter().chain(variables).map(str::to_owned).collect());
    let page = file("docs/labels-and-annotations.md");
    for name in [
        names::MIRROR_POD,
        names::RETIRED_BINDING,
        names::VOLUME_PREFIX,
        names::MOUNT_PATH,
        names::USE_ENDPOINT_PREFIX,
    ] {
        assert!(page.contains(name), "{name}");
    }
}

/// Every value of the webhook's chart has a row (azure-workload-identity v1.6.0, `charts/workload-identity-webhook/values.yaml`).
#[test]
fn the_migration_page_has_every_helm_value_of_the_webhook() {
    let values = "replicaCount image.repository image.pullPolicy image.release imagePullSecrets nodeSelector resources tolerations affinity \
        topologySpreadConstraints service.type service.port service.targetPort azureEnvironment azureTenantID logLevel metricsAddr metricsBackend \
        priorityClassName mutatingWebhookAnnotations podLabels podAnnotations mutatingWebhookNamespaceSelector podDisruptionBudget.minAvailable \
        podDisruptionBudget.maxUnavailable revisionHistoryLimit customTokenEndpoint.annotationSuffix customTokenEndpoint.audience \
        customTokenEndpoint.azureKubernetesCaData customTokenEndpoint.azureKubernetesSniName customTokenEndpoint.azureKubernetesTokenProxy \
        customTokenEndpoint.azureKubernetesCAConfigMapName customTokenEndpoint.azureKubernetesCACTBSignerName \
        customTokenEndpoint.azureKubernetesCACTBLabelSelector extraEnv extraVolumes extraVolumeMounts";
    let values: BTreeSet<String> = values.split_whitespace().map(str::to_owned).collect();
    assert_eq!(first_cells("docs/migrating.md").into_iter().collect::<BTreeSet<_>>(), values);
}

/// The counted figures of the performance page are those of the budgets.
#[test]
fn the_performance_page_has_the_budgets_figures() {
    let page = file("docs/performance.md");
    let cases = [
        "walkthrough",
        "opted-out",
        "unlabelled-service-account",
        "refusal",
        "unrelated-deployment",
        "large-pod",
    ];
    let mut names = cases.map(|case| format!("instructions/{case}")).to_vec();
    names.push("module-bytes".to_owned());
    for name in names {
        let budgets = file("benches/budgets.txt");
        let number = budgets.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap();
        let digits: Vec<&[u8]> = number.as_bytes().rchunks(3).rev().collect();
        let grouped = String::from_utf8(digits.join(&b","[..])).unwrap();
        assert!(page.contains(&grouped), "docs/performance.md: {name} is {grouped}");
    }
}
