//! What other objects of the files say of a pod's identity: `ConfigMaps`, Secrets, and the objects of operators.

use std::process::{Command, Stdio};

use crate::{
    common::{POLICY, ROOT, RUNNER},
    folder::{Folder, LABEL, SETTINGS, account},
};

const ISSUER: &str = "https://eastus.oic.prod-aks.azure.com/2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1/7c3e8fad-e5f6-4584-9195-c37082c9e4db/";
const CLIENT: &str = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";
const OTHER: &str = "11111111-2222-4333-8444-555555555555";

fn pod(container: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: team}}\nspec: {{serviceAccountName: web, containers: [{{name: web, image: x{container}}}]}}\n"
    )
}

fn object(kind: &str, name: &str, data: &str) -> String {
    format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: team}}\n{data}\n")
}

/// What `check` says of a labelled account, a pod with this in its container, and these objects.
fn said(container: &str, objects: &str) -> String {
    let all = format!("{}{}{objects}", account("web", LABEL), pod(container));
    let folder = Folder::new("surroundings", &[("settings.yaml", SETTINGS), ("all.yaml", &all)]);
    let (out, err, _) = folder.check(&["--settings", "settings.yaml", "all.yaml"]);
    format!("{out}{err}")
}

#[test]
fn reads_what_a_container_takes_from_config_maps_and_secrets() {
    let from = |kind: &str| format!(", envFrom: [{{{kind}Ref: {{name: s}}}}]");
    let key = |optional: &str| {
        format!(
            ", env: [{{name: AZURE_CLIENT_SECRET, valueFrom: {{secretKeyRef: {{name: s, key: k{optional}}}}}}}]"
        )
    };
    let secret =
        "by envFrom of Secret team/s, key AZURE_CLIENT_SECRET, which DefaultAzureCredential tries first";
    for (container, objects, heard, not_heard) in [
        (
            from("secret"),
            object("Secret", "s", "stringData: {AZURE_CLIENT_SECRET: hush-hush}"),
            secret,
            "hush-hush",
        ),
        (from("secret"), object("Secret", "s", "data: {AZURE_CLIENT_SECRET: aHVzaA==}"), secret, "hush"),
        (from("secret"), object("Secret", "s", "stringData: {OTHER: x}"), "with its identity", "warning:"),
        (from("secret"), String::new(), "with its identity", "warning:"),
        (
            from("configMap"),
            object("ConfigMap", "s", &format!("data: {{AZURE_CLIENT_ID: {OTHER}}}")),
            "takes another AZURE_CLIENT_ID by envFrom of ConfigMap team/s, key AZURE_CLIENT_ID, which has no effect",
            OTHER,
        ),
        (
            from("configMap"),
            object("ConfigMap", "s", &format!("data: {{AZURE_CLIENT_ID: {CLIENT}}}")),
            "with its identity",
            "warning:",
        ),
        (
            from("configMap"),
            object("ConfigMap", "s", "data: {AZURE_TOKEN_CREDENTIALS: dev}"),
            "sets AZURE_TOKEN_CREDENTIALS to a value without workload identity by envFrom",
            "to dev",
        ),
        (
            from("configMap"),
            object("ConfigMap", "s", "data: {AZURE_TOKEN_CREDENTIALS: prod}"),
            "with its identity",
            "warning:",
        ),
        (key(""), String::new(), "has AZURE_CLIENT_SECRET, which", "optional"),
        (
            key(", optional: true"),
            String::new(),
            "has AZURE_CLIENT_SECRET if Secret team/s has the key k, which",
            "optional",
        ),
        (key(", optional: true"), object("Secret", "s", "data: {}"), "with its identity", "warning:"),
        (
            key(", optional: true"),
            object("Secret", "s", "stringData: {k: x}"),
            "has AZURE_CLIENT_SECRET, which",
            "optional",
        ),
        (
            ", volumeMounts: [{name: azure-identity-token, mountPath: /var/run/secrets/azure/tokens}]"
                .to_owned(),
            String::new(),
            "mounts volume azure-identity-token, which webhooks up to 1.5 add and the pod does not have",
            "used by",
        ),
    ] {
        let all = said(&container, &objects);
        assert!(all.contains(heard), "lacks {heard}: {all}");
        assert!(!all.contains(not_heard), "has {not_heard}: {all}");
    }
}

