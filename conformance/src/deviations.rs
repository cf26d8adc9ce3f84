//! The intended differences from the webhook: each with its name, its reason, and when it explains a case.

use laws::pods::Case;
use serde_json::{Value, json};

use crate::compare::{Outcome, Refused, said, without_future};

/// A difference on purpose.
pub struct Deviation {
    /// Its name in the report.
    pub name: &'static str,
    /// Why it is so, as docs/webhook.md has it.
    pub reason: &'static str,
    explains: fn(&Case, &Outcome, &Outcome) -> bool,
}

impl Deviation {
    /// Whether it explains that the webhook's outcome and the policy's differ.
    #[must_use]
    pub fn explains(&self, case: &Case, webhook: &Outcome, policy: &Outcome) -> bool {
        (self.explains)(case, webhook, policy)
    }
}

fn pod(case: &Case) -> &Value {
    case.request.get("object").unwrap_or(&Value::Null)
}

fn annotation<'c>(object: &'c Value, name: &str) -> Option<&'c str> {
    object.pointer(&format!("/metadata/annotations/azure.workload.identity~1{name}")).and_then(Value::as_str)
}

fn account_annotation<'c>(case: &'c Case, name: &str) -> Option<&'c str> {
    let wanted = pod(case).pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default");
    let account = case
        .service_accounts
        .iter()
        .find(|account| account.pointer("/metadata/name") == Some(&json!(wanted)))?;
    annotation(account, name)
}

/// Whether the policy alone refuses it, by one of these rules.
fn refused_for(webhook: &Outcome, policy: &Outcome, rules: &[&str]) -> bool {
    let is_one = |refused: &Refused| refused.rules.iter().any(|rule| rules.contains(&rule.as_str()));
    matches!((webhook, policy), (Outcome::Admitted(_), Outcome::Refused(refused)) if is_one(refused))
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(|list| list_of(pod.pointer(&format!("/spec/{list}"))))
}

fn list_of(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A pod without the tenant that only the policy injects where the ServiceAccount's is empty.
fn without_tenant(pod: &Value) -> Value {
    let tenant = json!({"name": "AZURE_TENANT_ID", "value": crate::configurations::TENANT});
    let mut pod = without_future(pod);
    for list in ["/spec/initContainers", "/spec/containers"] {
        for container in pod.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) {
                env.retain(|env| *env != tenant);
            }
        }
    }
    pod
}

fn is_proxy(container: &Value) -> bool {
    container.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("azwi-proxy"))
}

/// A pod without what two other deviations explain, because they can occur together with a third: fields that no Kubernetes type
/// has, and the tenant if the ServiceAccount's is empty.
fn comparable(case: &Case, pod: &Value) -> Value {
    if account_annotation(case, "tenant-id") == Some("") { without_tenant(pod) } else { without_future(pod) }
}

/// Whether a container says itself where its token is.
fn names_a_token(container: &Value) -> bool {
    let mut env = list_of(container.get("env")).iter();
    env.any(|env| {
        env.get("name") == Some(&json!("AZURE_FEDERATED_TOKEN_FILE"))
            && env.get("value").and_then(Value::as_str).is_some_and(|file| file.starts_with('/'))
    })
}

/// The names of the containers that say themselves where their token is.
fn equipped(case: &Case) -> Vec<&Value> {
    let equipped = containers(pod(case)).filter(|container| names_a_token(container));
    equipped.filter_map(|container| container.get("name")).collect()
}

/// Whether a volume's name is reserved by one of the webhook's versions.
fn is_reserved(name: &Value) -> bool {
    name.as_str().is_some_and(|name| {
        name.starts_with("azure-workload-identity-reserved-") || name == "azure-identity-token"
    })
}

/// A pod without the containers that say themselves where their token is, and without what depends on where that is: the volume,
/// the others' mounts of it, and the variables that lead there.
fn without_equipped(case: &Case, pod: &Value) -> Value {
    let mut pod = comparable(case, pod);
    let equipped = equipped(case);
    if equipped.is_empty() {
        return pod;
    }
    let shared: Vec<Value> = containers(&self::pod(case).clone())
        .filter(|container| names_a_token(container))
        .flat_map(|container| {
            list_of(container.get("volumeMounts"))
                .iter()
                .filter_map(|mount| mount.get("name").cloned())
                .collect::<Vec<_>>()
        })
        .collect();
    let goes = |name: Option<&Value>| name.is_some_and(|name| is_reserved(name) || shared.contains(name));
    for list in ["/spec/initContainers", "/spec/containers"] {
        let Some(list) = pod.pointer_mut(list).and_then(Value::as_array_mut) else { continue };
        list.retain(|container| !container.get("name").is_some_and(|name| equipped.contains(&name)));
        for container in list {
            if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
                mounts.retain(|mount| !goes(mount.get("name")));
            }
            if let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) {
                let leads = ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_KUBERNETES_CA_FILE"];
                env.retain(|env| {
                    !env.get("name")
                        .and_then(Value::as_str)
                        .is_some_and(|name| leads.contains(&name) || name.starts_with("AZURE_KUBERNETES_"))
                });
            }
        }
    }
    if let Some(volumes) = pod.pointer_mut("/spec/volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !goes(volume.get("name")));
    }
    pod
}

