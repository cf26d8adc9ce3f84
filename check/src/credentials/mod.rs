//! Federated credentials, as tools list them, and what a token and a credential differ in.

mod read;

pub use self::read::read;
use crate::presented::Presented;

/// A federated credential of an identity or an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// Whose tokens it trusts, with its last slash. Empty where a tool does not know it yet.
    pub issuer: String,
    /// Which ServiceAccount's: `system:serviceaccount:NAMESPACE:NAME`. Empty for a flexible credential, which has an expression instead, and
    /// where a tool does not know it yet.
    pub subject: String,
    /// For whom the token must be.
    pub audiences: Vec<String>,
    /// The expression of a flexible one.
    pub expression: Option<String>,
    /// The client ID that it is for, where that was given.
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

    /// What its expression says of a subject; none where it has none, or one that is not evaluated here.
    fn matches(&self, subject: &str) -> Option<bool> {
        let (operator, pattern) =
            self.expression.as_deref()?.trim().strip_prefix("claims['sub']")?.trim_start().split_once(' ')?;
        let pattern = pattern.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        match operator {
            _ if pattern.contains('\'') => None,
            "eq" => Some(pattern == subject),
            "matches" => Some(is_match(pattern.as_bytes(), subject.as_bytes())),
            _ => None,
        }
    }

    /// Whether it may accept the token: its expression decides, or what a tool does not know yet.
    pub(crate) fn may_fit(&self, presented: &Presented) -> bool {
        self.is_open()
            && self.is_of(&presented.client_id)
            && (self.issuer.is_empty() || self.issuer == presented.issuer)
            && (self.subject.is_empty() || self.subject == presented.subject)
            && (self.audiences.is_empty() || self.audiences.contains(&presented.audience))
    }

    /// Whether what it accepts can't be told from what is given.
    pub(crate) fn is_open(&self) -> bool {
        self.issuer.is_empty() || (self.subject.is_empty() && self.matches("").is_none())
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
            (subject, self.matches(&presented.subject).unwrap_or(self.subject == presented.subject)),
            (Part::Audience, self.audiences.contains(&presented.audience)),
        ]
        .into_iter()
        .filter_map(|(part, same)| (!same).then_some(part))
        .collect()
    }
}

/// Whether a text fits a pattern of a flexible credential: `*` stands for any characters, `?` for one.
fn is_match(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut text_at, mut star) = (0, 0, None);
    while text_at < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, text_at));
                at += 1;
            }
            Some(one) if *one == b'?' || text.get(text_at) == Some(one) => {
                at += 1;
                text_at += 1;
            }
            Some(_) | None => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                text_at = taken + 1;
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|one| *one == b'*')
}

#[cfg(test)]
mod tests;
