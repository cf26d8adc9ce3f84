//! Compares federated credentials, as `az` lists them, with the tokens that pods will have, to predict what Microsoft Entra will answer.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::{
    advice::{Advice, Advisor, CREDENTIALS_MAX},
    binding::{self, Access},
    clouds,
    credentials::{Credential, List, Part},
    finding::{Finding, Location, Severity},
    judge::{Entry, Judged, Outcome},
    kinds::{is_account, use_label},
    object::nowhere,
    policy,
    presented::{Presented, account_of, containers, env},
};

/// What is said of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The token.
    pub token: Presented,
    /// In words; nothing is wrong where there is no finding.
    pub text: String,
    /// That no credential fits, and what to do.
    pub finding: Option<(Finding, Advice)>,
    /// For the endpoint of identity bindings: what the files say of its access.
    pub access: Option<Access>,
}

/// The tokens of a run: those of the pods that get their identity or have it, and those of `ServiceAccounts` without such a pod here. One
/// without a label that names an identity is asked for its token by External Secrets, Flux or a CSI driver. And those that operators present.
#[must_use]
pub fn tokens(judged: &Judged) -> BTreeSet<Presented> {
    let (accounts, pods): (Vec<&Entry>, Vec<&Entry>) =
        judged.entries.iter().partition(|entry| is_account(&entry.before));
    let mut tokens: BTreeSet<Presented> =
        pods.into_iter().flat_map(|entry| entry.presented.iter().cloned()).collect();
    let known: BTreeSet<String> = tokens.iter().map(|token| token.subject.clone()).collect();
    tokens.extend(
        accounts.into_iter().flat_map(|entry| {
            entry.presented.iter().filter(|token| !known.contains(&token.subject)).cloned()
        }),
    );
    tokens.extend(judged.tokens.iter().map(|(token, _)| token.clone()));
    tokens
}

/// Whether Microsoft Entra will take each token, by the credentials of `lists`; and what is worth knowing of the lists.
#[must_use]
pub fn check_all(
    judged: &Judged,
    lists: &[List],
    issuer: &str,
    namespace: &str,
) -> (Vec<Said>, Vec<Finding>) {
    let all: Vec<Credential> = lists.iter().flat_map(|list| list.credentials.iter().cloned()).collect();
    let names: Vec<&str> = lists.iter().map(|list| list.name.as_str()).collect();
    let tokens = tokens(judged);
    let places = Places::new(judged, namespace);
    let mut advisor = Advisor::new(by_client(lists, &tokens), &tokens);
    let (bound, others): (Vec<&Presented>, Vec<&Presented>) =
        tokens.iter().partition(|token| token.is_for_binding);
    let bound = bound.into_iter().map(|token| {
        let access = binding::access(&judged.objects, token, namespace);
        let text = binding::words(access, token);
        let finding = (access == Access::NotBound).then(|| {
            let mut finding = places.finding(token, text.clone(), &Advice::Bind);
            (finding.rule, finding.severity) = ("identity-binding".to_owned(), Severity::Warning);
            (finding, Advice::Bind)
        });
        Said { token: token.clone(), text, finding, access: Some(access) }
    });
    let said = others.into_iter().map(|token| match check(&all, token) {
        Ok(()) => Said {
            token: token.clone(),
            text: "a federated credential fits".to_owned(),
            finding: None,
            access: None,
        },
        Err(mismatch) => {
            let flexible = all.iter().find(|one| one.may_fit(token));
            let (message, advice) = match flexible {
                Some(flexible) => (
                    format!(
                        "can't tell: no plain federated credential of {} fits, and {} {} may",
                        token.client_id,
                        if flexible.expression.is_some() {
                            "the flexible one"
                        } else {
                            "the one whose issuer or subject is not given,"
                        },
                        quoted(&flexible.name)
                    ),
                    Advice::Compare,
                ),
                None => (format!("{}{}", mismatch.what(&names), places.asker(token)), advisor.advise(token)),
            };
            let finding = places.finding(token, message, &advice);
            let text = finding.sentence();
            Said { token: token.clone(), text, finding: Some((finding, advice)), access: None }
        }
    });
    let said = bound.chain(said).collect();
    let mut warnings = clouds::others(judged, issuer, namespace);
    for list in lists {
        let of_list = |message| {
            crate::object::of_file(Severity::Warning, "federated-credential", nowhere(&list.name), message)
        };
        let number = list.credentials.len();
        if number > CREDENTIALS_MAX {
            warnings.push(of_list(format!(
                "has {number} federated credentials: an identity can have {CREDENTIALS_MAX}"
            )));
        }
        // An account without a label may ask for its token by itself: only what no file has is told.
        let unused = unused(&list.credentials, issuer, &tokens);
        let unused: Vec<String> = unused
            .into_iter()
            .filter(|credential| !places.has(&credential.subject))
            .map(|credential| format!("{} ({})", quoted(&credential.name), credential.subject))
            .collect();
        if !unused.is_empty() {
            warnings.push(of_list(format!(
                "has credentials for ServiceAccounts that no file has: {}",
                unused.join(", ")
            )));
        }
    }
    (said, warnings)
}

