//! What to do where no federated credential fits: a command that is safe to paste as it stands.
//!
//! `az identity federated-credential create` is a PUT: with a name that exists it replaces that credential, of whatever cluster. And Azure takes
//! no second credential of the same issuer and subject, nor more than twenty of one identity.

use std::collections::{BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use crate::{
    credentials::Credential,
    presented::{Presented, account_of},
};

/// Most credentials that an identity can have (Microsoft Entra, "workload identity federation considerations").
pub const CREDENTIALS_MAX: usize = 20;

/// Longest name of a federated credential (Azure, "Resource name rules", `Microsoft.ManagedIdentity`: 3 to 120 of letters, digits, `-` and
/// `_`, of which the first is a letter or a digit).
const NAME_MAX: usize = 120;

/// What to do for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// There is none of its issuer and subject: one of this name, which nothing has, is to be created.
    Create {
        /// Its name.
        name: String,
        /// Whether there are others, which stay.
        is_beside: bool,
    },
    /// There is one of its issuer and subject, whose audience is another.
    Update {
        /// Its name.
        name: String,
    },
    /// Two tokens have its issuer and subject, and different audiences.
    Conflict,
    /// The identity has as many as it can have.
    Full,
    /// A role is to be bound, and no credential created.
    Bind,
    /// A flexible credential may fit: its expression is not evaluated here.
    Compare,
}

/// Gives advice for one token after another: what was advised before counts as done.
#[derive(Debug)]
pub struct Advisor<'c> {
    /// The credentials of each client ID, and whether a list of it was given.
    of: HashMap<String, (Vec<&'c Credential>, bool)>,
    /// How many tokens there are of each client ID, issuer and subject.
    alike: HashMap<(String, &'c str, &'c str), usize>,
    /// The names that were advised, by client ID.
    advised: HashMap<String, Vec<String>>,
}

impl<'c> Advisor<'c> {
    /// With what is known of each client ID: its credentials, and whether a list of it was given at all.
    #[must_use]
    pub fn new(of: HashMap<String, (Vec<&'c Credential>, bool)>, tokens: &'c BTreeSet<Presented>) -> Self {
        let mut alike = HashMap::new();
        for token in tokens {
            *alike.entry(Self::key(token)).or_default() += 1;
        }
        Self { of, alike, advised: HashMap::new() }
    }

    /// What Azure tells two credentials of an identity apart by.
    fn key(token: &Presented) -> (String, &str, &str) {
        (token.client_id.to_ascii_lowercase(), &token.issuer, &token.subject)
    }

    /// What to do so that a credential fits this token.
    pub fn advise(&mut self, token: &Presented) -> Advice {
        let client_id = token.client_id.to_ascii_lowercase();
        let (own, is_listed) =
            self.of.get(&client_id).map_or((&[][..], false), |(own, is_listed)| (&own[..], *is_listed));
        let same = own
            .iter()
            .find(|one| one.issuer == token.issuer && one.subject == token.subject && !one.name.is_empty());
        if self.alike.get(&Self::key(token)).is_some_and(|number| *number > 1) {
            return Advice::Conflict;
        }
        if let Some(same) = same {
            return Advice::Update { name: same.name.clone() };
        }
        let advised = self.advised.entry(client_id).or_default();
        if own.len() + advised.len() >= CREDENTIALS_MAX {
            return Advice::Full;
        }
        let is_taken = |name: &str| {
            own.iter().any(|one| one.name.eq_ignore_ascii_case(name))
                || advised.iter().any(|one| one.eq_ignore_ascii_case(name))
        };
        // Of an identity whose list was not given any name may exist: only one with the hash is of nothing else.
        let mut name = name_of(token, !is_listed, 0);
        let mut attempt = 0;
        while is_taken(&name) {
            name = name_of(token, true, attempt);
            attempt += 1;
        }
        advised.push(name.clone());
        Advice::Create { name, is_beside: !own.is_empty() }
    }
}

/// The name for a token when nothing is known of its identity.
#[must_use]
pub fn unlisted_name(token: &Presented) -> String {
    name_of(token, true, 0)
}

/// A name of namespace and ServiceAccount, `team--web`. With a hash of issuer and subject where two could share it otherwise.
fn name_of(token: &Presented, with_hash: bool, attempt: usize) -> String {
    let Presented { issuer, subject, .. } = token;
    let (namespace, name) = account_of(subject);
    let plain = format!("{namespace}--{name}");
    let valid: String =
        plain.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
    let valid = valid.trim_start_matches(['-', '_']).to_owned();
    let is_unique =
        valid == plain && !namespace.contains("--") && !name.contains("--") && valid.len() <= NAME_MAX;
    if is_unique && !with_hash {
        return valid;
    }
    let digest = Sha256::digest(format!("{issuer}\n{subject}\n{attempt}").as_bytes());
    let hash = digest.iter().take(4).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    let kept: String = valid.chars().take(NAME_MAX - 1 - hash.len()).collect();
    format!("{}-{hash}", if kept.is_empty() { "credential" } else { &kept })
}

impl Advice {
    /// What introduces the command, or says what to do where there is none.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Create { is_beside: true, .. } => "create one beside the others with".to_owned(),
            Self::Create { is_beside: false, .. } => "create it with".to_owned(),
            Self::Update { .. } => {
                "Azure takes no second one of the same issuer and subject: change its audience with"
                    .to_owned()
            }
            Self::Conflict => "two tokens of these files have this issuer and subject and different audiences, and Azure takes one credential for both: give one of the pods another ServiceAccount, or both the same audience".to_owned(),
            Self::Bind => "bind the role to the ServiceAccount".to_owned(),
            Self::Compare => "compare its expression with the subject yourself".to_owned(),
            Self::Full => format!(
                "the identity has {CREDENTIALS_MAX} federated credentials, as many as it can have: remove one that nothing uses, take a second identity, or use identity bindings"
            ),
        }
    }

    /// The command, where there is one.
    #[must_use]
    pub fn command(&self, token: &Presented) -> Option<String> {
        match self {
            Self::Create { name, .. } => Some(command("create", name, token)),
            Self::Update { name } => Some(command("update", name, token)),
            Self::Conflict | Self::Full | Self::Compare | Self::Bind => None,
        }
    }
}

