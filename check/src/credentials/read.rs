//! Federated credentials as tools write them, to one form.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Credential;
use crate::{
    kinds::{group_version, kind, name_of},
    object::Manifests,
    yaml::walk,
};

/// A credential as Azure's and Microsoft Graph's JSON has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plain {
    #[serde(default)]
    name: String,
    issuer: String,
    /// `null` for a flexible one.
    #[serde(default)]
    subject: Option<String>,
    audiences: Vec<String>,
    /// In place of the subject (Microsoft Entra, "Flexible federated identity credentials").
    #[serde(default)]
    claims_matching_expression: Option<Expression>,
}

#[derive(Deserialize)]
struct Expression {
    value: String,
}

impl From<Plain> for Credential {
    fn from(plain: Plain) -> Self {
        let Plain { name, issuer, subject, audiences, claims_matching_expression } = plain;
        Self {
            name,
            issuer,
            subject: subject.unwrap_or_default(),
            audiences,
            expression: claims_matching_expression.map(|expression| expression.value),
            client_id: None,
        }
    }
}

/// Reads what `az identity federated-credential list -o json`, `az ad app federated-credential list`, `az rest`, `terraform show -json`,
/// `bicep build --stdout` printed, or the manifests of Azure Service Operator's and Crossplane's credentials. They do not say which client
/// ID they are of.
///
/// # Errors
/// Neither of these.
pub fn read(text: &str, client_id: Option<&str>) -> Result<Vec<Credential>, String> {
    let credentials = match serde_json::from_str(text) {
        Ok(value) => of_json(value)?,
        Err(error) if text.trim_start().starts_with(['{', '[']) => return Err(error.to_string()),
        Err(_) => of_manifests(text)?,
    };
    let of = |credential| Credential { client_id: client_id.map(str::to_owned), ..credential };
    Ok(credentials.into_iter().map(of).collect())
}

fn of_json(value: Value) -> Result<Vec<Credential>, String> {
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) => {
            if let Some(Value::Array(list)) = object.get_mut("value").map(Value::take) {
                list
            } else if object.contains_key("planned_values") || object.contains_key("values") {
                return Ok(of_terraform(&Value::Object(object)));
            } else if object
                .get("$schema")
                .is_some_and(|schema| schema.to_string().contains("deploymentTemplate"))
            {
                return Ok(of_template(&Value::Object(object)));
            } else if object.contains_key("apiVersion") {
                return of_manifests(&Value::Object(object).to_string());
            } else {
                return Err("neither a list nor an object with a list \"value\"".to_owned());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err("neither a list nor an object with a list \"value\"".to_owned());
        }
    };
    list.into_iter().enumerate().map(plain).collect()
}

fn plain((index, one): (usize, Value)) -> Result<Credential, String> {
    // ARM puts everything but the name below `properties`.
    let name = one.get("name").cloned();
    let mut one = match one.get("properties").cloned() {
        Some(inner @ Value::Object(_)) => inner,
        _ => one,
    };
    if let (Some(fields), Some(name)) = (one.as_object_mut(), name) {
        fields.insert("name".to_owned(), name);
    }
    let plain: Plain =
        serde_json::from_value(one).map_err(|error| format!("credential {}: {error}", index + 1))?;
    Ok(plain.into())
}

/// A credential of which a tool may not know everything yet: what it does not say is empty.
fn known(
    name: Option<&str>,
    issuer: Option<&str>,
    subject: Option<&str>,
    audiences: Option<&Value>,
) -> Credential {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let audiences = audiences.and_then(Value::as_array).into_iter().flatten();
    Credential {
        name: text(name),
        issuer: text(issuer),
        subject: text(subject),
        audiences: audiences.filter_map(Value::as_str).map(str::to_owned).collect(),
        expression: None,
        client_id: None,
    }
}