/// A pod without the reserved volumes that the case's pod brought itself, and without their mounts.
fn without_left_mounts(case: &Case, pod: &Value) -> Value {
    let mut pod = comparable(case, pod);
    let brought =
        list_of(self::pod(case).pointer("/spec/volumes")).iter().filter_map(|volume| volume.get("name"));
    let left: Vec<&Value> = brought.filter(|name| is_reserved(name)).collect();
    let goes = |entry: &Value| entry.get("name").is_some_and(|name| left.contains(&name));
    if let Some(volumes) = pod.pointer_mut("/spec/volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !goes(volume));
    }
    for list in ["/spec/initContainers", "/spec/containers"] {
        for container in pod.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
                mounts.retain(|mount| !goes(mount));
            }
        }
    }
    pod
}

/// A pod without the proxy's containers.
fn without_proxy(case: &Case, pod: &Value) -> Value {
    let mut pod = without_equipped(case, pod);
    for list in ["/spec/initContainers", "/spec/containers"] {
        if let Some(list) = pod.pointer_mut(list).and_then(Value::as_array_mut) {
            list.retain(|container| !is_proxy(container));
        }
    }
    pod
}

/// Whether a list of the pod has two entries of one name: the strategic merge patch of the webhook of today moves or mixes them.
#[must_use]
pub fn names_twice(case: &Case) -> bool {
    containers(pod(case)).any(has_a_name_twice) || is_twice(pod(case).pointer("/spec/volumes"), "name")
}

/// Whether a list of the container has two entries of one name, or two mounts at one path.
fn has_a_name_twice(container: &Value) -> bool {
    is_twice(container.get("env"), "name") || is_twice(container.get("volumeMounts"), "mountPath")
}

/// Whether two entries of a list say the same of `key`.
fn is_twice(list: Option<&Value>, key: &str) -> bool {
    let names: Vec<_> = list_of(list).iter().filter_map(|entry| entry.get(key)).collect();
    names.iter().enumerate().any(|(index, name)| names.iter().take(index).any(|before| before == name))
}

/// A pod whose containers' lists are sorted.
pub(crate) fn sorted(pod: &Value) -> Value {
    let mut pod = pod.clone();
    if let Some(volumes) = pod.pointer_mut("/spec/volumes").and_then(Value::as_array_mut) {
        volumes.sort_by_key(Value::to_string);
    }
    for list in ["/spec/initContainers", "/spec/containers"] {
        for container in pod.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            for field in ["env", "volumeMounts"] {
                if let Some(entries) = container.get_mut(field).and_then(Value::as_array_mut) {
                    entries.sort_by_key(Value::to_string);
                }
            }
        }
    }
    pod
}