/// The credentials of each client ID that a token asks for, and whether a list of it was given. Where no list was given at all, names are for
/// Terraform, which replaces nothing that exists.
fn by_client<'l>(
    lists: &'l [List],
    tokens: &BTreeSet<Presented>,
) -> HashMap<String, (Vec<&'l Credential>, bool)> {
    let mut of = HashMap::new();
    for token in tokens {
        let client_id = token.client_id.to_ascii_lowercase();
        of.entry(client_id.clone()).or_insert_with(|| {
            let own: Vec<&List> = lists
                .iter()
                .filter(|list| list.client_id.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(&client_id)))
                .collect();
            (own.iter().flat_map(|list| &list.credentials).collect(), lists.is_empty() || !own.is_empty())
        });
    }
    of
}

/// Where the tokens are from.
struct Places {
    accounts: HashMap<(String, String), Location>,
    /// The first pod that presents each.
    pods: HashMap<Presented, Location>,
    /// The subjects of `ServiceAccounts` that have no label.
    unlabelled: HashSet<String>,
    /// The container that has the client ID from itself, and not from the ServiceAccount.
    own: HashMap<Presented, String>,
    /// The object that makes an operator present it.
    asked: HashMap<Presented, (String, Location)>,
}

impl Places {
    fn new(judged: &Judged, namespace: &str) -> Self {
        let mut pods = HashMap::new();
        for entry in judged.entries.iter().rev() {
            for token in &entry.presented {
                pods.extend(judged.location(entry).map(|location| (token.clone(), location)));
            }
        }
        let accounts = judged.entries.iter().filter(|entry| is_account(&entry.before));
        let unlabelled = accounts.filter(|entry| use_label(&entry.before) != Some("true"));
        // What a pod presents is asked for by the pod.
        let of_pods = judged.entries.iter().filter(|entry| !is_account(&entry.before));
        let of_pods: HashSet<&str> =
            of_pods.flat_map(|entry| &entry.presented).map(|token| token.subject.as_str()).collect();
        let unlabelled = unlabelled.flat_map(|entry| &entry.presented).map(|token| token.subject.clone());
        let unlabelled = unlabelled.filter(|subject| !of_pods.contains(subject.as_str()));
        let mut own = HashMap::new();
        for entry in judged.entries.iter().filter(|entry| entry.outcome == Outcome::Identity) {
            for container in containers(&entry.before) {
                let id = env(container, "AZURE_CLIENT_ID").and_then(|env| env.get("value")?.as_str());
                let its = entry.presented.iter().find(|token| Some(token.client_id.as_str()) == id);
                let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
                own.extend(its.map(|token| (token.clone(), name.to_owned())));
            }
        }
        let asked = judged.tokens.iter().filter_map(|(token, at)| {
            let asked = judged.asked.get(*at)?;
            let object = judged.objects.get(asked.object)?;
            Some((token.clone(), (object.title(namespace).to_string(), object.location(&asked.path))))
        });
        let asked = asked.collect();
        let unlabelled = unlabelled.collect();
        Self { accounts: judged.accounts(namespace), pods, unlabelled, own, asked }
    }