#[test]
fn an_optional_credential_of_a_workload_is_said_once_and_not_where_it_is_absent() {
    let env =
        "env: [{name: AZURE_CLIENT_SECRET, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}]";
    let workload = format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: team}}\nspec: {{template: {{spec: {{serviceAccountName: web, containers: [{{name: web, image: x, {env}}}]}}}}}}\n"
    );
    for (secret, number) in [(String::new(), 1), (object("Secret", "s", "data: {}"), 0)] {
        let all = format!("{}{workload}{secret}", account("web", LABEL));
        let folder = Folder::new("optional", &[("settings.yaml", SETTINGS), ("all.yaml", &all)]);
        let (out, err, _) = folder.check(&["--settings", "settings.yaml", "all.yaml"]);
        assert_eq!(out.matches("DefaultAzureCredential tries first").count(), number, "{out}{err}");
    }
}

#[test]
fn a_pod_that_has_all_of_it_and_no_label_is_left_in_peace() {
    let own = ", env: [{name: AZURE_CLIENT_ID, value: 6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa}, {name: AZURE_TENANT_ID, value: 2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1}, {name: AZURE_FEDERATED_TOKEN_FILE, value: /var/run/secrets/tokens/azure-identity}]";
    for (container, warns) in [(own, false), ("", true)] {
        let all = format!("{}{}", account("web", ""), pod(container));
        let folder = Folder::new("own", &[("settings.yaml", SETTINGS), ("all.yaml", &all)]);
        let (out, err, _) = folder.check(&["--settings", "settings.yaml", "all.yaml"]);
        assert_eq!(out.contains("warning:"), warns, "{out}{err}");
    }
}

/// What an operator's object asks for: the object, the ServiceAccount's namespace and name, and the client ID.
const ASKED: &[(&str, &str, &str)] = &[
    (
        "apiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {name: t, namespace: team}\nspec: {podIdentity: {provider: azure-workload, identityId: 11111111-2222-4333-8444-555555555555}}\n",
        "keda:keda-operator",
        OTHER,
    ),
    (
        "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: s, namespace: team}\nspec: {provider: {azurekv: {authType: WorkloadIdentity, vaultUrl: 'https://v.example', serviceAccountRef: {name: reader}}}}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: reader, namespace: team, annotations: {azure.workload.identity/client-id: 11111111-2222-4333-8444-555555555555}}\n",
        "team:reader",
        OTHER,
    ),
    (
        "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {name: s}\nspec: {provider: {azurekv: {authType: WorkloadIdentity, vaultUrl: 'https://v.example', serviceAccountRef: {name: web, namespace: team}}}}\n",
        "team:web",
        CLIENT,
    ),
    (
        "apiVersion: secrets-store.csi.x-k8s.io/v1\nkind: SecretProviderClass\nmetadata: {name: vault, namespace: team}\nspec: {provider: azure, parameters: {clientID: 11111111-2222-4333-8444-555555555555, keyvaultName: v, tenantId: x}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: mounts, namespace: team}\nspec: {containers: [{name: a, image: x}], volumes: [{name: v, csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: vault}}}]}\n",
        "team:default",
        OTHER,
    ),
    (
        "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: le}\nspec: {acme: {solvers: [{http01: {}}, {dns01: {azureDNS: {hostedZoneName: z, managedIdentity: {clientID: 11111111-2222-4333-8444-555555555555}}}}]}}\n",
        "cert-manager:cert-manager",
        OTHER,
    ),
    (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: r, namespace: team}\nspec: {url: 'oci://r.example', provider: azure, serviceAccountName: web}\n",
        "team:web",
        CLIENT,
    ),
    (
        "apiVersion: azure.upbound.io/v1beta1\nkind: ProviderConfig\nmetadata: {name: default}\nspec: {clientID: 11111111-2222-4333-8444-555555555555, credentials: {source: OIDCTokenFile}}\n---\napiVersion: pkg.crossplane.io/v1beta1\nkind: DeploymentRuntimeConfig\nmetadata: {name: azure}\nspec: {serviceAccountTemplate: {metadata: {name: provider-azure}}}\n",
        "crossplane-system:provider-azure",
        OTHER,
    ),
];

