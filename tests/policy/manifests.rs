//! Manifests and metadata: each field is one of its type, and all files say the same.

use crate::common::ROOT;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{common::file, kinds};
use azure_workload_identity_policy::{SETTINGS, Settings};
use serde::Deserialize;
use serde_json::{Value, json};

fn documents(text: &str) -> Vec<Value> {
    let documents = yaml_serde::Deserializer::from_str(text);
    documents.map(|document| Value::deserialize(document).unwrap()).filter(|value| !value.is_null()).collect()
}

fn yaml(path: &str) -> Value {
    yaml_serde::from_str(&file(path)).unwrap()
}

fn below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let inside = path.strip_prefix(ROOT).unwrap().to_owned();
        if path.is_dir() {
            found.extend(below(inside.to_str().unwrap()));
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(inside);
        }
    }
    found
}

#[test]
fn each_manifest_has_only_fields_of_its_type() {
    let mut seen = BTreeSet::new();
    // The overlay's fallback is made by `make manifests`, from a tenant.
    let made = Path::new("target/deploy/overlays/fallback/fallback.yaml").to_owned();
    for path in below("deploy").into_iter().chain(below("examples")).chain([made]) {
        let name = path.to_str().unwrap();
        for manifest in documents(&file(name)) {
            match manifest["kind"].as_str() {
                Some("Kustomization") => {}
                Some(kind) => {
                    kinds::check(name, &manifest);
                    seen.insert(kind.to_owned());
                }
                None => assert!(name.ends_with("settings.yaml") || name.ends_with("replay.yaml"), "{name}"),
            }
        }
    }
    let kinds = [
        "AdmissionReview",
        "ClusterAdmissionPolicy",
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "Pod",
        "PolicyServer",
        "ServiceAccount",
    ];
    assert_eq!(seen, kinds.map(str::to_owned).into());
}

/// What `kubectl kustomize` makes of the base and the overlays, as `make manifests` has rendered them where there is Go.
#[test]
fn each_overlay_renders_the_change_that_it_describes() {
    let target = Path::new(ROOT).join("target/manifests");
    let Ok(entries) = std::fs::read_dir(&target) else {
        let go = std::process::Command::new("go").arg("version").output();
        assert!(go.is_err(), "nothing is rendered: make manifests");
        return;
    };
    let mut rendered = BTreeSet::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let all = documents(&std::fs::read_to_string(&path).unwrap());
        for manifest in &all {
            kinds::check(&name, manifest);
        }
        rendered_as(&name, &all);
        rendered.insert(name);
    }
    let all = ["base", "default-policy-server", "fallback", "monitor", "webhook-scope"].map(str::to_owned);
    assert_eq!(rendered, all.into());
}