    /// Who asks for a token, where it is not a pod for the identity of its ServiceAccount.
    fn asker(&self, token: &Presented) -> String {
        if let Some(container) = self.own.get(token) {
            format!("\n  (container {container} has this client ID from itself)")
        } else if let Some((object, _)) = self.asked.get(token) {
            format!("\n  ({object} asks for this token)")
        } else if self.unlabelled.contains(&token.subject) {
            "\n  (the ServiceAccount has no label: External Secrets, Flux or a CSI driver would ask for this token)".to_owned()
        } else {
            String::new()
        }
    }

    /// Whether the files have the ServiceAccount of a subject, with a label or without.
    fn has(&self, subject: &str) -> bool {
        let (namespace, name) = account_of(subject);
        self.accounts.contains_key(&(namespace.to_owned(), name.to_owned()))
    }

    /// The finding that no credential fits, at the ServiceAccount.
    fn finding(&self, token: &Presented, message: String, advice: &Advice) -> Finding {
        let (namespace, name) = account_of(&token.subject);
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let account = self.accounts.get(&(namespace.clone(), name.clone()));
        let asked = || self.asked.get(token).map(|(_, location)| location);
        let location = account.or_else(|| self.pods.get(token)).or_else(asked);
        let location = location.cloned().unwrap_or_else(|| nowhere(""));
        let severity = if *advice == Advice::Compare { Severity::Unknown } else { Severity::Error };
        Finding {
            severity,
            rule: "federated-credential".to_owned(),
            object: policy::Object {
                kind: "ServiceAccount".to_owned(),
                namespace: Some(namespace),
                name: Some(name),
            },
            path: None,
            container: None,
            message,
            fix: Some(advice.words()),
            paste: advice.command(token),
            location,
            related: Vec::new(),
        }
    }
}

/// A text in quotes, as JSON has it.
fn quoted(text: &str) -> Value {
    Value::from(text)
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

/// Whether a credential fits what is presented.
///
/// # Errors
/// None does.
pub fn check<'c>(credentials: &'c [Credential], presented: &Presented) -> Result<(), Box<Mismatch<'c>>> {
    let own = credentials
        .iter()
        .filter(|credential| credential.is_of(&presented.client_id) && !credential.is_open());
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

impl Mismatch<'_> {
    /// What differs, from the nearest credential of the lists of these names.
    #[must_use]
    pub fn what(&self, lists: &[&str]) -> String {
        let Presented { client_id, issuer, subject, audience, .. } = &self.presented;
        let Some(nearest) = self.nearest else {
            let place = if lists.is_empty() { "the files".to_owned() } else { lists.join(", ") };
            return format!("no federated credential of {client_id} is in {place}");
        };
        let error = self.parts.first().copied().unwrap_or(Part::Subject).error();
        let mut text = format!(
            "no federated credential of {client_id} fits, Entra will answer {error}; the nearest is {}:",
            quoted(&nearest.name)
        );
        for part in &self.parts {
            let (name, token, credential) = match part {
                Part::Issuer => ("issuer", issuer, nearest.issuer.clone()),
                Part::Subject | Part::SubjectCase => ("subject", subject, nearest.subject.clone()),
                Part::Audience => ("audience", audience, nearest.audiences.join(", ")),
            };
            text.extend([format!("\n  {name:8}  token       {token}\n            credential  {credential}")]);
        }
        text
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
            is_for_binding: false,
        }
    }

    fn credential(issuer: &str, subject: &str, audience: &str) -> Credential {
        Credential {
            name: "yada".to_owned(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences: vec![audience.to_owned()],
            expression: None,
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
            assert!(mismatch.what(&[]).contains(error), "{mismatch:?}");
        }
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
