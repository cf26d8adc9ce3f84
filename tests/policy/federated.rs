//! `azwi-policy check --federated-credentials`: the walkthrough, with each of the three texts wrong in turn.

use std::process::Command;

use crate::common::*;
use serde_json::{Value, json};

const ISSUER: &str = "https://eastus.oic.prod-aks.azure.com/2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1/7c3e8fad-e5f6-4584-9195-c37082c9e4db/";

/// What is printed of the walkthrough with these credentials, and the exit status.
fn tried(name: &str, credentials: &Value, client_id: Option<&str>) -> (String, i32) {
    let file = std::env::temp_dir().join(format!("credentials-{name}-{}.json", std::process::id()));
    std::fs::write(&file, credentials.to_string()).unwrap();
    let given = client_id.map(|id| format!("{id}=")).unwrap_or_default() + file.to_str().unwrap();
    let walkthrough = |file: &str| format!("examples/walkthrough/{file}.yaml");
    let output = Command::new(RUNNER)
        .current_dir(ROOT)
        .args([
            "check",
            "--settings",
            &walkthrough("settings"),
            &walkthrough("serviceaccount"),
            &walkthrough("pod"),
        ])
        .args(["--issuer", ISSUER, "--federated-credentials", &given])
        .output()
        .unwrap();
    std::fs::remove_file(file).unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (text, output.status.code().unwrap())
}

fn credential(change: (&str, &Value)) -> Value {
    let mut credentials: Value =
        serde_json::from_str(&file("examples/walkthrough/federated-credentials.json")).unwrap();
    credentials[0][change.0] = change.1.clone();
    credentials
}

/// `-o terraform` prints the credential that is missing, and nothing where it is there.
#[test]
fn prints_missing_credentials_as_terraform_resources() {
    let printed = |credentials: &[&str]| {
        let walkthrough = |file: &str| format!("examples/walkthrough/{file}.yaml");
        let output = Command::new(RUNNER)
            .current_dir(ROOT)
            .args(["check", "-o", "terraform", "--settings", &walkthrough("settings"), "--issuer", ISSUER])
            .args(credentials)
            .args([walkthrough("serviceaccount"), walkthrough("pod")])
            .output()
            .unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    };
    let resource = format!(
        r#"# For the identity with client ID {CLIENT_ID}.
resource "azurerm_federated_identity_credential" "default__myserviceaccount" {{
  name                      = "default--myserviceaccount"
  user_assigned_identity_id = azurerm_user_assigned_identity.identity_6f3c2b58.id
  issuer                    = "{ISSUER}"
  subject                   = "system:serviceaccount:default:myserviceaccount"
  audience                  = ["api://AzureADTokenExchange"]
}}
"#
    );
    assert_eq!(printed(&[]), (resource, Some(1)));
    let there = ["--federated-credentials", "examples/walkthrough/federated-credentials.json"];
    assert_eq!(printed(&there), (String::new(), Some(0)));
}

#[test]
fn reports_which_part_differs_and_the_error_that_entra_returns() {
    let fits = credential(("name", &json!("yada")));
    let (text, status) = tried("fits", &fits, None);
    assert!(
        text.contains("system:serviceaccount:default:myserviceaccount: a federated credential fits"),
        "{text}"
    );
    assert_eq!(status, 0);
    assert_eq!(tried("own", &fits, Some(CLIENT_ID)).1, 0);
    for (name, field, value, error, shown) in [
        (
            "issuer",
            "issuer",
            json!(ISSUER.trim_end_matches('/')),
            "AADSTS700211",
            format!("issuer    token       {ISSUER}\n"),
        ),
        (
            "subject",
            "subject",
            json!("system:serviceaccount:team:other"),
            "AADSTS700213",
            "credential  system:serviceaccount:team:other\n".to_owned(),
        ),
        (
            "case",
            "subject",
            json!("system:serviceaccount:Default:myserviceaccount"),
            "AADSTS7002138",
            "credential  system:serviceaccount:Default:myserviceaccount\n".to_owned(),
        ),
        (
            "audience",
            "audiences",
            json!(["api://other"]),
            "AADSTS700212",
            "audience  token       api://AzureADTokenExchange\n".to_owned(),
        ),
    ] {
        let (text, status) = tried(name, &credential((field, &value)), None);
        assert_eq!(status, 1, "{text}");
        assert!(text.contains(&format!("Entra will answer {error}; the nearest is \"yada\":")), "{text}");
        assert!(text.contains(&shown), "{text}");
        // Azure takes no second one of the same issuer and subject: where only the audience differs, that one is changed.
        let (verb, name) =
            if name == "audience" { ("update", "yada") } else { ("create", "default--myserviceaccount") };
        let command = format!(
            "az identity federated-credential {verb} --name {name} --identity-name IDENTITY_NAME --resource-group RESOURCE_GROUP --issuer {ISSUER} \
             --subject system:serviceaccount:default:myserviceaccount --audiences api://AzureADTokenExchange"
        );
        assert!(text.contains(&command), "{text}");
    }
}