fn rendered_as(name: &str, all: &[Value]) {
    let one = |kind: &str| all.iter().filter(|manifest| manifest["kind"] == kind).collect::<Vec<_>>();
    let own_server = name != "default-policy-server";
    assert_eq!(one("PolicyServer").len(), usize::from(own_server), "{name}");
    assert_eq!(one("ServiceAccount").len(), usize::from(own_server), "{name}");
    let account = if own_server { "policy-server-azure-workload-identity" } else { "policy-server" };
    assert_eq!(one("ClusterRoleBinding")[0]["subjects"][0]["name"], account, "{name}");
    let policies = one("ClusterAdmissionPolicy");
    let policy = &policies[0]["spec"];
    if name == "webhook-scope" {
        let labelled = json!({"matchLabels": {"azure.workload.identity/use": "true"}});
        assert_eq!((policies.len(), &policy["objectSelector"]), (1, &labelled));
        assert_eq!(
            (&policy["settings"]["trigger"], &policy["failurePolicy"]),
            (&json!("Pod"), &json!("Fail"))
        );
    } else {
        let checks = &policies[1]["spec"];
        // One module and one set of settings; the policy that only explains blocks nothing.
        assert_eq!(
            (&checks["module"], &checks["settings"]),
            (&policy["module"], &policy["settings"]),
            "{name}"
        );
        let failure = if ["fallback", "monitor"].contains(&name) { "Ignore" } else { "Fail" };
        assert_eq!((&policy["mutating"], &policy["failurePolicy"]), (&json!(true), &json!(failure)));
        assert_eq!((&checks["mutating"], &checks["failurePolicy"]), (&json!(false), &json!("Ignore")));
        assert_eq!(checks["namespaceSelector"], policy["namespaceSelector"]);
    }
    if name == "fallback" {
        let made = &one("MutatingAdmissionPolicy")[0]["spec"];
        assert_eq!(made["matchConstraints"]["namespaceSelector"], policy["namespaceSelector"]);
        assert_eq!(one("MutatingAdmissionPolicyBinding").len(), 2);
    }
    let server = if own_server { "azure-workload-identity" } else { "default" };
    let mode = if name == "monitor" { "monitor" } else { "protect" };
    for policy in policies {
        assert_eq!(
            (&policy["spec"]["policyServer"], &policy["spec"]["mode"]),
            (&json!(server), &json!(mode)),
            "{name}"
        );
    }
}

/// Nothing that can be applied carries a tenant: who forgets to set it gets the policy's own refusal, and no pod of another's tenant.
#[test]
fn a_forgotten_tenant_fails() {
    let settings = &yaml("deploy/base/policy.yaml")["spec"]["settings"];
    let problem = azure_workload_identity_policy::Settings::parse(&settings.to_string()).unwrap_err();
    let text: Vec<String> = problem.first().iter().map(ToString::to_string).collect();
    assert!(text.concat().starts_with("tenantId is \"REPLACE_WITH_YOUR_TENANT_ID\""), "{text:?}");
    let output = std::process::Command::new(crate::common::RUNNER)
        .current_dir(ROOT)
        .args(["fallback", "--settings", "deploy/base/policy.yaml"])
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(!Path::new(ROOT).join("deploy/overlays/fallback/fallback.yaml").exists());
}

fn fallback(name: &str, settings: &str) -> (String, String, Option<i32>) {
    let folder = crate::folder::Folder::new(name, &[("settings.yaml", settings)]);
    let mut command = std::process::Command::new(crate::common::RUNNER);
    let output =
        command.current_dir(&folder.0).args(["fallback", "--settings", "settings.yaml"]).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// One that the trigger does not want selects no pod: what an earlier trigger left behind would go on injecting.
#[test]
fn the_fallback_always_has_both_bindings() {
    for trigger in ["Any", "Pod", "ServiceAccount"] {
        let settings = format!("tenantId: contoso.onmicrosoft.com\ntrigger: {trigger}\n");
        let (out, err, status) = fallback("bindings", &settings);
        assert_eq!(status, Some(0), "{err}");
        assert_eq!(out.matches("kind: MutatingAdmissionPolicyBinding").count(), 2, "{out}");
        // A selector of pods for each binding but that of labelled accounts; one that can't be met where the trigger does not want it.
        let (selectors, expressions) = match trigger {
            "Any" => (1, 1),
            "Pod" => (2, 1),
            _ => (1, 2),
        };
        assert_eq!(out.matches("objectSelector:").count(), selectors, "{trigger}: {out}");
        assert_eq!(out.matches("matchExpressions:").count(), expressions, "{trigger}: {out}");
    }
}

/// What the API server would not take, or give up on without a word.
#[test]
fn a_fallback_that_is_too_large_is_refused() {
    let id = |n: usize| format!("{n:08}-9d3e-4f4c-8a51-0b7e4c1d92aa");
    let entry = |n: usize| {
        let ids: Vec<String> = (0..5).map(|one| id(n * 5 + one)).collect();
        format!("  - {{namespaces: [team-{n}], clientIds: [{}]}}\n", ids.join(", "))
    };
    let allowed: String = (0..450).map(entry).collect();
    let extra: Vec<String> = (0..100).map(|n| format!("  - {{name: E{n}, value: x}}\n")).collect();
    let extra = extra.concat();
    for (settings, words) in [
        (
            format!("tenantId: a.example\nallowedIdentities:\n{allowed}"),
            "allowedIdentities makes an expression of",
        ),
        (
            format!("tenantId: a.example\nextraEnv:\n{extra}"),
            "extraEnv makes a pod of 100 containers cost up to",
        ),
    ] {
        let (out, err, status) = fallback("large", &settings);
        assert_eq!((out.as_str(), status), ("", Some(1)), "{err}");
        assert!(err.contains(words), "{err}");
    }
}

#[test]
fn the_fallback_finds_the_policy_of_a_rendered_overlay() {
    let base =
        file("deploy/base/policy.yaml").replace("REPLACE_WITH_YOUR_TENANT_ID", "contoso.onmicrosoft.com");
    let both = format!("{}---\n{base}", file("deploy/base/rbac.yaml"));
    let (out, err, status) = fallback("rendered", &both);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("contoso.onmicrosoft.com") && out.contains("namespaceSelector"), "{out}");
    let (_, err, status) = fallback("none", "---\nkind: A\n---\nkind: B\n");
    assert_eq!(status, Some(2));
    assert!(err.contains("0 of them a policy that mutates; give one"), "{err}");
}

