//! What a pod presents to Microsoft Entra: its token, by the policy's answer.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// What a pod presents to Microsoft Entra.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Presented {
    /// The client ID that it asks for.
    pub client_id: String,
    /// The cluster's issuer.
    pub issuer: String,
    /// Its ServiceAccount.
    pub subject: String,
    /// The audience of its token.
    pub audience: String,
    /// Whether the token goes to the cluster's endpoint of identity bindings, and not to Microsoft Entra.
    pub is_for_binding: bool,
}

/// The namespace and the name of the ServiceAccount of a subject, `system:serviceaccount:NAMESPACE:NAME`.
#[must_use]
pub fn account_of(subject: &str) -> (&str, &str) {
    let mut parts = subject.rsplit(':');
    let (name, namespace) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (namespace, name)
}

/// What an object with an identity presents to Entra, from the policy's answer: its audit annotations, and the token in the pod. Each
/// container with an identity of its own presents the same token for that.
#[must_use]
pub fn presented(
    issuer: Option<&str>,
    settings: &Value,
    audit: &BTreeMap<String, String>,
    after: &Value,
) -> Vec<Presented> {
    let token = token(after);
    let audience = token.and_then(|token| token.get("audience")).or_else(|| settings.get("audience"));
    let audience = audience.and_then(Value::as_str).unwrap_or(AUDIENCE).to_owned();
    let of_containers = audit.get("container-identities").map(String::as_str).unwrap_or_default();
    let of_containers = of_containers.split("; ").filter_map(|entry| Some(entry.split_once('=')?.1));
    let said = audit.get("client-id").map(String::as_str).into_iter().chain(of_containers);
    // What its containers have counts, and not what the annotation says: one may have an ID of its own.
    let mut own = asking(after).peekable();
    let client_ids: BTreeSet<&str> =
        if own.peek().is_some() { own.filter_map(|(_, id)| id).collect() } else { said.collect() };
    let subject = audit.get("subject").cloned().unwrap_or_default();
    let endpoint = settings.get("customTokenEndpoint").filter(|endpoint| endpoint.is_object());
    let endpoint =
        endpoint.map(|endpoint| endpoint.get("audience").and_then(Value::as_str).unwrap_or(BINDING_AUDIENCE));
    let is_for_binding = token.is_some() && endpoint == Some(audience.as_str());
    let presented = client_ids.into_iter().map(|client_id| Presented {
        is_for_binding,
        client_id: client_id.to_owned(),
        issuer: issuer.unwrap_or(ISSUER).to_owned(),
        subject: subject.clone(),
        audience: audience.clone(),
    });
    presented.collect()
}

/// The containers of a pod that have a token file, by their names, each with the client ID that its SDK asks for; none where that comes from
/// elsewhere, or is none.
pub fn asking(pod: &Value) -> impl Iterator<Item = (&str, Option<&str>)> {
    containers(pod).filter(|container| env(container, "AZURE_FEDERATED_TOKEN_FILE").is_some()).map(
        |container| {
            let id = env(container, "AZURE_CLIENT_ID").and_then(|env| env.get("value")?.as_str());
            (container.get("name").and_then(Value::as_str).unwrap_or_default(), id.filter(|id| is_uuid(id)))
        },
    )
}

/// All containers of a pod.
pub fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    lists.into_iter().filter_map(|list| pod.get("spec")?.get(list)?.as_array()).flatten()
}

/// The last variable of this name, which counts.
#[must_use]
pub fn env<'c>(container: &'c Value, name: &str) -> Option<&'c Value> {
    let all = container.get("env")?.as_array()?;
    all.iter().rev().find(|env| env.get("name").and_then(Value::as_str) == Some(name))
}

/// The client ID in the annotation of a ServiceAccount.
#[must_use]
pub fn annotated(account: &Value) -> Option<&str> {
    account.pointer("/metadata/annotations/azure.workload.identity~1client-id")?.as_str()
}

/// What is asked for by a ServiceAccount, of this namespace and name, whoever asks: nothing where its client ID is none.
#[must_use]
pub fn of_account(
    issuer: Option<&str>,
    settings: &Value,
    (namespace, name): (&str, &str),
    client_id: &str,
) -> Option<Presented> {
    is_uuid(client_id).then(|| Presented {
        is_for_binding: false,
        client_id: client_id.to_owned(),
        issuer: issuer.unwrap_or(ISSUER).to_owned(),
        subject: format!("system:serviceaccount:{namespace}:{name}"),
        audience: settings.get("audience").and_then(Value::as_str).unwrap_or(AUDIENCE).to_owned(),
    })
}

/// Whether a text is a UUID, as client IDs and tenant IDs are.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// What stands for an issuer that was not given.
pub const ISSUER: &str = "ISSUER";

/// The audience of tokens for the endpoint of identity bindings (AKS, "Identity bindings"); the setting's default.
const BINDING_AUDIENCE: &str = "api://AKSIdentityBinding";

/// The audience of public Azure (Microsoft Entra, "Workload identity federation").
pub const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The source of the identity's token, as the pod's volume has it.
#[must_use]
pub fn token(pod: &Value) -> Option<&Value> {
    let sources = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
    let sources = sources.filter_map(|volume| volume.pointer("/projected/sources")?.as_array()).flatten();
    let mut tokens = sources.filter_map(|source| source.get("serviceAccountToken"));
    tokens.find(|token| {
        token.get("path").and_then(Value::as_str).is_some_and(|path| path.ends_with("azure-identity-token"))
    })
}