/// All of them. What they do not explain is a failure.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "unknown fields are kept",
        reason: "webhook 1.6.0 drops fields that it does not know; the policy keeps them",
        explains: |_, webhook, policy| match (webhook, policy) {
            (Outcome::Admitted(webhook), Outcome::Admitted(policy)) => {
                said(webhook) == said(&without_future(policy))
            }
            _ => false,
        },
    },
    Deviation {
        name: "a malformed client ID is refused",
        reason: "the webhook injects any text as client ID",
        explains: |case, webhook, policy| {
            account_annotation(case, "client-id").is_some_and(|id| !id.is_empty())
                && refused_for(webhook, policy, &["client-id-malformed"])
        },
    },
    Deviation {
        name: "a malformed tenant ID is refused",
        reason: "the webhook injects any text as tenant ID",
        explains: |case, webhook, policy| {
            account_annotation(case, "tenant-id").is_some_and(|id| !id.is_empty())
                && refused_for(webhook, policy, &["tenant-id-malformed"])
        },
    },
    Deviation {
        name: "an empty tenant ID is ignored",
        reason: "the webhook takes the empty text as the tenant ID, and leaves AZURE_TENANT_ID out",
        explains: |case, webhook, policy| {
            account_annotation(case, "tenant-id") == Some("")
                && match (webhook, policy) {
                    (Outcome::Admitted(webhook), Outcome::Admitted(policy)) => {
                        let without = |pod: &Value| said(&without_tenant(pod));
                        without(webhook) == without(policy)
                    }
                    _ => false,
                }
        },
    },
    Deviation {
        name: "\"false\" does not ask for the proxy",
        reason: "the webhook injects the proxy for any value of inject-proxy-sidecar, \"false\" too",
        explains: |case, webhook, policy| {
            let number = |pod: &Value| containers(pod).filter(|container| is_proxy(container)).count();
            annotation(pod(case), "inject-proxy-sidecar") == Some("false")
                && match (webhook, policy) {
                    (Outcome::Admitted(webhook), Outcome::Admitted(policy)) => {
                        number(policy) == number(pod(case)) && number(webhook) > number(policy)
                    }
                    (Outcome::Refused(refused), Outcome::Admitted(_)) => refused.message.contains("proxy"),
                    _ => false,
                }
        },
    },
    Deviation {
        name: "a malformed proxy port is refused",
        reason: "the webhook takes any number of 32 bits for a port",
        explains: |_, webhook, policy| refused_for(webhook, policy, &["proxy-port-malformed"]),
    },
    Deviation {
        name: "the proxy is refused on Windows",
        reason: "the proxy's images do not run there, so that the pod would never start",
        explains: |_, webhook, policy| refused_for(webhook, policy, &["proxy-on-windows"]),
    },
    Deviation {
        name: "a mount that hides the token is refused",
        reason: "the API server's error would name neither the cause nor the policy",
        explains: |_, webhook, policy| {
            refused_for(webhook, policy, &["mount-hides-token", "device-hides-token"])
        },
    },
    Deviation {
        name: "a container's own token file is honoured",
        reason: "a container whose AZURE_FEDERATED_TOKEN_FILE leads to a token keeps it, others share its volume, and a mount goes where the variable says; the webhook mounts its own beside it",
        explains: |case, webhook, policy| {
            let (Outcome::Admitted(webhook), Outcome::Admitted(policy)) = (webhook, policy) else {
                return false;
            };
            let rest = |pod: &Value| said(&without_equipped(case, pod));
            !equipped(case).is_empty() && rest(webhook) == rest(policy)
        },
    },
    Deviation {
        name: "leftover token mounts are removed",
        reason: "otherwise the container would have two tokens: one of this layout, and one that an earlier mutation or a copied manifest left",
        explains: |case, webhook, policy| match (webhook, policy) {
            (Outcome::Admitted(webhook), Outcome::Admitted(policy)) => {
                let rest = |pod: &Value| said(&sorted(&without_left_mounts(case, pod)));
                rest(webhook) == rest(policy)
            }
            _ => false,
        },
    },
    Deviation {
        name: "a volume that is used as something else is refused",
        reason: "a block device or a file of variables under the token volume's name would be replaced, and the API server's error would not say by whom",
        explains: |_, webhook, policy| refused_for(webhook, policy, &["volume-name-taken"]),
    },
    Deviation {
        name: "a token volume that is there is enough",
        reason: "a pod whose containers are all skipped, and that has a token volume, gets no second one",
        explains: |case, webhook, policy| match (webhook, policy) {
            (Outcome::Admitted(_), Outcome::Admitted(policy)) => {
                let projects =
                    |volume: &&Value| volume.pointer("/projected/sources/0/serviceAccountToken").is_some();
                said(&without_future(policy)) == said(&without_future(pod(case)))
                    && list_of(pod(case).pointer("/spec/volumes")).iter().any(|volume| projects(&volume))
            }
            _ => false,
        },
    },
    Deviation {
        name: "the proxy of another list counts",
        reason: "a sidecar that is in containers or initContainers already gets no second one of the same name, which the API server would refuse",
        explains: |case, webhook, policy| {
            let names = |pod: &Value| {
                containers(pod)
                    .filter_map(|container| container.get("name").and_then(Value::as_str).map(str::to_owned))
                    .collect::<Vec<_>>()
            };
            let twice = |pod: &Value| {
                let names = names(pod);
                names.iter().any(|name| names.iter().filter(|other| *other == name).count() > 1)
            };
            match (webhook, policy) {
                (Outcome::Admitted(webhook), Outcome::Admitted(policy)) => {
                    names(pod(case)).iter().any(|name| name.starts_with("azwi-proxy"))
                        && twice(webhook)
                        && !twice(policy)
                        && said(&without_proxy(case, webhook)) == said(&without_proxy(case, policy))
                }
                _ => false,
            }
        },
    },
    Deviation {
        name: "entries of one name stay in their order",
        reason: "the webhook of today writes its changes as a strategic merge patch, which moves the entries of a list that has a name twice",
        explains: |case, webhook, policy| match (webhook, policy) {
            (Outcome::Admitted(webhook), Outcome::Admitted(policy)) => {
                (containers(pod(case)).any(has_a_name_twice)
                    || is_twice(pod(case).pointer("/spec/volumes"), "name"))
                    && said(&sorted(&comparable(case, webhook))) == said(&sorted(&comparable(case, policy)))
            }
            _ => false,
        },
    },
    Deviation {
        name: "mirror pods are left alone",
        reason: "a static pod can't use a projected token, and its mirror must not differ from it",
        explains: |case, _, policy| {
            pod(case).pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some()
                && *policy == Outcome::Admitted(pod(case).clone())
        },
    },
];