/// The second registration of `deploy/late`, made by its jq program from what Kubewarden registers.
#[test]
fn the_late_registration_covers_only_pods_and_blocks_none() {
    let policy = yaml("deploy/base/policy.yaml");
    let spec = &policy["spec"];
    for name in KUBEWARDENS_NAMES {
        let registration = json!({"metadata": {"name": name}, "webhooks": [{
            "name": format!("{name}.kubewarden.admission"), "rules": spec["rules"], "failurePolicy": "Fail",
            "clientConfig": {"service": {"name": "policy-server", "namespace": "kubewarden", "path": format!("/validate/{name}"), "port": 443}, "caBundle": "Q0E="},
            "namespaceSelector": spec["namespaceSelector"], "matchConditions": spec["matchConditions"],
            "sideEffects": "None", "timeoutSeconds": 10, "matchPolicy": "Equivalent", "admissionReviewVersions": ["v1"]}]});
        let other = json!({"metadata": {"name": "kw.cap.other"}, "webhooks": [{"rules": []}]});
        let owner = json!({"apiVersion": "policies.kubewarden.io/v1", "kind": "ClusterAdmissionPolicy",
            "metadata": {"name": "azure-workload-identity", "uid": "1-2-3"}});
        let late = jq(&json!({"items": [other, registration]}), &owner).unwrap();
        kinds::check("deploy/late", &late);
        let webhook = &late["webhooks"][0];
        assert_eq!(late["metadata"]["labels"]["app.kubernetes.io/part-of"], "kubewarden");
        assert_eq!(late["metadata"]["ownerReferences"][0]["uid"], "1-2-3");
        assert_eq!(
            (&webhook["failurePolicy"], &webhook["reinvocationPolicy"]),
            (&json!("Ignore"), &json!("IfNeeded"))
        );
        assert_eq!(webhook["clientConfig"], registration["webhooks"][0]["clientConfig"]);
        assert_eq!(webhook["matchConditions"], spec["matchConditions"]);
        let rule = json!([{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]);
        assert_eq!(webhook["rules"], rule);
        // Webhooks run in the order of their registrations' names: after every sidecar injector that is known.
        for injector in [
            "dapr-sidecar-injector",
            "istio-sidecar-injector",
            "linkerd-proxy-injector-webhook-config",
            "opentelemetry-operator",
        ] {
            assert!(late["metadata"]["name"].as_str().unwrap() > injector);
        }
    }
    let error = jq(&json!({"items": []}), &json!({})).unwrap_err();
    assert!(error.contains("is the policy active?"), "{error}");
}

fn jq(registrations: &Value, policy: &Value) -> Result<Value, String> {
    let mut jq = std::process::Command::new("jq")
        .args(["--argjson", "policy", &policy.to_string(), "-f", "deploy/late/late.jq"])
        .current_dir(ROOT)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("jq: `make test` installs it, or says how");
    std::io::Write::write_all(&mut jq.stdin.take().unwrap(), registrations.to_string().as_bytes()).unwrap();
    let output = jq.wait_with_output().unwrap();
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).unwrap());
    }
    Err(String::from_utf8(output.stderr).unwrap())
}

