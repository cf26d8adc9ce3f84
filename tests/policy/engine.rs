//! What `check` reads, which kinds it knows, where it says that something stands, and in which forms: the cases from the field that are
//! about these, each with what should be heard.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::common::{POLICY, ROOT, RUNNER};

fn tried(case: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(RUNNER);
    command
        .current_dir(format!("{ROOT}/tests/cases/{case}"))
        .args(["check", "--policy", POLICY, "--settings", "settings.yaml"])
        .args(arguments);
    command.output().expect("target/host/azwi-policy: build it with `make`")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// A case: its folder, the arguments, the exit status, what must be heard on either stream, and what must not.
type Case<'c> = (&'c str, &'c [&'c str], i32, &'c [&'c str], &'c [&'c str]);

const CASES: &[Case] = &[
    // Reading.
    (
        "yaml-flow-closing-bracket",
        &["in.yaml"],
        0,
        &["Pod team/shop-*: allowed, with its identity"],
        &["error"],
    ),
    (
        "yaml-three-dots-in-scalar",
        &["in.yaml"],
        0,
        &["ServiceAccount team/app: allowed"],
        &["error", "not readable\nError"],
    ),
    (
        "known-line-not-in-its-field",
        &["-o", "github", "."],
        2,
        &[
            "::error file=broken.yaml,line=6,col=1,title=not-readable::",
            "::warning file=twice.yaml,line=5,col=3,title=doubtful::name is there twice",
        ],
        &["::line"],
    ),
    // Kinds.
    (
        "service-account-of-another-group",
        &["in.yaml"],
        0,
        &["Pod team/web-*: allowed, with its identity"],
        &["there twice", "warning:"],
    ),
    ("kyverno-pattern-is-no-pod", &["in.yaml"], 0, &["2 objects, 0 pods"], &["refused\n", "Pod "]),
    ("pattern-is-no-pod", &["all.yaml"], 0, &["nothing for the policy"], &["Pod "]),
    (
        "embedded-object-keeps-its-namespace",
        &["in.yaml"],
        0,
        &["Deployment team/web: allowed", "Pod team/web-*: allowed, with its identity", "2 pods, 0 refused"],
        &["cluster-one/", "default/"],
    ),
    (
        "misplaced-label-on-a-rollout",
        &["in.yaml"],
        0,
        &[
            "Rollout team/web:\n",
            "label azure.workload.identity/use has no effect here; move it to spec.template.metadata",
            "annotation azure.workload.identity/skip-containers has no effect here; move it to spec.template.metadata",
            "label azure.workload.identity/use has no effect here; move it to spec.jobTargetRef.template.metadata",
        ],
        &[],
    ),
    (
        "account-template-of-an-operator",
        &["in.yaml"],
        1,
        &[
            "annotation azure.workload.identity/client-id is \"nonsense\", which is not a UUID",
            "correct it there",
            "at in.yaml:7:",
        ],
        &["kubectl annotate", "is not judged"],
    ),
    (
        "account-template-in-a-custom-resource",
        &["all.yaml"],
        1,
        &[
            "\"not-a-uuid\", which is not a UUID",
            "annotation azure.workload.identity/client_id is unknown",
            "did you mean client-id?",
        ],
        &["is not judged"],
    ),
    (
        "values-of-a-release",
        &["in.yaml"],
        0,
        &[
            "label azure.workload.identity/use is true without quotes",
            "annotation azure.workload.identity/client_id is unknown; did you mean client-id?",
            "in.yaml:8:",
        ],
        &["move it"],
    ),
    (
        "passed-over-what-has-no-pods",
        &["in.yaml"],
        0,
        &["judge `kubectl kustomize DIR`", "judge `flux build kustomization`"],
        &["its pods are", "HorizontalPodAutoscaler", "NetworkPolicy", "PersistentVolume", "ClusterIssuer"],
    ),
    (
        "unexpanded-namespace",
        &["in.yaml"],
        0,
        &["warning: in.yaml:3:23: ", "metadata.namespace is \"${NAMESPACE}\""],
        &[],
    ),
    (
        "unexpanded-namespace",
        &["in.yaml", "-o", "terraform", "--issuer", "https://issuer.example/"],
        0,
        &[],
        &["resource"],
    ),
    // Folders.
    (
        "chart-beside-manifests",
        &["."],
        0,
        &["passed over: chart/: chart shop: judge `helm template chart`"],
        &["error", "Chart.yaml", "values.yaml"],
    ),
    (
        "kustomization-judged-unbuilt",
        &["."],
        0,
        &["a kustomization: judge `kubectl kustomize ."],
        &["warning:", "Deployment"],
    ),
    // Places.
    (
        "finding-where-it-is",
        &["-o", "github", "."],
        0,
        &[
            "::warning file=account.yaml,line=4,",
            "used by Deployment team/api, Deployment team/web, Deployment team/work",
        ],
        &["file=api.yaml", "file=web.yaml", "file=work.yaml"],
    ),
    (
        "one-cause-is-said-once",
        &["-o", "github", "in.yaml"],
        0,
        &[
            "::warning file=in.yaml,line=3,",
            "used by Deployment team/agent, Deployment team/api, Deployment team/gateway, Deployment team/jobs and 3 more",
            "metadata: {labels: ",
        ],
        &["kubectl label"],
    ),
    (
        "missing-account-for-machines",
        &["-o", "json", "in.yaml"],
        1,
        &[
            "\"object\":\"Deployment team/web\"",
            "its ServiceAccount team/app is not among the files",
            "\"line\":8",
        ],
        &["kubectl create", "Pod team/web", "can't be read"],
    ),
    (
        "credential-finding-where-the-account-is",
        &[
            "in.yaml",
            "--issuer",
            "https://westeurope.oic.prod-aks.azure.com/2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1/7c3e8fad-e5f6-4584-9195-c37082c9e4db/",
            "--federated-credentials",
            "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa=none.json",
            "--federated-credentials",
            "none.json",
            "-o",
            "github",
        ],
        1,
        &["::error file=in.yaml,line=1,"],
        &["file=6f3c2b58", "file=none.json%2C"],
    ),
    // Outputs and calls.
    (
        "finding-without-its-manifest",
        &[
            "--federated-credentials",
            "credentials.json",
            "--issuer",
            "https://westeurope.oic.prod-aks.azure.com/2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1/7c3e8fad-e5f6-4584-9195-c37082c9e4db/",
            "-o",
            "github",
            "all.yaml",
        ],
        1,
        &["::error file=all.yaml,line="],
        &["file=credentials.json"],
    ),
    (
        "sarif-always-a-document",
        &["values.yaml", "-o", "sarif"],
        0,
        &["\"executionSuccessful\": true", "\"results\": []"],
        &[],
    ),
    (
        "sarif-always-a-document",
        &["values.yaml", "--fail-if-nothing"],
        2,
        &["there is nothing to judge"],
        &[],
    ),
    (
        "yaml-output-keeps-every-object",
        &["in.yaml", "-o", "yaml"],
        0,
        &["kind: Rollout", "replicas: 3", "# kind: Pod"],
        &["\nkind: Pod"],
    ),
    (
        "issuer-empty",
        &["in.yaml", "--federated-credentials", "list.json", "--issuer", ""],
        2,
        &["--issuer is \"\", expected an https URL"],
        &["AADSTS"],
    ),
    (
        "issuer-not-checked",
        &[
            "all.yaml",
            "--federated-credentials",
            "credentials.json",
            "--issuer",
            "https://westeurope.oic.prod-aks.azure.com/a/b",
        ],
        2,
        &["AKS issuers end in /"],
        &["AADSTS"],
    ),
    (
        "cluster-not-reached",
        &["in.yaml", "--assume-service-accounts", "nonsense"],
        2,
        &["is no client ID, which is a UUID"],
        &["Pod"],
    ),
    (
        "terraform-says-what-is-refused",
        &["in.yaml", "--issuer", "https://issuer.example/", "-o", "terraform"],
        1,
        &["refused"],
        &[],
    ),
    ("review-says-nothing-for-the-policy", &["create.json"], 1, &["refused"], &["nothing for the policy"]),
    (
        "review-says-nothing-for-the-policy",
        &["update.json"],
        0,
        &["an UPDATE never changes a pod: it gets its identity when it is created"],
        &["nothing for the policy", "has the label"],
    ),
    (
        "no-way-to-accept-a-warning",
        &["in.yaml", "--fail-on", "warning"],
        1,
        &["or \"false\" where it is meant so"],
        &[],
    ),
    (
        "no-way-to-accept-a-warning",
        &["in.yaml", "--fail-on", "warning", "--skip", "no-label"],
        0,
        &[],
        &["names an identity"],
    ),
    (
        "no-way-to-accept-a-warning",
        &["in.yaml", "--fail-on", "warning", "--severity", "no-label=unknown"],
        0,
        &["unknown: names an identity"],
        &[],
    ),
    (
        "no-way-to-accept-a-warning",
        &["in.yaml", "--skip", "no-labels"],
        2,
        &["there is no rule \"no-labels\", did you mean no-label?"],
        &[],
    ),
];

