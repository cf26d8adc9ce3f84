//! What is different from the webhook on purpose: each with its name, its reason, and when it explains a case.

use serde_json::{Value, json};

use crate::{
    compare::{Outcome, said, without_future},
    generate::Case,
};

/// A difference on purpose.
pub struct Deviation {
    /// Its name in the report.
    pub name: &'static str,
    /// Why it is so, as the README's compatibility table has it.
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

fn refused_for(webhook: &Outcome, policy: &Outcome, text: &str) -> bool {
    matches!((webhook, policy), (Outcome::Admitted(_), Outcome::Refused(message)) if message.contains(text))
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

/// A pod without what two other deviations explain, which can come together with a third: fields that no Kubernetes type
/// has, and the tenant where the ServiceAccount's is empty.
fn comparable(case: &Case, pod: &Value) -> Value {
    if account_annotation(case, "tenant-id") == Some("") { without_tenant(pod) } else { without_future(pod) }
}

/// The names of the containers that have their token already.
fn equipped(case: &Case) -> Vec<&Value> {
    let input = pod(case);
    let equipped = containers(input).filter(|container| is_equipped(input, container));
    equipped.filter_map(|container| container.get("name")).collect()
}

/// A pod without the containers that have their token already, and without the volume that is not needed then.
fn without_equipped(case: &Case, pod: &Value) -> Value {
    let mut pod = comparable(case, pod);
    let equipped = equipped(case);
    if equipped.is_empty() {
        return pod;
    }
    for list in ["/spec/initContainers", "/spec/containers"] {
        if let Some(list) = pod.pointer_mut(list).and_then(Value::as_array_mut) {
            list.retain(|container| !container.get("name").is_some_and(|name| equipped.contains(&name)));
        }
    }
    if let Some(volumes) = pod.pointer_mut("/spec/volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| {
            let name = volume.get("name").and_then(Value::as_str);
            !name.is_some_and(|name| name.starts_with("azure-workload-identity-reserved-"))
        });
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

/// A container that has the variable, and a mount above it whose volume projects a token: as section 5 of the contract has it.
fn is_equipped(pod: &Value, container: &Value) -> bool {
    let file = list_of(container.get("env"))
        .iter()
        .find(|env| env.get("name") == Some(&json!("AZURE_FEDERATED_TOKEN_FILE")));
    let Some(file) = file.and_then(|env| env.get("value")).and_then(Value::as_str) else { return false };
    list_of(container.get("volumeMounts")).iter().any(|mount| {
        let above = mount
            .get("mountPath")
            .and_then(Value::as_str)
            .is_some_and(|path| file.starts_with(&format!("{path}/")));
        above
            && list_of(pod.pointer("/spec/volumes"))
                .iter()
                .any(|volume| volume.get("name") == mount.get("name") && volume.get("projected").is_some())
    })
}

/// All of them. What they do not explain is a failure.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "unknown fields are kept",
        reason: "fields that the webhook's types do not know are deleted by it, and stay as they came here",
        explains: |_, webhook, policy| match (webhook, policy) {
            (Outcome::Admitted(webhook), Outcome::Admitted(policy)) => {
                said(webhook) == said(&without_future(policy))
            }
            _ => false,
        },
    },
    Deviation {
        name: "a client id that is none is refused",
        reason: "the webhook injects any text as client id",
        explains: |case, webhook, policy| {
            account_annotation(case, "client-id").is_some_and(|id| !id.is_empty())
                && refused_for(webhook, policy, "annotation azure.workload.identity/client-id is ")
        },
    },
    Deviation {
        name: "a tenant id that is none is refused",
        reason: "the webhook injects any text as tenant id",
        explains: |case, webhook, policy| {
            account_annotation(case, "tenant-id").is_some_and(|id| !id.is_empty())
                && refused_for(webhook, policy, "annotation azure.workload.identity/tenant-id is ")
        },
    },
    Deviation {
        name: "an empty tenant id counts as none",
        reason: "the webhook takes an empty tenant id for one, and leaves AZURE_TENANT_ID out",
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
        name: "\"false\" is no request for the proxy",
        reason: "the webhook injects the proxy for any value of inject-proxy-sidecar, \"false\" too",
        explains: |case, webhook, policy| {
            let number = |pod: &Value| containers(pod).filter(|container| is_proxy(container)).count();
            annotation(pod(case), "inject-proxy-sidecar") == Some("false")
                && match (webhook, policy) {
                    (Outcome::Admitted(webhook), Outcome::Admitted(policy)) => {
                        number(policy) == number(pod(case)) && number(webhook) > number(policy)
                    }
                    (Outcome::Refused(message), Outcome::Admitted(_)) => message.contains("proxy"),
                    _ => false,
                }
        },
    },
    Deviation {
        name: "a proxy port that is none is refused",
        reason: "the webhook takes any number of 32 bits for a port",
        explains: |_, webhook, policy| {
            refused_for(webhook, policy, "annotation azure.workload.identity/proxy-sidecar-port is ")
        },
    },
    Deviation {
        name: "the proxy is refused on Windows",
        reason: "the proxy's images do not run there, so that the pod would never start",
        explains: |_, webhook, policy| {
            refused_for(webhook, policy, "the proxy sidecar does not run on Windows")
        },
    },
    Deviation {
        name: "a mount that hides the token is refused",
        reason: "the API server's error would name neither the cause nor the policy",
        explains: |_, webhook, policy| refused_for(webhook, policy, ", which hides the identity's token, "),
    },
    Deviation {
        name: "an equipped container is left alone",
        reason: "a container that has a token of the same audience gets no second one",
        explains: |case, webhook, policy| {
            let (Outcome::Admitted(webhook), Outcome::Admitted(policy)) = (webhook, policy) else {
                return false;
            };
            let rest = |pod: &Value| said(&without_equipped(case, pod));
            !equipped(case).is_empty() && rest(webhook) == rest(policy)
        },
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
        name: "mirror pods are left alone",
        reason: "a static pod can't use a projected token, and its mirror must not differ from it",
        explains: |case, _, policy| {
            pod(case).pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some()
                && *policy == Outcome::Admitted(pod(case).clone())
        },
    },
];