/// Compares the tokens of these manifests with an empty list of credentials.
fn compared(name: &str, settings: &str, all: &str) -> (String, String, i32) {
    let files = [("settings.yaml", settings), ("all.yaml", all), ("none.json", "[]")];
    let list = ["--issuer", ISSUER, "--federated-credentials", "none.json"];
    Folder::new(name, &files).check(&[&["--settings", "settings.yaml", "all.yaml"][..], &list].concat())
}

#[test]
fn knows_who_else_asks_for_tokens() {
    for (objects, account_of, client_id) in ASKED {
        let all = format!("{}{}---\n{objects}", account("web", LABEL), pod(""));
        let (out, err, status) = compared("operators", SETTINGS, &all);
        let line =
            format!("system:serviceaccount:{account_of}: no federated credential of {client_id} is in");
        assert!(out.contains(&line), "{objects}: {out}{err}");
        assert_eq!(status, 1, "{out}{err}");
    }
}

#[test]
fn an_issuer_of_another_cloud_is_named() {
    let all = format!("{}{}", account("web", LABEL), pod(""));
    let settings = format!("{SETTINGS}cloud: AzureUSGovernment\n");
    let (_, err, _) = compared("clouds", &settings, &all);
    let words = "its token is of an issuer of Azure and goes to login.microsoftonline.us, which is Azure US Government";
    assert!(err.contains(words), "{err}");
}

/// Commands in a text, each on a line of its own.
fn commands(text: &str) -> impl Iterator<Item = String> {
    let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    lines.into_iter().filter(|line| line.starts_with("kubectl ") || line.starts_with("az "))
}

#[test]
fn every_printed_command_is_one_that_a_shell_and_its_tool_can_read() {
    let mut seen = std::collections::BTreeSet::new();
    for folder in std::fs::read_dir(format!("{ROOT}/tests/cases")).unwrap() {
        let folder = folder.unwrap().path();
        let mut command = Command::new(RUNNER);
        command.current_dir(&folder).stdin(Stdio::null());
        command.args(["check", "--policy", POLICY, "--settings", "settings.yaml", "."]);
        if folder.join("credentials.json").exists() {
            command.args(["--issuer", ISSUER, "--federated-credentials", "credentials.json"]);
        }
        let output = command.output().unwrap();
        let text = crate::engine::text(output.stdout) + &crate::engine::text(output.stderr);
        seen.extend(commands(&text));
    }
    // Those of every refusal, as they were reviewed.
    let reviewed = "src/verdict/snapshots/azure_workload_identity_policy__verdict__examples__messages.snap";
    seen.extend(commands(&std::fs::read_to_string(format!("{ROOT}/{reviewed}")).unwrap()));
    assert!(seen.len() >= 12, "{seen:?}");
    // And those of the page that people search.
    let page = std::fs::read_to_string(format!("{ROOT}/docs/troubleshooting.md")).unwrap();
    seen.extend(
        page.split('`')
            .filter(|code| code.starts_with("kubectl ") || code.starts_with("az "))
            .map(str::to_owned),
    );
    for command in &seen {
        let parsed = Command::new("sh").args(["-n", "-c", command]).output().unwrap();
        assert!(parsed.status.success(), "{command}: {}", crate::engine::text(parsed.stderr));
        let words = shlex::split(command).unwrap_or_else(|| panic!("{command}"));
        // Every option of az has a value, and none is given twice.
        if words[0] == "az" {
            let options: Vec<&String> = words.iter().filter(|word| word.starts_with("--")).collect();
            let distinct: std::collections::BTreeSet<&String> = options.iter().copied().collect();
            assert_eq!(options.len(), distinct.len(), "{command}");
        }
        assert!(!["delete", "purge"].contains(&words[1].as_str()), "{command}");
    }
}
