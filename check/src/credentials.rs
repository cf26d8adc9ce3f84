//! Federated credentials, as tools list them, and what a token and a credential differ in.

use serde::Deserialize;
use serde_json::Value;

use crate::presented::Presented;

/// A federated credential of an identity or an application.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Credential {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Whose tokens it trusts, with its last slash.
    pub issuer: String,
    /// Which ServiceAccount's: `system:serviceaccount:NAMESPACE:NAME`. Empty for a flexible credential, which has an expression instead.
    #[serde(default, deserialize_with = "or_empty")]
    pub subject: String,
    /// For whom the token must be.
    pub audiences: Vec<String>,
    /// The client ID that it is for, where that was given.
    #[serde(skip)]
    pub client_id: Option<String>,
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

/// A text, or nothing for `null`.
fn or_empty<'de, D: serde::Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(value)?.unwrap_or_default())
}

/// What tools print: a list, or Microsoft Graph's and ARM's `{"value": […]}` (`az rest`).
#[derive(Deserialize)]
#[serde(untagged)]
enum Printed {
    List(Vec<Value>),
    Page { value: Vec<Value> },
}

/// Reads what `az identity federated-credential list -o json`, `az ad app federated-credential list`, or `az rest` printed. The list itself
/// does not say which client ID it is of.
///
/// # Errors
/// No list of credentials.
pub fn read(text: &str, client_id: Option<&str>) -> Result<Vec<Credential>, String> {
    let all: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let (Printed::List(all) | Printed::Page { value: all }) = serde_json::from_value(all)
        .map_err(|_| "neither a list nor an object with a list \"value\"".to_owned())?;
    let read = |(index, one): (usize, Value)| {
        // ARM puts everything but the name below `properties`.
        let name = one.get("name").cloned();
        let mut one = match one.get("properties").cloned() {
            Some(inner @ Value::Object(_)) => inner,
            _ => one,
        };
        if let (Some(fields), Some(name)) = (one.as_object_mut(), name) {
            fields.insert("name".to_owned(), name);
        }
        let credential: Credential =
            serde_json::from_value(one).map_err(|error| format!("credential {}: {error}", index + 1))?;
        Ok(Credential { client_id: client_id.map(str::to_owned), ..credential })
    };
    all.into_iter().enumerate().map(read).collect()
}

/// The credentials of a list, and what the list is called: a file's name.
#[derive(Debug, Clone)]
pub struct List {
    /// The file's name.
    pub name: String,
    /// The client ID that it was given for; none where it is for all.
    pub client_id: Option<String>,
    /// Its credentials.
    pub credentials: Vec<Credential>,
}

impl Credential {
    pub(crate) fn is_of(&self, client_id: &str) -> bool {
        self.client_id.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(client_id))
    }

    /// Whether it has an expression in place of a subject, which is not evaluated here.
    pub(crate) fn is_flexible(&self) -> bool {
        self.subject.is_empty()
    }

    /// Whether a flexible one may accept the token: its expression decides.
    pub(crate) fn may_fit(&self, presented: &Presented) -> bool {
        self.is_flexible()
            && self.is_of(&presented.client_id)
            && self.issuer == presented.issuer
            && self.audiences.contains(&presented.audience)
    }

    /// Whether Entra accepts the token for it.
    #[must_use]
    pub fn fits(&self, presented: &Presented) -> bool {
        self.differs(presented).is_empty()
    }

    /// What differs; nothing where Entra accepts the token.
    pub(crate) fn differs(&self, presented: &Presented) -> Vec<Part> {
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
