//! Cases from the field: the smallest inputs of published bug reports, and what a person should hear of each from `azwi-policy check`.

use std::process::{Command, Output};

use crate::common::{POLICY, ROOT, RUNNER, yada_account};
use serde_json::{Value, json};

fn tried(case: &str, more: &[&str]) -> Output {
    let folder = format!("{ROOT}/tests/cases/{case}");
    let manifest = if case == "own-json-not-read" { "manifest.json" } else { "manifest.yaml" };
    let mut command = Command::new(RUNNER);
    command
        .current_dir(folder)
        .args(["check", "--policy", POLICY, "--settings", "settings.yaml", manifest])
        .args(more);
    command.output().expect("target/host/azwi-policy: build it with `make`")
}

/// What is printed, both streams, and the exit status.
fn said(case: &str) -> (String, i32) {
    let output = tried(case, &[]);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (text, output.status.code().unwrap())
}

/// Each case, the exit status, what must be heard, and what must not.
const CASES: &[(&str, i32, &[&str], &[&str])] = &[
    (
        "annotations-without-label",
        0,
        &[
            "ServiceAccount ns1/wi: allowed, untouched\n  warning: names an identity that not all of its pods get",
            "(used by Pod ns1/p)",
        ],
        &["already"],
    ),
    (
        "cronjob-jobtemplate-metadata",
        0,
        &[
            "label azure.workload.identity/use has no effect here; move it to spec.jobTemplate.spec.template.metadata",
            "annotation azure.workload.identity/skip-containers has no effect here; move it to spec.jobTemplate.spec.template.metadata",
        ],
        &["no container has that name"],
    ),
    (
        "env-refers-to-injected",
        0,
        &["container tf sets ARM_CLIENT_ID to $(AZURE_CLIENT_ID), not expanded; use the setting extraEnv"],
        &[],
    ),
    ("false-differs", 0, &["allowed, with its identity"], &["warning"]),
    (
        "kustomize-patch",
        0,
        &["passed over: ", "it looks like a patch: judge `kubectl kustomize DIR`"],
        &["Deployment d: ", "error"],
    ),
    ("merge-keys", 0, &["Pod team/web-*: allowed, with its identity"], &["warning"]),
    (
        "nearest-misleads",
        0,
        &[
            "token-expiration is unknown; did you mean service-account-token-expiration?",
            "use-identity-binding needs the setting customTokenEndpoint",
            "azure.workload.identity/foo is unknown and has no effect",
        ],
        &["did you mean client-id", "did you mean tenant-id"],
    ),
    (
        "neither-labelled",
        0,
        &[
            "ServiceAccount ns1/wi: allowed, untouched\n  warning: names an identity that not all of its pods get: neither it nor these pods have the label azure.workload.identity/use; add the label, or \"false\" where it is meant so (used by Deployment ns1/d):",
            "metadata: {labels: {azure.workload.identity/use: \"true\"}}",
        ],
        &["gets no identity", "kubectl label"],
    ),
    ("null-annotation-refused", 0, &["Pod ns1/p: allowed, with its identity"], &["refused"]),
    ("own-json-not-read", 0, &["Pod default/a: ", "Pod default/b: "], &["Error"]),
    (
        "own-token-lacks-client-id",
        0,
        &["+ env AZURE_CLIENT_ID=", "+ env AZURE_TENANT_ID="],
        &["+ mount", "+ volume"],
    ),
    (
        "refused-account-cure",
        1,
        &[
            "metadata: {annotations: {azure.workload.identity/client-id: \"6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa\"}}",
        ],
        &["kubectl annotate", "<the"],
    ),
    (
        "same-account-twice",
        0,
        &[
            "warning: manifest.yaml:9:1: ServiceAccount ns1/wi: is there twice with different content, and the last one counts: the other is at manifest.yaml:1:1",
        ],
        &[],
    ),
    ("skip-separators", 0, &["no container has that name (separate them with ;)"], &[]),
    ("two-cures-contradict", 0, &["container keep: nothing added"], &[]),
    (
        "unknown-kinds-silent",
        0,
        &[
            "Rollout roll: a kind that the policy does not judge; its pods, by spec.template:",
            "Service kn: a kind",
            "ScaledJob sj: a kind that the policy does not judge; its pods, by spec.jobTargetRef.template:",
            "Task t is not judged",
            "Workflow",
            "SparkApplication sp: a kind that the policy does not judge; its pods, by spec.driver:",
            "PodTemplate pt: a kind",
            "8 objects, 6 pods, 0 refused, ",
        ],
        &[],
    ),
    ("unlabelled-account-no-tenant", 0, &["ServiceAccount ns1/wi: allowed"], &["refused"]),
    (
        "unquoted-true",
        1,
        &[
            "ServiceAccount team/app: refused\n  error: label azure.workload.identity/use is true without quotes",
            "metadata: {labels: {\"azure.workload.identity/use\": \"true\"}}",
            "service-account-token-expiration is 7200 without quotes",
            "Pod team/p: refused\n  ServiceAccount team/app (manifest.yaml:3:49): see there",
        ],
        &["kubectl explain"],
    ),
    ("yaml11-scalars", 0, &["Pod team/p: allowed, with its identity"], &["refused"]),
];

