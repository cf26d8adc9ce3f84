//! Compares federated credentials, as `az` lists them, with the tokens that pods will have, to predict what Microsoft Entra will answer.

use std::{collections::BTreeSet, fmt};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// A federated credential of an identity or an application.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Credential {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Whose tokens it trusts, with its last slash.
    pub issuer: String,
    /// Which ServiceAccount's: `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
    /// For whom the token must be.
    pub audiences: Vec<String>,
    /// The client ID that it is for, where that was given.
    #[serde(skip)]
    pub client_id: Option<String>,
}

/// What a pod presents to Microsoft Entra.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Presented {
    /// The client ID that it asks for.
    pub client_id: String,
    /// The cluster's issuer.
    pub issuer: String,
    /// Its ServiceAccount.
    pub subject: String,
    /// The audience of its token.
    pub audience: String,
}

/// What a token and a credential can differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The issuer.
    Issuer,
    /// The subject.
    Subject,
    /// The subject, but only by upper and lower case, which Entra tells apart since 2024.
    SubjectCase,
    /// The audience.
    Audience,
}

impl Part {
    /// The error with which Entra refuses the token (Microsoft Entra, "authentication and authorization error codes").
    #[must_use]
    pub fn error(self) -> &'static str {
        match self {
            Self::Issuer => "AADSTS700211",
            Self::Subject => "AADSTS700213",
            Self::SubjectCase => "AADSTS7002138",
            Self::Audience => "AADSTS700212",
        }
    }
}

/// Most credentials that an identity can have (Microsoft Entra, "workload identity federation considerations").
pub const CREDENTIALS_MAX: usize = 20;

/// Reads what `az identity federated-credential list -o json`, or `az ad app federated-credential list`, printed; `from` is the file, or
/// `CLIENT_ID=FILE`, since the list itself does not say whose it is.
///
/// # Errors
/// No such file, or no list of credentials.
pub fn read(from: &str) -> Result<Vec<Credential>> {
    let (client_id, file) = match from.split_once('=') {
        Some((client_id, file)) => (Some(client_id.to_owned()), file),
        None => (None, from),
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let mut credentials: Vec<Credential> = serde_json::from_str(&text).with_context(|| {
        format!("{file} is not what az identity federated-credential list -o json prints: a list of issuer, subject and audiences")
    })?;
    for credential in &mut credentials {
        credential.client_id.clone_from(&client_id);
    }
    Ok(credentials)
}

/// Why no credential fits, by the one that is nearest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch<'c> {
    /// The token.
    pub presented: Presented,
    /// The nearest credential, where the identity has any.
    pub nearest: Option<&'c Credential>,
    /// What differs between them.
    pub parts: Vec<Part>,
}

impl Credential {
    fn is_of(&self, client_id: &str) -> bool {
        self.client_id.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(client_id))
    }

    /// What differs; nothing where Entra accepts the token.
    fn differs(&self, presented: &Presented) -> Vec<Part> {
        let subject = if self.subject.eq_ignore_ascii_case(&presented.subject) {
            Part::SubjectCase
        } else {
            Part::Subject
        };
        [
            (Part::Issuer, self.issuer == presented.issuer),
            (subject, self.subject == presented.subject),
            (Part::Audience, self.audiences.contains(&presented.audience)),
        ]
        .into_iter()
        .filter_map(|(part, same)| (!same).then_some(part))
        .collect()
    }
}

/// Whether a credential fits what is presented.
///
/// # Errors
/// None does.
pub fn check<'c>(credentials: &'c [Credential], presented: &Presented) -> Result<(), Box<Mismatch<'c>>> {
    let own = credentials.iter().filter(|credential| credential.is_of(&presented.client_id));
    let nearest =
        own.map(|credential| (credential.differs(presented), credential)).min_by_key(|(parts, _)| {
            // One that is right but for its case was meant for this token.
            (parts.iter().filter(|part| **part != Part::SubjectCase).count(), parts.len())
        });
    match nearest {
        Some((parts, _)) if parts.is_empty() => Ok(()),
        Some((parts, nearest)) => {
            Err(Box::new(Mismatch { presented: presented.clone(), nearest: Some(nearest), parts }))
        }
        None => Err(Box::new(Mismatch { presented: presented.clone(), nearest: None, parts: Vec::new() })),
    }
}

/// Credentials for this issuer that nothing among the files presents a token to.
#[must_use]
pub fn unused<'c>(
    credentials: &'c [Credential],
    issuer: &str,
    presented: &BTreeSet<Presented>,
) -> Vec<&'c Credential> {
    let is_used = |credential: &Credential| presented.iter().any(|one| one.subject == credential.subject);
    credentials.iter().filter(|credential| credential.issuer == issuer && !is_used(credential)).collect()
}

