//! Federated credentials as resources of Terraform.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{advice::Advice, federated::Said, presented::Presented};

/// The credentials that are missing, as resources of Terraform's provider azurerm (5.x; `user_assigned_identity_id` is in 4.x too). Which
/// resource an identity is, Terraform's files say: it is named after the client ID here, one for each.
#[must_use]
pub fn resources(said: &[Said]) -> String {
    let mut names = BTreeSet::new();
    let missing = said.iter().filter_map(|said| Some((&said.token, &said.finding.as_ref()?.1)));
    let resource = |(token, advice): (&Presented, &Advice)| match advice {
        Advice::Create { name, .. } => resource(token, name, &mut names),
        Advice::Update { .. } | Advice::Conflict | Advice::Full | Advice::Compare | Advice::Bind => {
            format!(
                "# {}, for the identity with client ID {}: {}.\n",
                token.subject,
                token.client_id,
                advice.words()
            )
        }
    };
    missing.map(resource).collect()
}

fn resource(token: &Presented, name: &str, names: &mut BTreeSet<String>) -> String {
    let Presented { client_id, issuer, subject, audience, .. } = token;
    // An identifier begins with a letter. A dash becomes what no name has.
    let plain = name.replace('-', "_");
    let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain };
    let first = client_id.split('-').next().unwrap_or_default();
    let resource = if names.contains(&plain) { format!("{plain}_{first}") } else { plain };
    names.insert(resource.clone());
    let [issuer, subject, audience, name] = [issuer.as_str(), subject, audience, name].map(hcl);
    format!(
        "# For the identity with client ID {client_id}.\nresource \"azurerm_federated_identity_credential\" \"{resource}\" {{\n  name                      = {name}\n  user_assigned_identity_id = azurerm_user_assigned_identity.identity_{first}.id\n  issuer                    = {issuer}\n  subject                   = {subject}\n  audience                  = [{audience}]\n}}\n"
    )
}

/// A string of HCL, in which `${` and `%{` begin nothing (HCL, "Quoted strings").
fn hcl(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.replace("${", "$${").replace("%{", "%%{")
}