/// Whether there is a case of this folder.
pub(crate) fn has_case(folder: &str) -> bool {
    CASES.iter().any(|(case, ..)| *case == folder)
}

#[test]
fn hears_for_each_case_what_should_be_heard() {
    let mut wrong = Vec::new();
    for (case, arguments, status, heard, not_heard) in CASES {
        let output = tried(case, arguments);
        let all = text(output.stdout) + &text(output.stderr);
        let missing: Vec<_> = heard.iter().filter(|words| !all.contains(**words)).collect();
        let there: Vec<_> = not_heard.iter().filter(|words| all.contains(**words)).collect();
        if output.status.code() != Some(*status) || !missing.is_empty() || !there.is_empty() {
            wrong.push(format!(
                "{case} {arguments:?}: {:?}, lacks {missing:?}, has {there:?}:\n{all}",
                output.status.code()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Manifests in a folder of their own, and the configuration beside them.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("azwi-{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn check(&self, arguments: &[&str]) -> (String, String, i32) {
        let output = Command::new(RUNNER)
            .current_dir(&self.0)
            .args(["check", "--policy", POLICY])
            .args(arguments)
            .output()
            .unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const SETTINGS: &str = "tenantId: 2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1\n";

fn account(name: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n  namespace: team\n{more}  annotations:\n    azure.workload.identity/client-id: 6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa\n"
    )
}

const LABEL: &str = "  labels: {azure.workload.identity/use: \"true\"}\n";

fn deployment(account: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: team}}\nspec:\n  template:\n    spec: {{{account}containers: [{{name: web, image: x}}]}}\n"
    )
}

/// What is not known is not "no".
#[test]
fn says_that_it_can_not_tell_where_it_can_not() {
    let labelled = account("web", LABEL);
    let files = [
        ("settings.yaml", SETTINGS),
        ("wrong-name.yaml", &deployment("serviceAccountName: wbe, ")),
        ("none.yaml", &deployment("")),
        (
            "elsewhere.yaml",
            &deployment("serviceAccountName: web, ").replace("namespace: team", "namespace: other"),
        ),
        (
            "misplaced.yaml",
            &deployment("").replace("spec:\n  template:", "spec:\n  serviceAccountName: web\n  template:"),
        ),
        ("account.yaml", labelled.as_str()),
    ];
    let folder = Folder::new("tell", &files);
    for (arguments, words) in [
        (
            &["wrong-name.yaml", "account.yaml"][..],
            "can't tell: the pod has no label, and ServiceAccount team/wbe, whose label would decide, was not given; did you mean team/web?",
        ),
        (
            &["elsewhere.yaml", "account.yaml"],
            "ServiceAccount other/web, whose label would decide, was not given; there is one of that name in namespace team",
        ),
        (
            &["none.yaml", "account.yaml"],
            "can't tell: the pod names no ServiceAccount, so it has team/default, while no pod uses team/web, which has the label",
        ),
        (
            &["wrong-name.yaml"],
            "whose label would decide, was not given; give its manifest, or --cluster, or --assume-service-accounts CLIENT_ID",
        ),
        (
            &["misplaced.yaml", "account.yaml"],
            "spec.serviceAccountName has no effect here: no pod reads it; move it to spec.template.spec",
        ),
    ] {
        let arguments: Vec<&str> =
            ["--settings", "settings.yaml"].into_iter().chain(arguments.iter().copied()).collect();
        let (out, err, status) = folder.check(&arguments);
        assert!(format!("{out}{err}").contains(words) && status == 0, "{arguments:?} {status}: {out}{err}");
        let (.., status) = folder.check(&[&arguments[..], &["--fail-on", "unknown"]].concat());
        assert_eq!(status, 1, "{arguments:?}");
    }
    let (out, err, status) = folder.check(&["--settings", "settings.yaml", "account.yaml", "account.yaml"]);
    assert_eq!((out.as_str(), status), ("", 0));
    assert!(
        err.ends_with("2 objects, 0 pods, 0 refused, 0 warnings, 0 passed over, 0 not readable\n"),
        "{err}"
    );
}

/// A name that is no text in YAML is told, and counts as what was written.
#[test]
fn tells_a_namespace_without_quotes() {
    for name in ["no", "n", "123", "0400"] {
        let account = account("web", LABEL).replace("team", name);
        let folder = Folder::new(
            "unquoted",
            &[
                ("settings.yaml", SETTINGS),
                (
                    "a.yaml",
                    &format!(
                        "{account}---\n{}",
                        deployment("serviceAccountName: web, ").replace("team", name)
                    ),
                ),
            ],
        );
        let (out, err, status) = folder.check(&["--settings", "settings.yaml", "a.yaml"]);
        assert_eq!(status, 1, "{out}{err}");
        assert!(
            err.contains(&format!(
                "error: a.yaml:5:3: ServiceAccount {name}/web: metadata.namespace is {name} without quotes"
            )),
            "{err}"
        );
        assert!(out.contains(&format!("Pod {name}/web-*: allowed, with its identity")), "{out}");
    }
}

#[test]
fn keeps_the_manners_of_a_linter() {
    let bare = account("web", "");
    let accepted = bare.replace(
        "  annotations:\n",
        "  annotations:\n    accept.azwi-policy/no-label: \"a hook's account, copied by the chart\"\n",
    );
    let files = [
        ("settings.yaml", SETTINGS),
        ("a/account.yaml", bare.as_str()),
        ("a/web.yaml", &deployment("serviceAccountName: web, ")),
        ("vendor/broken.yaml", "a: ["),
        ("built/broken.yaml", "a: ["),
        (".gitignore", "built/\n"),
    ];
    let folder = Folder::new("manners", &files);
    let (_, err, status) = folder.check(&["--settings", "settings.yaml", "."]);
    assert!(status == 2 && err.contains("vendor/broken.yaml:1:5") && !err.contains("built"), "{err}");
    let (out, err, status) =
        folder.check(&["--settings", "settings.yaml", "--exclude", "vendor", "--fail-on", "warning", "."]);
    assert!(status == 1 && !err.contains("vendor") && out.contains("names an identity"), "{out}{err}");
    // The configuration says the same.
    std::fs::write(
        folder.0.join(".azwi-policy.yaml"),
        "settings: settings.yaml\nexclude: [vendor]\nfailOn: warning\n",
    )
    .unwrap();
    let (out, _, status) = folder.check(&["."]);
    assert!(status == 1 && out.contains("names an identity"), "{out}");
    // A baseline holds what was known, and a line above moves nothing out of it.
    let (.., status) = folder.check(&["--write-baseline", "known.json", "."]);
    assert_eq!(status, 1);
    std::fs::write(folder.0.join("a/account.yaml"), format!("# moved\n{bare}")).unwrap();
    let (out, err, status) = folder.check(&["--baseline", "known.json", "."]);
    assert!(
        status == 0 && err.contains("1 known before") && !out.contains("names an identity"),
        "{out}{err}"
    );
    // An annotation accepts it, with a reason.
    std::fs::write(folder.0.join("a/account.yaml"), &accepted).unwrap();
    let (out, err, status) = folder.check(&["."]);
    assert!(status == 0 && err.contains("1 accepted") && !out.contains("names an identity"), "{out}{err}");
    std::fs::write(
        folder.0.join("a/account.yaml"),
        accepted.replace("a hook's account, copied by the chart", ""),
    )
    .unwrap();
    let (_, err, status) = folder.check(&["."]);
    assert!(
        status == 1 && err.contains("accept.azwi-policy/no-label gives no reason, and accepts nothing"),
        "{err}"
    );
    // What the configuration does not have is told with its line.
    std::fs::write(folder.0.join(".azwi-policy.yaml"), "settings: settings.yaml\nexcludes: [vendor]\n")
        .unwrap();
    let (_, err, status) = folder.check(&["."]);
    assert!(
        status == 2 && err.contains(".azwi-policy.yaml:2: unknown field `excludes`, expected one of"),
        "{err}"
    );
}

/// Every form at once, each in its file, and each of them what its reader expects.
#[test]
fn writes_each_form_for_its_reader() {
    let text = format!(
        "# Source: shop/templates/account.yaml\n{}---\n{}",
        account("web", ""),
        deployment("serviceAccountName: web, ")
    );
    let folder = Folder::new("forms", &[("settings.yaml", SETTINGS), ("a b#.yaml", &text)]);
    let forms = ["json", "sarif", "github", "azure", "gitlab", "junit", "yaml"];
    let outputs: Vec<String> =
        forms.iter().flat_map(|form| ["-o".to_owned(), format!("{form}={form}.out")]).collect();
    let mut arguments = vec!["--settings", "settings.yaml", "a b#.yaml"];
    arguments.extend(outputs.iter().map(String::as_str));
    let (out, _, status) = folder.check(&arguments);
    assert!(status == 0 && out.contains("at a b#.yaml:4:1 (shop/templates/account.yaml)"), "{out}");
    let lines = folder.read("json.out");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["file"], &first["source"], &first["line"], &first["rule"], &first["related"][0]["object"]),
        (
            &json!("a b#.yaml"),
            &json!("shop/templates/account.yaml"),
            &json!(4),
            &json!("no-label"),
            &json!("Deployment team/web")
        )
    );
    let log: Value = serde_json::from_str(&folder.read("sarif.out")).unwrap();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&json!("a%20b%23.yaml"), &json!(4))
    );
    assert_eq!(result["relatedLocations"][0]["message"]["text"], "Deployment team/web");
    assert!(result["partialFingerprints"]["azwiPolicy/v1"].as_str().unwrap().len() == 32);
    let rule = &run["tool"]["driver"]["rules"][0];
    assert!(
        rule["id"] == "no-label"
            && !rule["shortDescription"]["text"].as_str().unwrap().is_empty()
            && rule["helpUri"].as_str().unwrap().ends_with("troubleshooting.md"),
        "{rule}"
    );
    assert!(
        folder
            .read("github.out")
            .starts_with("::warning file=a b#.yaml,line=4,col=1,title=no-label::ServiceAccount team/web: ")
    );
    assert!(folder.read("azure.out").starts_with(
        "##vso[task.logissue type=warning;sourcepath=a b#.yaml;linenumber=4;columnnumber=1;code=no-label]"
    ));
    let issues: Value = serde_json::from_str(&folder.read("gitlab.out")).unwrap();
    assert_eq!(
        (&issues[0]["location"]["lines"]["begin"], &issues[0]["severity"]),
        (&json!(4), &json!("minor"))
    );
    assert!(
        folder
            .read("junit.out")
            .contains("<testcase classname=\"a b#.yaml\" name=\"ServiceAccount team/web\">")
    );
    assert!(folder.read("yaml.out").contains("kind: ServiceAccount"));
}