/// What Kubewarden calls the policy: since 1.37.2, and before.
const KUBEWARDENS_NAMES: [&str; 2] =
    ["kw.cap.azure-workload-identity", "clusterwide-azure-workload-identity"];

/// A reader has either version of Kubewarden: both names are on the page, the newer one first.
#[test]
fn every_page_that_names_the_registration_has_both_names() {
    let mut seen = 0;
    for page in [
        "docs/limitations.md",
        "docs/troubleshooting.md",
        "docs/operating.md",
        "docs/migrating.md",
        "deploy/late/late.jq",
        "e2e/cluster/run.sh",
    ] {
        let text = file(page);
        let [new, old] = KUBEWARDENS_NAMES.map(|name| text.find(name));
        assert_eq!(new.is_some(), old.is_some(), "{page} has only one of {KUBEWARDENS_NAMES:?}");
        assert!(new <= old, "{page}: the newer name comes first");
        seen += usize::from(new.is_some());
        // A metric's label is matched by either.
        let expression = r#"policy_name=~"(kw[.]cap[.]|clusterwide-)azure-workload-identity(-checks)?""#;
        assert_eq!(text.matches("policy_name=").count(), text.matches(expression).count(), "{page}");
    }
    assert!(seen >= 3, "{seen}");
}

/// A field of the policy's own package.
fn of_package(field: &str) -> String {
    let text = file("Cargo.toml");
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(&format!("{field} = \"")));
    lines.next().unwrap().trim_end_matches('"').to_owned()
}

#[test]
fn all_files_agree_on_version_and_description() {
    let metadata = yaml("metadata.yml");
    let package = yaml("artifacthub-pkg.yml");
    let policy = yaml("deploy/base/policy.yaml");
    let annotation = |name: &str| metadata["annotations"][name].as_str().unwrap();
    let version = of_package("version");
    let version = version.as_str();
    assert_eq!(annotation("io.kubewarden.policy.version"), version);
    assert_eq!(package["version"], version);
    let description = annotation("io.kubewarden.policy.description");
    assert_eq!(package["description"], description);
    assert_eq!(
        description.to_lowercase(),
        of_package("description").replace("Kubewarden policy that ", "").to_lowercase()
    );
    assert_eq!(annotation("io.kubewarden.policy.license"), "Apache-2.0");
    let image = format!("{}:v{version}", annotation("io.kubewarden.policy.ociUrl"));
    assert_eq!(image, image.to_lowercase());
    assert_eq!(package["containersImages"][0]["image"], image);
    assert_eq!(policy["spec"]["module"], format!("registry://{image}"));
    assert_eq!(package["name"], annotation("io.kubewarden.policy.title"));
    assert_eq!(policy["metadata"]["name"], annotation("io.kubewarden.policy.title"));
    let keywords = annotation("io.artifacthub.keywords").split(',').map(str::trim).collect::<Vec<_>>();
    assert_eq!(package["keywords"], json!(keywords));
    let embedded = |name: &str| -> Value {
        yaml_serde::from_str(package["annotations"][name].as_str().unwrap()).unwrap()
    };
    assert_eq!(embedded("kubewarden/rules"), metadata["rules"]);
    let checks = yaml("deploy/base/checks.yaml");
    let rules = [&policy, &checks].map(|policy| policy["spec"]["rules"].as_array().unwrap().clone()).concat();
    assert_eq!(json!(rules), metadata["rules"]);
    assert_eq!(policy["spec"]["module"], checks["spec"]["module"]);
    assert_eq!(embedded("kubewarden/contextAwareResources"), metadata["contextAwareResources"]);
    assert_eq!(policy["spec"]["contextAwareResources"], metadata["contextAwareResources"]);
    assert_eq!(package["annotations"]["kubewarden/questions-ui"], file("questions-ui.yml"));
    assert_eq!(policy["spec"]["mutating"], metadata["mutating"]);
    assert_eq!(policy["spec"]["backgroundAudit"], metadata["backgroundAudit"]);
    let release = yaml(".github/workflows/release.yml");
    assert_eq!(release["jobs"]["release"]["with"]["oci-target"], annotation("io.kubewarden.policy.ociUrl"));
    let readme = file("README.md");
    assert!(readme.contains(&format!("registry://{image}")), "README.md names another module than {image}");
    let root: Vec<_> = file("Cargo.toml")
        .lines()
        .filter(|line| line.starts_with("version = \""))
        .map(str::to_owned)
        .collect();
    assert_eq!(root, [format!("version = \"{version}\"")], "release tooling greps for exactly one such line");
    let owners = yaml("artifacthub-repo.yml")["owners"].clone();
    let author =
        format!("{} <{}>", owners[0]["name"].as_str().unwrap(), owners[0]["email"].as_str().unwrap());
    assert_eq!(author, annotation("io.kubewarden.policy.author"));
}