fn command(verb: &str, name: &str, token: &Presented) -> String {
    let Presented { issuer, subject, audience, .. } = token;
    let [name, issuer, subject, audience] = [name, issuer, subject, audience].map(word);
    format!(
        "az identity federated-credential {verb} --name {name} --identity-name IDENTITY_NAME --resource-group RESOURCE_GROUP --issuer {issuer} --subject {subject} --audiences {audience}"
    )
}

/// A word for a shell, in quotes if it contains a special character. What no shell can hold, a NUL, is left out.
fn word(text: &str) -> String {
    shlex::Quoter::new()
        .allow_nul(true)
        .quote(text)
        .map_or_else(|_| String::new(), |word| word.replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUDIENCES: [&str; 2] = ["api://AzureADTokenExchange", "api://other"];

    /// The next number of a fixed sequence (xorshift, Marsaglia 2003).
    fn next(state: &mut u64, below: usize) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state % below as u64).unwrap()
    }

    fn token(issuer: usize, subject: &str, audience: usize) -> Presented {
        Presented {
            client_id: "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa".to_owned(),
            issuer: format!("https://issuer-{issuer}.example/"),
            subject: format!("system:serviceaccount:{subject}"),
            audience: AUDIENCES[audience].to_owned(),
            is_for_binding: false,
        }
    }

    fn credential(name: &str, token: &Presented) -> Credential {
        Credential {
            name: name.to_owned(),
            issuer: token.issuer.clone(),
            subject: token.subject.clone(),
            audiences: vec![token.audience.clone()],
            expression: None,
            client_id: None,
        }
    }

    /// What Azure makes of a command: a PUT by name.
    fn put(list: &mut Vec<Credential>, command: &str) {
        let words = shlex::split(command).unwrap();
        assert_eq!(words[..3], ["az", "identity", "federated-credential"], "{command}");
        let value = |option: &str| words[words.iter().position(|word| word == option).unwrap() + 1].clone();
        let name = value("--name");
        let is_valid = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let exists = list.iter().position(|one| one.name.eq_ignore_ascii_case(&name));
        assert_eq!(words[3], if exists.is_some() { "update" } else { "create" }, "{command}");
        assert!(
            words[3] == "update"
                || ((3..=120).contains(&name.len())
                    && name.chars().all(is_valid)
                    && name.starts_with(|c: char| c.is_ascii_alphanumeric())),
            "{name}"
        );
        let made = Credential {
            name,
            issuer: value("--issuer"),
            subject: value("--subject"),
            audiences: vec![value("--audiences")],
            expression: None,
            client_id: None,
        };
        let others = list.iter().enumerate().filter(|(index, _)| Some(*index) != exists);
        assert!(
            others.clone().all(|(_, one)| (&one.issuer, &one.subject) != (&made.issuer, &made.subject)),
            "Azure refuses a second one: {command}"
        );
        match exists {
            Some(index) => list[index] = made,
            None => list.push(made),
        }
        assert!(list.len() <= CREDENTIALS_MAX, "the twenty-first: {command}");
    }

    /// The law of "no command destroys": pasting everything makes every token fit that can fit, and takes nothing from one that fitted.
    #[test]
    fn what_is_pasted_takes_no_identity_away() {
        let subjects = [
            "team:web",
            "team:web.v1",
            "team:web-v1",
            "a-b:c",
            "a:b-c",
            "a--b:c",
            "a:b--c",
            "prod:app",
            "dev:app",
            "x:y",
        ];
        let long = format!("{}:{}", "n".repeat(63), "s".repeat(253));
        let (mut state, mut created, mut updated, mut none) = (88_172_645_463_325_252, 0, 0, 0);
        for _ in 0..4_000 {
            let any = |state: &mut u64| {
                let subject =
                    if next(state, 20) == 0 { &long } else { subjects[next(state, subjects.len())] };
                token(next(state, 3), subject, usize::from(next(state, 6) == 0))
            };
            let tokens: BTreeSet<Presented> = (0..next(&mut state, 12)).map(|_| any(&mut state)).collect();
            let mut list: Vec<Credential> = Vec::new();
            for index in 0..next(&mut state, CREDENTIALS_MAX + 1) {
                let of = any(&mut state);
                let name = match next(&mut state, 3) {
                    0 => name_of(&any(&mut state), false, 0),
                    1 => name_of(&any(&mut state), true, 0),
                    _ => format!("other-{index}"),
                };
                let is_new = |one: &Credential| {
                    one.name != name && (&one.issuer, &one.subject) != (&of.issuer, &of.subject)
                };
                if list.iter().all(is_new) {
                    list.push(credential(&name, &of));
                }
            }
            let before = list.clone();
            let mut advisor = Advisor::new(
                HashMap::from([(
                    "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa".to_owned(),
                    (before.iter().collect(), true),
                )]),
                &tokens,
            );
            let mut hopeless = Vec::new();
            for token in tokens.iter().filter(|token| !before.iter().any(|one| one.fits(token))) {
                let advice = advisor.advise(token);
                if let Some(command) = advice.command(token) {
                    created += usize::from(matches!(advice, Advice::Create { .. }));
                    updated += usize::from(matches!(advice, Advice::Update { .. }));
                    put(&mut list, &command);
                } else {
                    none += 1;
                    hopeless.push(token);
                }
            }
            for token in tokens.iter().filter(|token| !hopeless.contains(token)) {
                assert!(list.iter().any(|one| one.fits(token)), "{token:?} {before:?}");
            }
            for one in before.iter().filter(|one| tokens.iter().any(|token| one.fits(token))) {
                assert!(list.contains(one), "{one:?} is gone");
            }
        }
        assert!(created > 1000 && updated > 100 && none > 100, "{created} {updated} {none}");
    }

    #[test]
    fn names_no_two_accounts_alike() {
        let names: BTreeSet<String> = ["a-b:c", "a:b-c", "a--b:c", "a:b--c", "web.v1:a", "web-v1:a"]
            .iter()
            .map(|subject| name_of(&token(0, subject, 0), false, 0))
            .collect();
        assert_eq!(names.len(), 6, "{names:?}");
        assert_eq!(name_of(&token(0, "team:web", 0), false, 0), "team--web");
        assert_ne!(unlisted_name(&token(0, "team:web", 0)), unlisted_name(&token(1, "team:web", 0)));
    }

    #[test]
    fn quotes_what_a_shell_would_read_otherwise() {
        let token = Presented { issuer: "https://x/$(id)'".to_owned(), ..token(0, "team:web", 0) };
        let command = Advice::Update { name: "a b".to_owned() }.command(&token).unwrap();
        assert!(
            command.contains("--name 'a b' ")
                && command.contains(r#"--issuer 'https://x/$(id)'"'" --subject system:"#),
            "{command}"
        );
    }
}
