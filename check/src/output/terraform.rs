//! Federated credentials as resources of Terraform.

use serde_json::Value;

use crate::presented::Presented;

/// The credential that fits, as a resource of Terraform's provider azurerm (5.x; `user_assigned_identity_id` is in 4.x too). Which
/// resource the identity is, Terraform's files say: it is named after the ServiceAccount here.
#[must_use]
pub fn resource(presented: &Presented) -> String {
    let Presented { client_id, issuer, subject, audience } = presented;
    let mut parts = subject.rsplit(':');
    let (name, namespace) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // An identifier begins with a letter. It can contain every character of a name except the dash and the dot.
    let identifier = |text: &str| {
        format!(
            "{}{}",
            if text.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" },
            text.replace(['-', '.'], "_")
        )
    };
    let (resource, identity) = (identifier(&format!("{namespace}_{name}")), identifier(name));
    let [issuer, subject, audience, name] = [issuer.as_str(), subject, audience, name].map(hcl);
    format!(
        "# For the identity with client ID {client_id}.\nresource \"azurerm_federated_identity_credential\" \"{resource}\" {{\n  name                      = {name}\n  user_assigned_identity_id = azurerm_user_assigned_identity.{identity}.id\n  issuer                    = {issuer}\n  subject                   = {subject}\n  audience                  = [{audience}]\n}}\n"
    )
}

/// A string of HCL, in which `${` and `%{` begin nothing (HCL, "Quoted strings").
fn hcl(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.replace("${", "$${").replace("%{", "%%{")
}