/// A ServiceAccount that is wrong is one finding, whatever number of pods it hits.
#[test]
fn says_what_is_wrong_with_an_account_once() {
    let pods: String = (0..3)
        .flat_map(|index| {
            [
                "---\n".to_owned(),
                deployment("serviceAccountName: web, ")
                    .replace("name: web, n", &format!("name: web-{index}, n")),
            ]
        })
        .collect();
    for (account, rule) in [
        (
            account("web", LABEL).replace("6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa", "nonsense"),
            "client-id-malformed",
        ),
        (account("web", ""), "no-label"),
        (account("other", LABEL), "account-not-given"),
    ] {
        let folder =
            Folder::new(rule, &[("settings.yaml", SETTINGS), ("a.yaml", &format!("{account}{pods}"))]);
        let (out, ..) = folder.check(&["--settings", "settings.yaml", "a.yaml", "-o", "json"]);
        let findings: Vec<Value> = out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|line: &Value| line.get("rule").is_some())
            .collect();
        let rules: Vec<&str> = findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
        assert_eq!(rules, [rule], "{out}");
        let others = if rule == "account-not-given" { 2 } else { 3 };
        assert_eq!(findings[0]["related"].as_array().map(Vec::len), Some(others), "{out}");
    }
}

/// Kinds that say what runs in their pods at paths of their own.
#[test]
fn judges_kinds_by_their_own_paths() {
    let wrong = "env: [{name: AZURE_CLIENT_SECRET, value: x}]";
    for (api, kind, spec, path) in [
        (
            "argoproj.io/v1alpha1",
            "CronWorkflow",
            format!(
                "{{workflowSpec: {{serviceAccountName: web, templates: [{{name: a, container: {{image: x, {wrong}}}}}]}}}}"
            ),
            "spec.workflowSpec.templates[0].container.env[0]",
        ),
        (
            "tekton.dev/v1",
            "TaskRun",
            format!("{{serviceAccountName: web, taskSpec: {{steps: [{{name: a, image: x, {wrong}}}]}}}}"),
            "spec.taskSpec.steps[0].env[0]",
        ),
        (
            "sparkoperator.k8s.io/v1beta2",
            "SparkApplication",
            format!("{{driver: {{serviceAccount: web, {wrong}}}}}"),
            "spec.driver.env[0]",
        ),
        (
            "serving.kserve.io/v1beta1",
            "InferenceService",
            format!("{{predictor: {{serviceAccountName: web, model: {{{wrong}}}}}}}"),
            "spec.predictor.model.env[0]",
        ),
        (
            "actions.github.com/v1alpha1",
            "AutoscalingRunnerSet",
            format!(
                "{{template: {{spec: {{serviceAccountName: web, containers: [{{name: runner, image: x, {wrong}}}]}}}}}}"
            ),
            "spec.template.spec.containers[0].env[0]",
        ),
    ] {
        let text = format!(
            "{}---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: run, namespace: team}}\nspec: {spec}\n",
            account("web", LABEL)
        );
        let folder = Folder::new("kinds", &[("settings.yaml", SETTINGS), ("a.yaml", &text)]);
        let (out, err, _) = folder.check(&["--settings", "settings.yaml", "a.yaml", "-o", "json"]);
        let finding: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&finding["rule"], &finding["object"]),
            (&json!("credential-wins"), &json!(format!("{kind} team/run"))),
            "{out}{err}"
        );
        assert!(finding["path"].as_str().unwrap().starts_with(path) && finding["line"] == 13, "{out}");
        let (out, ..) = folder.check(&["--settings", "settings.yaml", "a.yaml"]);
        assert!(out.contains("Pod team/run-*: allowed, with its identity"), "{kind}: {out}");
    }
}

