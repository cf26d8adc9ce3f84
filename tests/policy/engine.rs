//! What `check` reads, which kinds it knows, where it says that something stands, and in which forms: the cases from the field that are
//! about these, each with what should be heard.

use std::process::{Command, Output};

use crate::common::{POLICY, ROOT, RUNNER};

fn tried(case: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(RUNNER);
    command
        .current_dir(format!("{ROOT}/tests/cases/{case}"))
        .args(["check", "--policy", POLICY])
        .args(arguments);
    if !arguments.contains(&"--settings") {
        command.args(["--settings", "settings.yaml"]);
    }
    command.output().expect("target/host/azwi-policy: build it with `make`")
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// A case: its folder, the arguments, the exit status, what must be heard on either stream, and what must not.
type Case<'c> = (&'c str, &'c [&'c str], i32, &'c [&'c str], &'c [&'c str]);

const ISSUER: &str = "https://westeurope.oic.prod-aks.azure.com/2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1/7c3e8fad-e5f6-4584-9195-c37082c9e4db/";

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
            ISSUER,
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
    // Advice.
    (
        "audience-cure-is-refused",
        &["--federated-credentials", "credentials.json", "--issuer", ISSUER, "all.yaml"],
        1,
        &["az identity federated-credential update --name gov "],
        &["federated-credential create"],
    ),
    (
        "cure-overwrites-another-cluster",
        &["--federated-credentials", "credentials.json", "--issuer", ISSUER, "all.yaml"],
        1,
        &["create one beside the others with", "federated-credential create --name "],
        &["create --name app "],
    ),
    (
        "two-accounts-one-name",
        &["--federated-credentials", "credentials.json", "--issuer", ISSUER, "all.yaml"],
        1,
        &["--name team-a--app ", "--name team-b--app "],
        &["--name app "],
    ),
    (
        "terraform-names",
        &["in.yaml", "--issuer", ISSUER, "-o", "terraform"],
        1,
        &["\"dev--app\"", "\"prod--app\""],
        &["= \"app\""],
    ),
    (
        "credential-lists-of-other-tools",
        &["--federated-credentials", "bom.json", "--issuer", ISSUER, "all.yaml"],
        0,
        &["a federated credential fits"],
        &["Error", "no federated"],
    ),
    (
        "credential-lists-of-other-tools",
        &["--federated-credentials", "flexible.json", "--issuer", ISSUER, "all.yaml"],
        0,
        &["a federated credential fits"],
        &["Error", "no federated"],
    ),
    (
        "credential-lists-of-other-tools",
        &["--federated-credentials", "graph.json", "--issuer", ISSUER, "all.yaml"],
        0,
        &["a federated credential fits"],
        &["Error", "no federated"],
    ),
    (
        "credential-lists-of-other-tools",
        &["--federated-credentials", "powershell.json", "--issuer", ISSUER, "all.yaml"],
        0,
        &["a federated credential fits"],
        &["Error", "no federated"],
    ),
    (
        "credentials-as-az-prints-them",
        &["--federated-credentials", "flexible.json", "--issuer", ISSUER, "in.yaml"],
        0,
        &["a federated credential fits"],
        &["Error"],
    ),
    (
        "credentials-as-az-prints-them",
        &["--federated-credentials", "utf16.json", "--issuer", ISSUER, "in.yaml"],
        0,
        &["a federated credential fits"],
        &["Error"],
    ),
    (
        "credentials-as-az-prints-them",
        &["--federated-credentials", "env=prod/list.json", "--issuer", ISSUER, "in.yaml"],
        0,
        &["a federated credential fits"],
        &["Error"],
    ),
    (
        "credential-of-an-account-without-label",
        &["--federated-credentials", "right.json", "--issuer", ISSUER, "in.yaml"],
        0,
        &["a federated credential fits"],
        &["no file has"],
    ),
    (
        "credential-of-an-account-without-label",
        &["--federated-credentials", "wrong.json", "--issuer", ISSUER, "in.yaml"],
        1,
        &["AADSTS700213", "(SecretStore team/s asks for this token)"],
        &["fits\n"],
    ),
    (
        "the-containers-own-client-id",
        &[
            "--federated-credentials",
            "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa=credentials.json",
            "--federated-credentials",
            "11111111-2222-4333-8444-555555555555=other.json",
            "--issuer",
            ISSUER,
            "all.yaml",
        ],
        1,
        &[
            "no federated credential of 11111111-2222-4333-8444-555555555555 is in",
            "(container a has this client ID from itself)",
        ],
        &["a federated credential fits"],
    ),
    // What keeps an SDK from the identity.
    (
        "client-id-from-elsewhere",
        &["--settings", "warn.yaml", "all.yaml"],
        0,
        &["Pod cert-manager/cm: allowed, with its identity", "0 warnings"],
        &["no client-id"],
    ),
    ("client-id-from-elsewhere", &["all.yaml"], 1, &["requireClientId is true"], &[]),
    (
        "proxy-in-a-restricted-namespace",
        &["all.yaml"],
        0,
        &["Namespace locked enforces Pod Security restricted, which refuses azwi-proxy-init"],
        &[],
    ),
    (
        "token-by-subpath",
        &["all.yaml"],
        0,
        &["container a mounts its token by subPath, which is never renewed"],
        &["uses its own token file"],
    ),
    (
        "token-path-outside-env-and-args",
        &["all.yaml"],
        0,
        &[
            "sets JAVA_OPTS to a token file that it does not have",
            "sets CONFIG to a token file that it does not have",
            "has the path of another token file in its livenessProbe",
            "has the path of another token file in its lifecycle",
            "ConfigMap data/prom: names the token's path of webhooks up to 1.5",
            "ProviderConfig default: names the token's path of webhooks up to 1.5",
            "annotate its pods with azure.workload.identity/layout: Legacy",
        ],
        &[],
    ),
    ("troubleshooting-rows", &["all.yaml"], 0, &["not all of its pods get"], &[]),
    (
        "which-no-file-has",
        &["--federated-credentials", "eso.json", "--issuer", ISSUER, "eso.yaml"],
        0,
        &[],
        &["no file has"],
    ),
    (
        "which-no-file-has",
        &[
            "--federated-credentials",
            "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa=cert-manager.json",
            "--issuer",
            ISSUER,
            "cert-manager.yaml",
        ],
        0,
        &[],
        &["no file has"],
    ),
    (
        "which-no-file-has",
        &["--federated-credentials", "sops.json", "--issuer", ISSUER, "sops.yaml"],
        0,
        &[],
        &["no file has"],
    ),
    (
        "binding-needs-no-own-credential",
        &["--federated-credentials", "credentials.json", "--issuer", ISSUER, "all.yaml"],
        0,
        &[
            "needs no federated credential of its own: AKS keeps one for identity bindings",
            "resource 6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa",
        ],
        &["federated-credential create", "AADSTS"],
    ),
    (
        "binding-needs-no-own-credential",
        &["--issuer", ISSUER, "-o", "terraform", "all.yaml"],
        0,
        &[],
        &["resource \""],
    ),
    // Outputs and calls.
    (
        "finding-without-its-manifest",
        &["--federated-credentials", "credentials.json", "--issuer", ISSUER, "-o", "github", "all.yaml"],
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
        &["--issuer is \"\", which is not an https URL"],
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
