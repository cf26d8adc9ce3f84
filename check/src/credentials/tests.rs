//! What each tool writes, by the example of its documentation.

use super::*;

const ISSUER: &str = "https://eastus.oic.prod-aks.azure.com/2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1/7c3e8fad-e5f6-4584-9195-c37082c9e4db/";
const SUBJECT: &str = "system:serviceaccount:team:web";

/// Puts the issuer and the subject into an example.
fn of(example: &str) -> Credential {
    let text = example.replace("ISSUER", ISSUER).replace("SUBJECT", SUBJECT);
    let read = read(&text, None).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(read.len(), 1, "{text}");
    read.into_iter().next().unwrap()
}

#[test]
fn reads_what_each_tool_writes() {
    let examples = [
        // Terraform, "JSON Output Format": a state, and a plan with a module.
        r#"{"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {"resources": [{"address": "azurerm_federated_identity_credential.web", "mode": "managed", "type": "azurerm_federated_identity_credential", "name": "web", "values": {"name": "web", "issuer": "ISSUER", "subject": "SUBJECT", "audience": ["api://AzureADTokenExchange"], "parent_id": "/subscriptions/x"}}]}}}"#,
        r#"{"format_version": "1.2", "planned_values": {"root_module": {"child_modules": [{"address": "module.a", "resources": [{"type": "azuread_application_federated_identity_credential", "name": "x", "values": {"display_name": "web", "issuer": "ISSUER", "subject": "SUBJECT", "audiences": ["api://AzureADTokenExchange"]}}]}]}}, "resource_changes": []}"#,
        // Azure Service Operator, "FederatedIdentityCredential".
        "apiVersion: managedidentity.azure.com/v1api20230131\nkind: FederatedIdentityCredential\nmetadata: {name: web, namespace: default}\nspec:\n  owner: {name: sampleuserassignedidentity}\n  audiences: ['api://AzureADTokenExchange']\n  issuer: ISSUER\n  subject: SUBJECT\n",
        // Crossplane's provider, "FederatedIdentityCredential".
        "apiVersion: managedidentity.azure.upbound.io/v1beta1\nkind: FederatedIdentityCredential\nmetadata: {name: example, annotations: {crossplane.io/external-name: web}}\nspec: {forProvider: {audience: ['api://AzureADTokenExchange'], issuer: ISSUER, subject: SUBJECT, resourceGroupName: x}}\n",
        // Bicep's compiled JSON, with a parameter's default.
        r#"{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "parameters": {"issuer": {"type": "string", "defaultValue": "ISSUER"}}, "resources": [{"type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", "apiVersion": "2023-01-31", "name": "yada/web", "properties": {"issuer": "[parameters('issuer')]", "subject": "SUBJECT", "audiences": ["api://AzureADTokenExchange"]}}]}"#,
        // Microsoft Graph by az rest.
        r#"{"@odata.context": "x", "value": [{"name": "web", "issuer": "ISSUER", "subject": "SUBJECT", "audiences": ["api://AzureADTokenExchange"]}]}"#,
    ];
    for example in examples {
        let read = of(example);
        assert_eq!((&*read.name, &*read.issuer, &*read.subject), ("web", ISSUER, SUBJECT), "{example}");
        assert_eq!(read.audiences, ["api://AzureADTokenExchange"], "{example}");
    }
}

fn token(subject: &str) -> Presented {
    Presented {
        client_id: String::new(),
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        audience: "api://AzureADTokenExchange".to_owned(),
        is_for_binding: false,
    }
}

#[test]
fn a_simple_expression_is_evaluated() {
    let example = |expression: &str| {
        format!(
            r#"[{{"name": "web", "issuer": "ISSUER", "subject": null, "audiences": ["api://AzureADTokenExchange"], "claimsMatchingExpression": {{"languageVersion": 1, "value": "{expression}"}}}}]"#
        )
    };
    for (expression, fits, is_open) in [
        ("claims['sub'] eq 'system:serviceaccount:team:web'", true, false),
        ("claims['sub'] matches 'system:serviceaccount:team:*'", true, false),
        ("claims['sub'] matches 'system:serviceaccount:*:we?'", true, false),
        ("claims['sub'] matches 'system:serviceaccount:other:*'", false, false),
        ("claims['sub'] matches 'a*' and claims['aud'] eq 'b'", false, true),
        ("claims['job'] eq 'x'", false, true),
    ] {
        let read = of(&example(expression));
        assert_eq!((read.fits(&token(SUBJECT)), read.is_open()), (fits, is_open), "{expression}");
        assert_eq!(read.may_fit(&token(SUBJECT)), is_open, "{expression}");
    }
}

#[test]
fn what_a_plan_does_not_know_yet_is_open() {
    let read = of(
        r#"{"format_version": "1.2", "planned_values": {"root_module": {"resources": [{"type": "azurerm_federated_identity_credential", "values": {"name": "web", "subject": "SUBJECT"}}]}}}"#,
    );
    assert!(
        read.is_open() && read.may_fit(&token(SUBJECT)) && !read.may_fit(&token("system:serviceaccount:a:b"))
    );
}

#[test]
fn what_is_no_list_is_named() {
    for (text, error) in [
        ("{}", "neither a list nor an object with a list \"value\""),
        ("[{}]", "credential 1: missing field `issuer`"),
        ("kind: Pod", "no FederatedIdentityCredential is in it"),
        ("[", "EOF while parsing a list at line 1 column 1"),
    ] {
        assert_eq!(read(text, None), Err(error.to_owned()));
    }
}