/// What names no namespace may get the one account of its name, and is refused for none.
#[test]
fn takes_the_one_account_for_what_is_cluster_scoped() {
    let config = "apiVersion: pkg.crossplane.io/v1beta1\nkind: DeploymentRuntimeConfig\nmetadata: {name: azure}\nspec:\n  serviceAccountTemplate: {metadata: {name: web}}\n  deploymentTemplate:\n    spec:\n      template:\n        metadata: {labels: {azure.workload.identity/use: \"true\"}}\n        spec: {containers: [{name: package-runtime, args: [--debug]}]}\n";
    let with = format!("{}---\n{config}", account("web", LABEL));
    let folder =
        Folder::new("scope", &[("settings.yaml", SETTINGS), ("with.yaml", &with), ("alone.yaml", config)]);
    let (out, err, status) = folder.check(&["--settings", "settings.yaml", "with.yaml"]);
    assert!(
        status == 0
            && out.contains("(in namespace team, where its ServiceAccount is)")
            && out.contains("Pod team/azure-*: allowed, with its identity"),
        "{out}{err}"
    );
    let (out, err, status) = folder.check(&["--settings", "settings.yaml", "alone.yaml"]);
    assert!(
        status == 0
            && out.contains("unknown: DeploymentRuntimeConfig azure: can't tell")
            && !out.contains("kubectl create"),
        "{out}{err}"
    );
}

