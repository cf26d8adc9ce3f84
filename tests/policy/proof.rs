//! What `check` says is proven by the files: what is known, of which object, and once.

use serde_json::{Value, json};

use crate::folder::{Folder, LABEL, SETTINGS, account, deployment};

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

/// Names of workload identity where no pod reads them, and in what renders pods elsewhere.
#[test]
fn tells_what_has_no_effect_where_it_stands() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team, labels: {azure.workload.identity/use: \"true\"}}\n---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec: {source: {helm: {valuesObject: {serviceAccount: {annotations: {azure.workload.identity/client-id: nonsense}}}}}}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: net, namespace: team}\nspec: {podSelector: {matchLabels: {azure.workload.identity/use: \"true\"}}}\n";
    let folder = Folder::new("places", &[("settings.yaml", SETTINGS), ("a.yaml", text)]);
    let (out, err, status) = folder.check(&["--settings", "settings.yaml", "a.yaml"]);
    let all = format!("{out}{err}");
    assert_eq!(status, 0, "{all}");
    assert!(
        all.contains(
            "a.yaml:3:33: Namespace team: label azure.workload.identity/use has no effect on a Namespace"
        ),
        "{all}"
    );
    assert!(all.contains("Application argocd/shop:\n  warning: annotation azure.workload.identity/client-id is \"nonsense\", which is not a UUID"), "{all}");
    assert!(!all.contains("NetworkPolicy"), "{all}");
}
