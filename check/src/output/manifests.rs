//! The roles of AKS identity bindings, as manifests.

use serde_json::{Value, json};

use crate::{
    binding::{Access, GROUP, VERB},
    federated::Said,
    presented::account_of,
    yaml,
};

/// A `ClusterRole` and its binding for each token that goes to the endpoint of identity bindings and is not bound among the files (AKS,
/// "Identity bindings"). A name holds the client ID and the ServiceAccount, so that none takes another's place.
#[must_use]
pub fn roles(said: &[Said]) -> String {
    let unbound = said.iter().filter(|said| matches!(said.access, Some(Access::NotBound | Access::NotGiven)));
    let mut roles: Vec<&str> = Vec::new();
    let mut out = String::new();
    for Said { token, .. } in unbound {
        let client_id = token.client_id.as_str();
        let (namespace, account) = account_of(&token.subject);
        let role = format!("{VERB}:{client_id}");
        let mut documents: Vec<Value> = Vec::new();
        if !roles.contains(&client_id) {
            roles.push(client_id);
            documents.push(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": role},
                "rules": [{"verbs": [VERB], "apiGroups": [GROUP], "resources": [client_id]}],
            }));
        }
        documents.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{role}:{namespace}:{account}")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": account}],
        }));
        out.extend(documents.iter().map(|document| format!("---\n{}", yaml::write(document))));
    }
    out
}
