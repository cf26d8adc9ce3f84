//! AKS identity bindings: a pod that takes its token to the cluster's endpoint needs no federated credential of its own. Who may use an
//! identity there is a `ClusterRole`, bound to the ServiceAccount (AKS, "Identity bindings": verb `use-managed-identity`, API group
//! `cid.wi.aks.azure.com`, resource the client ID).

use serde_json::Value;

use crate::{
    kinds::{kind, name_of, namespace_of},
    object::Object,
    presented::{Presented, account_of},
};

pub(crate) const VERB: &str = "use-managed-identity";
pub(crate) const GROUP: &str = "cid.wi.aks.azure.com";

/// What the files say of a token's access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A role that allows it is bound to its ServiceAccount.
    Bound,
    /// There are roles of identity bindings, and none of them is.
    NotBound,
    /// There are none.
    NotGiven,
}

/// Whether a role for the identity is bound to the token's ServiceAccount. `default` is the namespace of subjects that name none.
#[must_use]
pub fn access(objects: &[Object], token: &Presented, default: &str) -> Access {
    let of = |kinds: &'static [&str]| {
        objects.iter().map(|object| &object.value).filter(|value| kinds.contains(&kind(value)))
    };
    let roles: Vec<&Value> = of(&["ClusterRole"]).filter(|role| rules(role).next().is_some()).collect();
    if roles.is_empty() {
        return Access::NotGiven;
    }
    let allows = |role: &&Value| {
        rules(role)
            .any(|rule| ["resources", "resourceNames"].iter().any(|list| has(rule, list, &token.client_id)))
    };
    let allowing: Vec<&str> = roles.into_iter().filter(allows).map(name_of).collect();
    let (namespace, name) = account_of(&token.subject);
    let text = |value: &'_ Value, path: &str| {
        value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let is_subject = |binding: &Value, subject: &Value| {
        let own = subject
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or_else(|| namespace_of(binding, default));
        text(subject, "/kind") == "ServiceAccount" && text(subject, "/name") == name && own == namespace
    };
    let binds = |binding: &Value| {
        let subjects = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
        allowing.contains(&text(binding, "/roleRef/name").as_str())
            && subjects.into_iter().any(|subject| is_subject(binding, subject))
    };
    if of(&["ClusterRoleBinding", "RoleBinding"]).any(binds) { Access::Bound } else { Access::NotBound }
}

/// The rules of a role that are about identity bindings.
fn rules(role: &Value) -> impl Iterator<Item = &Value> {
    let rules = role.get("rules").and_then(Value::as_array).into_iter().flatten();
    rules.filter(|rule| has(rule, "verbs", VERB) && has(rule, "apiGroups", GROUP))
}

fn has(rule: &Value, list: &str, wanted: &str) -> bool {
    let items = rule.get(list).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).any(|item| item == "*" || item.eq_ignore_ascii_case(wanted))
}

/// What is said of a token that goes to the endpoint.
#[must_use]
pub fn words(access: Access, token: &Presented) -> String {
    let role = format!("a ClusterRole with verb {VERB}, API group {GROUP} and resource {}", token.client_id);
    let what = match access {
        Access::Bound => "it is bound among the files".to_owned(),
        Access::NotBound => "none among the files is bound to it".to_owned(),
        Access::NotGiven => "none is among the files, so whether it is bound can't be told".to_owned(),
    };
    format!(
        "needs no federated credential of its own: AKS keeps one for identity bindings. Its ServiceAccount needs {role}: {what}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Manifests;

    #[test]
    fn finds_the_role_that_is_bound() {
        let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: use}\nrules: [{verbs: [use-managed-identity], apiGroups: [cid.wi.aks.azure.com], resources: [6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa]}]\n";
        let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: use}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: use}\nsubjects: [{kind: ServiceAccount, name: web, namespace: team}]\n";
        let token = |name: &str| Presented {
            client_id: "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa".to_owned(),
            issuer: String::new(),
            subject: format!("system:serviceaccount:team:{name}"),
            audience: String::new(),
            is_for_binding: true,
        };
        let found = |text: &str, name: &str| {
            let mut manifests = Manifests::default();
            manifests.add("a.yaml", text);
            access(&manifests.objects, &token(name), "default")
        };
        assert_eq!(found("", "web"), Access::NotGiven);
        assert_eq!(found(role, "web"), Access::NotBound);
        assert_eq!(found(&format!("{role}{binding}"), "web"), Access::Bound);
        assert_eq!(found(&format!("{role}{binding}"), "other"), Access::NotBound);
    }
}