/// A name that there is nowhere is told as that, and not moved about.
#[test]
fn tells_an_unknown_name_on_a_workload_as_unknown() {
    let workload = deployment("serviceAccountName: web, ").replace("namespace: team}", "namespace: team, annotations: {azure.workload.identity/skip-container: a, azure.workload.identity/foo: b}}");
    for kind in [
        workload.clone(),
        workload.replace("apps/v1", "argoproj.io/v1alpha1").replace("Deployment", "Rollout"),
    ] {
        let folder = Folder::new(
            "names",
            &[("settings.yaml", SETTINGS), ("a.yaml", &format!("{}---\n{kind}", account("web", LABEL)))],
        );
        let (out, err, _) = folder.check(&["--settings", "settings.yaml", "a.yaml"]);
        assert!(
            out.contains(
                "annotation azure.workload.identity/skip-container is unknown; did you mean skip-containers?"
            ),
            "{out}{err}"
        );
        assert!(
            out.contains("annotation azure.workload.identity/foo is unknown and has no effect")
                && !out.contains("move it"),
            "{out}"
        );
    }
}

/// What the trees of others were told wrongly once.
#[test]
fn says_what_the_files_prove_and_no_more() {
    let labelled = |name: &str| {
        deployment("serviceAccountName: web, ").replace("name: web, n", &format!("name: {name}, n")).replace(
            "    spec:",
            "    metadata: {labels: {azure.workload.identity/use: \"true\"}}\n    spec:",
        )
    };
    let spark = "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: pi, namespace: team}\nspec: {driver: {serviceAccount: web}, executor: {cores: 1}}\n";
    let notebook = "apiVersion: kubeflow.org/v1\nkind: Notebook\nmetadata: {name: note, namespace: team, labels: {azure.workload.identity/use: \"true\"}}\nspec: {template: {spec: {serviceAccountName: web, containers: [{name: note, image: x}]}}}\n";
    let elastic = "apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: logs, namespace: team}\nspec: {nodeSets: [{podTemplate: {metadata: {labels: {azure.workload.identity/use: \"true\"}}, spec: {containers: [{name: elasticsearch}]}}}]}\n";
    let bad = account("web", LABEL).replace("6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa", "abc");
    let files = [
        ("settings.yaml", SETTINGS),
        (
            "some.yaml",
            &format!(
                "{}---\n{}---\n{}",
                account("web", ""),
                labelled("with"),
                deployment("serviceAccountName: web, ")
            ),
        ),
        ("spark.yaml", &format!("{}---\n{spark}", account("web", LABEL))),
        ("notebook.yaml", &format!("{}---\n{notebook}", account("web", ""))),
        ("elastic.yaml", elastic),
        ("twice/a.yaml", &bad),
        ("twice/b.yaml", &bad),
        ("patch.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {a: b}}\n"),
        ("front/tsconfig.json", "{ // comments\n}"),
        ("front/broken.yaml", "a: ["),
    ];
    let folder = Folder::new("proof", &files);
    let check = |arguments: &[&str]| folder.check(&[&["--settings", "settings.yaml"], arguments].concat());
    let (out, ..) = check(&["some.yaml"]);
    assert!(out.contains("not all of its pods get") && !out.contains("no label asks for it"), "{out}");
    let (out, ..) = check(&["spark.yaml"]);
    assert_eq!(out.matches("Pod team/pi-*: allowed, with its identity").count(), 2, "{out}");
    let (out, err, _) = check(&["notebook.yaml"]);
    assert!(
        out.contains("Pod team/note-*: allowed, with its identity")
            && !format!("{out}{err}").contains("no effect"),
        "{out}{err}"
    );
    let (_, err, status) = check(&["elastic.yaml"]);
    assert!(
        status == 0 && err.contains("Elasticsearch logs is not judged; its pods are, when they are created"),
        "{err}"
    );
    let (out, ..) = check(&["twice", "-o", "json"]);
    assert_eq!(out.matches("\"rule\":\"client-id-malformed\"").count(), 2, "{out}");
    let (out, err, status) = check(&["patch.yaml"]);
    assert!(status == 0 && err.contains("it looks like a patch") && !out.contains("refused"), "{out}{err}");
    // What is no manifest says nothing, and what can't be read is in the one log that there is.
    let (out, _, status) = check(&["front", "-o", "sarif"]);
    let log: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, log["runs"][0]["results"].as_array().map(Vec::len)), (2, Some(1)), "{out}");
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
    let list = format!("[{}]", vec!["{\"a\": 1}"; 20_000].join(", "));
    std::fs::write(folder.0.join("list.json"), list).unwrap();
    let start = std::time::Instant::now();
    let (_, err, _) = check(&["list.json"]);
    assert!(start.elapsed().as_secs() < 20 && err.matches("passed over").count() == 2, "{err}");
}