/// A question's variable, and its default where it has one.
fn questions(list: &Value, prefix: &str, found: &mut Vec<(String, Option<Value>)>) {
    for question in list.as_array().unwrap() {
        let variable = format!("{prefix}{}", question["variable"].as_str().unwrap());
        assert!(question["label"].is_string() && question["type"].is_string(), "{variable}");
        found.push((variable.clone(), question.get("default").cloned()));
        if let Some(list) = question.get("subquestions") {
            questions(list, "", found);
        }
        if let Some(list) = question.get("sequence_questions") {
            questions(list, &format!("{variable}[]."), found);
        }
    }
}

#[test]
fn ranchers_form_covers_every_setting_and_writes_only_what_is_accepted() {
    let form = yaml("questions-ui.yml");
    let mut found = Vec::new();
    questions(&form["questions"], "", &mut found);
    let top: BTreeSet<&str> =
        found.iter().map(|(name, _)| name.as_str()).filter(|name| !name.contains(['.', '['])).collect();
    assert_eq!(top, SETTINGS.iter().copied().collect());
    // What the form writes when nothing is filled in: the defaults, and all of them are the policy's own.
    let mut written = json!({});
    for (name, default) in &found {
        let Some(default) = default else { continue };
        let mut place = &mut written;
        for step in name.split('.') {
            place = &mut place[step];
        }
        *place = default.clone();
    }
    assert_eq!(Settings::parse(&written.to_string()), Settings::parse("{}"), "{written}");
    // Every name in the form is one that the settings take.
    let rows = file("docs/settings.md");
    for (name, _) in &found {
        assert!(rows.contains(&format!("| `{name}` |")), "{name}");
    }
}

/// A change that finds nothing to change proves nothing.
#[test]
fn each_mutant_has_something_to_change() {
    let list = file("tests/mutants.txt");
    let blocks: Vec<Vec<&str>> =
        list.trim_end().split("\n\n").skip(1).map(|block| block.lines().collect()).collect();
    assert!(blocks.len() > 70, "{}", blocks.len());
    for block in blocks {
        let [name, path, old, new] = block[..] else { panic!("{block:?}") };
        assert!(file(path).contains(old) && old != new, "{name}: {path} does not have {old}");
    }
}