#[test]
fn warns_about_too_many_credentials_and_about_unused_ones() {
    let one = credential(("subject", &json!("system:serviceaccount:team:other")))[0].clone();
    let fits = credential(("name", &json!("yada")))[0].clone();
    let many: Vec<Value> = std::iter::once(fits).chain(std::iter::repeat_n(one, 20)).collect();
    let (text, status) = tried("many", &json!(many), None);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("has 21 federated credentials: an identity can have 20"), "{text}");
    assert!(
        text.contains("has credentials for ServiceAccounts that no file has: \"yada\" (system:serviceaccount:team:other)"),
        "{text}"
    );
    let (text, status) = tried("other", &json!(many), Some("11111111-2222-4333-8444-555555555555"));
    assert_eq!(status, 1);
    assert!(text.contains(&format!("no federated credential of {CLIENT_ID} is in ")), "{text}");
}

/// What is said of a token stands once, and a pod's token is asked for by the pod, whatever label its ServiceAccount lacks.
#[test]
fn says_once_what_is_said_of_a_token() {
    let account = crate::folder::account("web", "");
    let role = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: use}}\nrules: [{{verbs: [use-managed-identity], apiGroups: [cid.wi.aks.azure.com], resources: [{CLIENT_ID}]}}]\n"
    );
    let pod = |more: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: team, labels: {{azure.workload.identity/use: \"true\"}}{more}}}\nspec: {{serviceAccountName: web, containers: [{{name: a, image: x}}]}}\n"
        )
    };
    let settings = "tenantId: 2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1\n";
    let endpoint = format!(
        "{settings}customTokenEndpoint: {{annotationSuffix: identity-binding, audience: api://AKSIdentityBinding, tokenProxy: https://proxy.example, ca: {{configMap: aks-ca}}}}\n"
    );
    let flexible = format!(
        "[{{\"name\": \"flex\", \"issuer\": \"{ISSUER}\", \"subject\": null, \"audiences\": [\"api://AzureADTokenExchange\"], \"claimsMatchingExpression\": {{\"value\": \"claims['job'] eq 'x'\", \"languageVersion\": 1}}}}]"
    );
    let files = [
        ("settings.yaml", settings),
        ("endpoint.yaml", &endpoint),
        ("none.json", "[]"),
        ("flexible.json", &flexible),
        ("plain.yaml", &format!("{account}---\n{}", pod(""))),
        (
            "binding.yaml",
            &format!(
                "{role}---\n{account}---\n{}",
                pod(", annotations: {azure.workload.identity/use-identity-binding: \"true\"}")
            ),
        ),
    ];
    let folder = crate::folder::Folder::new("tokens", &files);
    for (settings, list, file, words) in [
        ("settings.yaml", "none.json", "plain.yaml", "no federated credential of"),
        ("settings.yaml", "flexible.json", "plain.yaml", "the flexible one \"flex\" may"),
        ("endpoint.yaml", "none.json", "binding.yaml", "none among the files is bound to it"),
    ] {
        let (out, err, _) = folder.check(&[
            "--settings",
            settings,
            "--issuer",
            ISSUER,
            "--federated-credentials",
            list,
            file,
        ]);
        let all = format!("{out}{err}");
        assert_eq!(all.matches(words).count(), 1, "{file}: {all}");
        assert!(!all.contains("External Secrets"), "{all}");
    }
}

#[test]
fn prints_the_roles_that_are_not_bound() {
    let account = crate::folder::account("web", crate::folder::LABEL);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: team, annotations: {azure.workload.identity/use-identity-binding: \"true\"}}\nspec: {serviceAccountName: web, containers: [{name: a, image: x}]}\n";
    let settings = "tenantId: 2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1\ncustomTokenEndpoint: {annotationSuffix: identity-binding, audience: api://AKSIdentityBinding, tokenProxy: https://proxy.example, ca: {configMap: aks-ca}}\n";
    let all = format!("{account}---\n{pod}");
    let folder = crate::folder::Folder::new("roles", &[("settings.yaml", settings), ("all.yaml", &all)]);
    let (roles, err, status) = folder.check(&["--settings", "settings.yaml", "-o", "manifests", "all.yaml"]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(roles.matches("\nkind: ClusterRole\n").count(), 1, "{roles}");
    assert!(roles.contains("kind: ClusterRoleBinding\n") && roles.contains("namespace: team"), "{roles}");
    // Applied beside the files, they are all that was missing.
    let folder = crate::folder::Folder::new(
        "bound",
        &[("settings.yaml", settings), ("all.yaml", &all), ("roles.yaml", &roles)],
    );
    let (again, err, status) =
        folder.check(&["--settings", "settings.yaml", "-o", "manifests", "all.yaml", "roles.yaml"]);
    assert_eq!((again.as_str(), status), ("", 0), "{err}");
    assert!(err.contains("it is bound among the files"), "{err}");
}