/// The resources in `terraform show -json`, of a plan or of a state (Terraform, "JSON Output Format"): those of azurerm and of azuread.
fn of_terraform(shown: &Value) -> Vec<Credential> {
    let values = shown.get("planned_values").or_else(|| shown.get("values")).unwrap_or(&Value::Null);
    let mut found = Vec::new();
    walk(values, &mut Vec::new(), &mut |_, value| {
        let text = |name: &str| value.get("values")?.get(name)?.as_str();
        let list = |name: &str| value.get("values")?.get(name);
        match value.get("type").and_then(Value::as_str) {
            Some("azurerm_federated_identity_credential") => {
                found.push(known(text("name"), text("issuer"), text("subject"), list("audience")));
            }
            Some("azuread_application_federated_identity_credential") => {
                found.push(known(text("display_name"), text("issuer"), text("subject"), list("audiences")));
            }
            _ => {}
        }
        true
    });
    found
}

/// The resources in an ARM template, as Bicep compiles it: with the defaults of its parameters. Any other expression is not evaluated.
fn of_template(template: &Value) -> Vec<Credential> {
    let mut found = Vec::new();
    walk(template, &mut Vec::new(), &mut |_, value| {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let of_identity = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";
        if kind.eq_ignore_ascii_case(of_identity) {
            let text = |name: &str| evaluated(template, value.get("properties")?.get(name)?.as_str()?);
            // The identity's name stands before the credential's.
            let name = value.get("name").and_then(Value::as_str).and_then(|name| evaluated(template, name));
            let name = name.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned());
            let list = value.pointer("/properties/audiences");
            found.push(known(name.as_deref(), text("issuer").as_deref(), text("subject").as_deref(), list));
        }
        true
    });
    found
}

/// A text of a template: as it stands, or the default of the parameter or the variable that it is.
fn evaluated(template: &Value, text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('[').filter(|inner| !inner.starts_with('[')) else {
        return Some(text.to_owned());
    };
    let name = |function: &str| inner.strip_prefix(function)?.strip_prefix("('")?.strip_suffix("')]");
    let parameter =
        name("parameters").and_then(|name| template.get("parameters")?.get(name)?.get("defaultValue"));
    let variable = || template.get("variables")?.get(name("variables")?);
    let value = parameter.or_else(variable)?.as_str()?;
    (!value.starts_with('[')).then(|| value.to_owned())
}

/// Manifests of operators.
fn of_manifests(text: &str) -> Result<Vec<Credential>, String> {
    let mut manifests = Manifests::default();
    manifests.add("", text);
    if let Some(problem) = manifests.findings.iter().find(|finding| finding.rule == "not-readable") {
        return Err(problem.message.clone());
    }
    let found: Vec<Credential> =
        manifests.objects.iter().filter_map(|object| of_manifest(&object.value)).collect();
    if found.is_empty() {
        return Err("no FederatedIdentityCredential is in it".to_owned());
    }
    Ok(found)
}

fn of_manifest(object: &Value) -> Option<Credential> {
    let nothing = Map::new();
    let fields = |path: &str| object.pointer(path).and_then(Value::as_object).unwrap_or(&nothing).clone();
    let of = |name: &str, fields: &Map<String, Value>, audiences: &str| {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        known(Some(name), text("issuer"), text("subject"), fields.get(audiences))
    };
    if !kind(object).ends_with("FederatedIdentityCredential") {
        return None;
    }
    let group = group_version(object).0;
    if group == "managedidentity.azure.com" {
        let spec = fields("/spec");
        let name = spec.get("azureName").and_then(Value::as_str).unwrap_or_else(|| name_of(object));
        return Some(of(name, &spec, "audiences"));
    }
    let is_crossplane = group.ends_with(".azure.upbound.io") || group.ends_with(".azure.m.upbound.io");
    is_crossplane.then(|| {
        let name = object.pointer("/metadata/annotations/crossplane.io~1external-name");
        let name = name.and_then(Value::as_str).unwrap_or_else(|| name_of(object));
        of(name, &fields("/spec/forProvider"), "audience")
    })
}