#[test]
fn prints_for_each_case_the_message_that_a_user_needs() {
    for (case, status, heard, not_heard) in CASES {
        let (text, found) = said(case);
        assert_eq!(found, *status, "{case}: {text}");
        for part in *heard {
            assert!(text.contains(part), "{case} lacks {part:?}: {text}");
        }
        for part in *not_heard {
            assert!(!text.contains(part), "{case} has {part:?}: {text}");
        }
    }
    let folders = std::fs::read_dir(format!("{ROOT}/tests/cases")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_tried =
        |folder: &String| CASES.iter().any(|(case, ..)| case == folder) || crate::engine::has_case(folder);
    let others: Vec<String> = folders.filter(|folder| !is_tried(folder)).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn prints_yaml_that_is_read_back_as_the_same() {
    let output = tried("yaml11-scalars", &["-o", "yaml"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("defaultMode: 256")
            && text.contains("value: \"yes\"")
            && text.contains("hostNetwork: false"),
        "{text}"
    );
}

#[test]
fn prints_each_finding_for_machines_with_a_rule_that_the_page_explains() {
    let page = crate::common::file("docs/troubleshooting.md") + &crate::common::file("docs/check.md");
    let (mut findings, mut annotations) = (0, 0);
    let speaking = [
        "nearest-misleads",
        "refused-account-cure",
        "same-account-twice",
        "unquoted-true",
        "neither-labelled",
    ];
    for (case, status, ..) in CASES.iter().filter(|(case, ..)| speaking.contains(case)) {
        let output = tried(case, &["-o", "json"]);
        assert_eq!(output.status.code(), Some(*status), "{case}");
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (end, lines) = lines.split_last().unwrap();
        let end: Value = serde_json::from_str(end).unwrap();
        assert!(end["summary"]["objects"].as_u64().unwrap() > 0 && end["passedOver"].is_array(), "{end}");
        for line in lines {
            let finding: Value = serde_json::from_str(line).unwrap();
            findings += 1;
            assert!(
                finding["line"].as_u64().unwrap() > 0 && finding["column"].as_u64().unwrap() > 0,
                "{line}"
            );
            let rule = finding["rule"].as_str().unwrap();
            assert!(page.contains(&format!("| `{rule}` |")), "{line}");
            assert!(finding["file"].as_str().unwrap().starts_with("manifest."), "{line}");
            assert!(["error", "warning"].contains(&finding["severity"].as_str().unwrap()), "{line}");
        }
        let output = String::from_utf8(tried(case, &["-o", "github"]).stdout).unwrap();
        assert!(
            output
                .lines()
                .all(|line| line.starts_with("::error file=") || line.starts_with("::warning file="))
        );
        annotations += output.lines().count();
    }
    assert!(findings > 6 && annotations == findings, "{findings} {annotations}");
    let sarif: Value = serde_json::from_slice(&tried("unquoted-true", &["-o", "sarif"]).stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let rules: Vec<&str> = results.iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    assert_eq!(rules, ["unquoted", "unquoted"]);
    assert_eq!((&sarif["version"], &results[0]["level"]), (&json!("2.1.0"), &json!("error")));
}

#[test]
fn fails_on_warnings_and_assumes_accounts_where_it_is_asked_to() {
    let status = |case: &str, more: &[&str]| tried(case, more).status.code();
    assert_eq!(status("neither-labelled", &[]), Some(0));
    assert_eq!(status("neither-labelled", &["--fail-on", "warning"]), Some(1));
    assert_eq!(status("merge-keys", &["--fail-on", "warning"]), Some(0));
    let assumed = ["--assume-service-accounts", "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa"];
    let output = tried("kustomize-patch", &assumed);
    assert!(output.status.success());
    let folder = &format!("{ROOT}/tests/cases/neither-labelled");
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {serviceAccountName: elsewhere, containers: [{name: a, image: x}]}\n";
    let file = std::env::temp_dir().join(format!("assumed-{}.yaml", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let said = |more: &[&str]| {
        let mut command = Command::new(RUNNER);
        command
            .current_dir(folder)
            .args(["check", "--policy", POLICY, "--settings", "settings.yaml"])
            .arg(&file)
            .args(more);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(
        said(&[]).contains("ServiceAccount default/elsewhere, whose label would decide, was not given"),
        "{}",
        said(&[])
    );
    assert!(said(&assumed).contains("Pod default/p: allowed, with its identity"), "{}", said(&assumed));
    std::fs::remove_file(&file).unwrap();
}

/// Where a ServiceAccount was looked for, by `--cluster` too: a kubectl that knows one account stands in for the cluster.
#[test]
fn says_where_a_service_account_was_looked_for() {
    let folder = std::env::temp_dir().join(format!("look-up-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name);
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: team}\n---\n";
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{azure.workload.identity/use: 'true'}}}}\nspec: {{serviceAccountName: {name}, containers: [{{name: a, image: x}}]}}\n"
        )
    };
    std::fs::write(path("a.yaml"), format!("{account}{}", pod("web"))).unwrap();
    std::fs::write(path("known.yaml"), pod("known")).unwrap();
    std::fs::write(path("denied.yaml"), pod("denied")).unwrap();
    let kubectl = "#!/bin/sh\ncase \"$*\" in\n\
        *--namespace=default*known) echo '{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"known\",\"namespace\":\"default\",\"annotations\":{\"azure.workload.identity/client-id\":\"6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa\",\"azure.workload.identity/tenant-id\":\"2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1\"}}}' ;;\n\
        *denied) echo 'error: You must be logged in to the server (Unauthorized)' >&2; exit 1 ;;\n\
        *) echo 'Error from server (NotFound): serviceaccounts not found' >&2; exit 1 ;;\nesac\n";
    std::fs::write(path("kubectl"), kubectl).unwrap();
    std::fs::set_permissions(path("kubectl"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let said = |file: &str, more: &[&str]| {
        let mut command = Command::new(RUNNER);
        command.args(["check", "--policy", POLICY]).arg(path(file)).args(more);
        command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let files = said("a.yaml", &[]);
    let other =
        "ServiceAccount default/web is not among the files; there is one of that name in namespace team";
    assert!(files.contains(other), "{files}");
    let cluster = said("a.yaml", &["--cluster"]);
    assert!(
        cluster.contains(
            "ServiceAccount default/web is neither among the files nor in the cluster; there is one of that name in namespace team"
        ),
        "{cluster}"
    );
    let known = said("known.yaml", &["--cluster"]);
    assert!(known.contains("Pod default/known: allowed, with its identity"), "{known}");
    // A cluster that can't be asked is a mistake of the call: nothing is said of the pod.
    let mut denied = Command::new(RUNNER);
    denied.args(["check", "--policy", POLICY, "--cluster"]).arg(path("denied.yaml"));
    let denied = denied.env("PATH", format!("{}:/usr/bin:/bin", folder.display())).output().unwrap();
    let words = "Error: the cluster can't be asked, so nothing is judged: kubectl: error: You must be logged in to the server (Unauthorized)\n";
    assert_eq!(
        (denied.status.code(), String::from_utf8(denied.stderr).unwrap(), denied.stdout),
        (Some(2), words.to_owned(), Vec::new())
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What a pipeline does: `| head`, a full disk, folders that lead to themselves, files that are none.
#[test]
fn never_hangs_panics_or_ends_early() {
    let folder = std::env::temp_dir().join(format!("azwi-policy-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name);
    std::fs::write(
        path("a.yaml"),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n",
    )
    .unwrap();
    std::fs::write(
        path("b.yaml"),
        "a: [\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {containers: []}\n",
    )
    .unwrap();
    std::fs::write(path("t.yaml"), "a: {{ .Values.x }}\n").unwrap();
    std::fs::write(path(".hidden.yaml"), "a: [").unwrap();
    std::os::unix::fs::symlink(".", path("loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", path("link.yaml")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe.yaml")).status().unwrap().success());
    let output = Command::new(RUNNER).args(["check", "--policy", POLICY]).arg(&folder).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(
        (stdout.matches("Pod default/a").count(), stdout.matches("Pod default/b").count()),
        (1, 1),
        "{stdout}"
    );
    for part in [
        "pipe.yaml: not a regular file",
        "link.yaml: leads nowhere",
        "b.yaml:2:1: ",
        "render it first, with helm template",
        "2 objects, 2 pods, 0 refused, 0 warnings, 2 passed over, 2 not readable",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert!(!stderr.contains("hidden"), "{stderr}");
    let script = format!(
        "cd tests/cases/neither-labelled; '{RUNNER}' check --policy '{POLICY}' manifest.yaml | true; echo ${{PIPESTATUS[0]}}"
    );
    let closed = Command::new("bash").args(["-c", &script]).current_dir(ROOT).output().unwrap();
    assert_eq!((closed.stdout, String::from_utf8(closed.stderr).unwrap()), (b"0\n".to_vec(), String::new()));
}

/// Settings are read as kubectl reads the policy's manifest that they go into.
#[test]
fn reads_settings_as_kubectl_does() {
    let file = std::env::temp_dir().join(format!("settings-{}.yaml", std::process::id()));
    let said = |settings: &str| {
        std::fs::write(&file, settings).unwrap();
        let folder = &format!("{ROOT}/examples/walkthrough");
        let mut command = Command::new(RUNNER);
        command.current_dir(folder).args(["check", "--policy", POLICY, "pod.yaml", "--settings"]).arg(&file);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(said("preflight: Off\ntokenExpirationSeconds: 7_200\n").0, Some(0));
    assert_eq!(said("").0, Some(0));
    let (status, text) = said("preflight: On\n");
    assert!(
        status == Some(2) && text.contains("preflight is true; set it to Off, Warn or Enforce"),
        "{text}"
    );
    let (status, text) = said("trigger: Any\ncloud: [\n");
    assert!(status == Some(2) && text.contains("are no YAML or JSON: line "), "{text}");
    let (status, text) = said("trigger: Any\n---\ntrigger: Pod\n");
    assert!(status == Some(2) && text.contains("are more than one document"), "{text}");
    std::fs::remove_file(&file).unwrap();
}

/// Each variable of a container was compared with each: 16,000 took 19 seconds.
#[test]
fn reports_a_container_of_many_variables_in_a_moment() {
    let env: Vec<Value> =
        (0..16_000).map(|number| json!({"name": format!("V{number}"), "value": "x"})).collect();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"},
        "spec": {"serviceAccountName": "myserviceaccount", "containers": [{"name": "a", "env": env}]}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [yada_account(), pod]});
    let file = std::env::temp_dir().join(format!("many-{}.json", std::process::id()));
    std::fs::write(&file, list.to_string()).unwrap();
    let start = std::time::Instant::now();
    let output = Command::new(RUNNER)
        .current_dir(format!("{ROOT}/examples/walkthrough"))
        .args(["check", "--policy", POLICY, "--settings", "settings.yaml"])
        .arg(&file)
        .output()
        .unwrap();
    let taken = start.elapsed();
    std::fs::remove_file(&file).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("Pod default/p: allowed, with its identity") && text.contains("+ env AZURE_CLIENT_ID=")
    );
    assert!(taken < std::time::Duration::from_secs(8), "{taken:?}");
}
