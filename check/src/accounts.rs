//! The `ServiceAccounts` that pods can name: those among the files, and what answers for others.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::{
    kinds::{is_account, name_of, namespace_of, use_label},
    object::Object,
    pods,
    policy::{GetResource, callback_failure},
    yaml::Step,
};

/// What answers for a ServiceAccount that is not among the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Elsewhere {
    /// Nothing: it was not given.
    #[default]
    Nothing,
    /// One with the label and this client ID.
    Assumed(String),
    /// Whoever asks the policy: a cluster, say.
    Cluster,
    /// An error of this text, for every look-up: the page shows what then happens.
    Failure(String),
}

/// A ServiceAccount among the files.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account.
    pub value: Arc<Value>,
    /// The object that it is, or that it is made for, by its index.
    pub object: usize,
    /// Where its metadata stands in that object, where it is not the object itself.
    pub within: Option<Vec<Step>>,
}

/// The `ServiceAccounts`.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// By namespace and name.
    pub found: BTreeMap<(String, String), Account>,
    /// The namespaces of each name.
    namespaces: BTreeMap<String, Vec<String>>,
    elsewhere: Elsewhere,
}

/// How many names are compared at most with those of a namespace: a file of thousands that are all missing is no misspelling.
const COMPARED_MAX: usize = 1000;

impl Accounts {
    /// Those among `objects`, of which `namespace` is the namespace where they name none, and those `elsewhere`.
    #[must_use]
    pub fn new(objects: &[Object], namespace: &str, elsewhere: Elsewhere) -> Self {
        let mut found = BTreeMap::new();
        for (index, object) in objects.iter().enumerate() {
            let (value, within) = if is_account(&object.value) {
                (object.value.clone(), None)
            } else if let Some((value, path)) = pods::made_account(&object.value) {
                (value, Some(path))
            } else {
                continue;
            };
            let key = (namespace_of(&value, namespace).to_owned(), name_of(&value).to_owned());
            found.insert(key, Account { value: Arc::new(value), object: index, within });
        }
        let mut namespaces: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (namespace, name) in found.keys() {
            namespaces.entry(name.clone()).or_default().push(namespace.clone());
        }
        Self { found, namespaces, elsewhere }
    }

    /// What a look-up is answered; the error is the whole text that the guest sees. `None` where the cluster is asked.
    #[must_use]
    pub fn answer(&self, request: &GetResource) -> Option<Result<Vec<u8>, String>> {
        if let Elsewhere::Failure(text) = &self.elsewhere {
            return Some(Err(text.clone()));
        }
        if let Some(account) = self.found.get(&request.key()) {
            return Some(Ok(account.value.to_string().into_bytes()));
        }
        match &self.elsewhere {
            Elsewhere::Cluster => None,
            // It exists in every namespace.
            Elsewhere::Nothing | Elsewhere::Assumed(_) if request.name == "default" => {
                Some(Ok(account(request, None)))
            }
            Elsewhere::Nothing | Elsewhere::Failure(_) => Some(Err(callback_failure(&request.not_found()))),
            Elsewhere::Assumed(client_id) => Some(Ok(account(request, Some(client_id)))),
        }
    }

    /// Whether nothing but the files answers, and this one is not among them.
    #[must_use]
    pub fn is_not_given(&self, request: &GetResource) -> bool {
        self.elsewhere == Elsewhere::Nothing
            && request.name != "default"
            && !self.found.contains_key(&request.key())
    }

    /// Whether a look-up of this one finds nothing, as far as the files say.
    #[must_use]
    pub fn is_missing(&self, request: &GetResource) -> bool {
        matches!(self.answer(request), Some(Err(_)))
    }

    /// What may be meant by one that is not among the files: of its own name elsewhere, or of a name like it beside it.
    #[must_use]
    pub fn meant(&self, (namespace, name): &(String, String)) -> Option<String> {
        if let Some(others) = self.namespaces.get(name) {
            let others: Vec<&str> = others.iter().map(String::as_str).take(3).collect();
            return Some(format!("there is one of that name in namespace {}", others.join(", ")));
        }
        let most = 1 + name.len() / 5;
        let beside = self
            .found
            .range((namespace.clone(), String::new())..)
            .take_while(|((own, _), _)| own == namespace);
        let near = beside
            .take(COMPARED_MAX)
            .map(|((_, other), _)| other)
            .filter(|other| other.len().abs_diff(name.len()) <= most);
        let near = near.map(|other| (strsim::damerau_levenshtein(other, name), other));
        let (_, nearest) = near.filter(|(distance, _)| *distance <= most).min()?;
        Some(format!("did you mean {namespace}/{nearest}?"))
    }

    /// The only namespace that has one of this name.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<&str> {
        match &self.namespaces.get(name)?[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The names of those in a namespace that have the label.
    pub fn labelled<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self
            .found
            .iter()
            .filter(move |((own, _), account)| own == namespace && use_label(&account.value) == Some("true"));
        own.map(|((_, name), _)| name.as_str())
    }
}

/// A ServiceAccount of this name; with the label and a client ID where there is one.
fn account(request: &GetResource, client_id: Option<&String>) -> Vec<u8> {
    let GetResource { name, namespace, .. } = request;
    let metadata = match client_id {
        Some(client_id) => json!({"name": name, "namespace": namespace,
            "labels": {"azure.workload.identity/use": "true"},
            "annotations": {"azure.workload.identity/client-id": client_id}}),
        None => json!({"name": name, "namespace": namespace}),
    };
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}).to_string().into_bytes()
}