/// The credential that fits, as a resource of Terraform's provider azurerm (5.x; `user_assigned_identity_id` is in 4.x too). Which
/// resource the identity is, Terraform's files say: it is named after the ServiceAccount here.
#[must_use]
pub fn terraform(presented: &Presented) -> String {
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

/// A word for a shell, in quotes if it contains a special character. What no shell can hold, a NUL, is left out.
fn word(text: &str) -> String {
    shlex::Quoter::new()
        .allow_nul(true)
        .quote(text)
        .map_or_else(|_| String::new(), |word| word.replace('\0', ""))
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Presented { client_id, issuer, subject, audience } = &self.presented;
        match self.nearest {
            None => writeln!(f, "no federated credential of {client_id} is in the files")?,
            Some(nearest) => {
                let error = self.parts.first().copied().unwrap_or(Part::Subject).error();
                writeln!(
                    f,
                    "no federated credential of {client_id} fits, Entra will answer {error}; the nearest is {:?}:",
                    nearest.name
                )?;
                for part in &self.parts {
                    let (name, token, credential) = match part {
                        Part::Issuer => ("issuer", issuer, nearest.issuer.clone()),
                        Part::Subject | Part::SubjectCase => ("subject", subject, nearest.subject.clone()),
                        Part::Audience => ("audience", audience, nearest.audiences.join(", ")),
                    };
                    writeln!(f, "  {name:8}  token       {token}\n            credential  {credential}")?;
                }
            }
        }
        let name = subject.rsplit(':').next().unwrap_or_default();
        let [name, issuer, subject, audience] = [name, issuer, subject, audience].map(word);
        write!(
            f,
            "create it with:\naz identity federated-credential create --name {name} --identity-name IDENTITY_NAME --resource-group RESOURCE_GROUP --issuer {issuer} --subject {subject} --audiences {audience}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented() -> Presented {
        Presented {
            client_id: "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa".to_owned(),
            issuer: "https://issuer.example/abc/".to_owned(),
            subject: "system:serviceaccount:default:myserviceaccount".to_owned(),
            audience: "api://AzureADTokenExchange".to_owned(),
        }
    }

    fn credential(issuer: &str, subject: &str, audience: &str) -> Credential {
        Credential {
            name: "yada".to_owned(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences: vec![audience.to_owned()],
            client_id: None,
        }
    }

    #[test]
    fn tells_which_of_the_three_differs() {
        let Presented { issuer, subject, audience, .. } = presented();
        assert_eq!(check(&[credential(&issuer, &subject, &audience)], &presented()), Ok(()));
        for (wrong, part, error) in [
            (credential(issuer.trim_end_matches('/'), &subject, &audience), Part::Issuer, "AADSTS700211"),
            (
                credential(&issuer, "system:serviceaccount:default:other", &audience),
                Part::Subject,
                "AADSTS700213",
            ),
            (
                credential(&issuer, "system:serviceaccount:Default:myserviceaccount", &audience),
                Part::SubjectCase,
                "AADSTS7002138",
            ),
            (credential(&issuer, &subject, "api://other"), Part::Audience, "AADSTS700212"),
        ] {
            let credentials = [credential("https://other/", "system:serviceaccount:a:b", "x"), wrong];
            let mismatch = check(&credentials, &presented()).unwrap_err();
            assert_eq!((&mismatch.parts[..], mismatch.nearest), (&[part][..], Some(&credentials[1])));
            let text = mismatch.to_string();
            assert!(
                text.contains(error)
                    && text.contains("az identity federated-credential create --name myserviceaccount"),
                "{text}"
            );
        }
    }

    #[test]
    fn quotes_what_a_shell_would_read_otherwise() {
        let presented = Presented { issuer: "https://x/$(id)'".to_owned(), ..presented() };
        let text = check(&[], &presented).unwrap_err().to_string();
        assert!(text.contains(r#"--issuer 'https://x/$(id)'"'" --subject system:"#), "{text}");
    }

    #[test]
    fn looks_only_at_the_credentials_of_the_client_id() {
        let Presented { issuer, subject, audience, .. } = presented();
        let of = |client_id: &str| Credential {
            client_id: Some(client_id.to_owned()),
            ..credential(&issuer, &subject, &audience)
        };
        assert_eq!(check(&[of("6F3C2B58-9D3E-4F4C-8A51-0B7E4C1D92AA")], &presented()), Ok(()));
        let other = [of("11111111-2222-4333-8444-555555555555")];
        assert_eq!(check(&other, &presented()).unwrap_err().nearest, None);
        let none = BTreeSet::new();
        assert_eq!(unused(&other, &issuer, &none).len(), 1);
        assert_eq!(unused(&other, &issuer, &BTreeSet::from([presented()])).len(), 0);
    }
}
