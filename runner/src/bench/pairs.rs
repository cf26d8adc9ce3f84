//! Every pair of things that a request or the settings can repeat or lengthen. Lists that grow alone, with short values, hide costs that
//! are a length times a number, such as a name of a megabyte in each of a thousand warnings.

#![allow(clippy::indexing_slicing)] // fields of a draft, which are there or are made

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    bench::cases::Case,
    host::{Answers, GetResource},
};

/// How many bytes each of the two takes, roughly, where growth is measured.
pub const SIZES: [usize; 2] = [16_000, 64_000];

/// How many bytes each takes where the ceilings are: as much as a request of 3 MB holds of two, and settings of 1 MB of one.
pub const LARGE: usize = 1_400_000;

/// Bytes of settings that the ceilings hold for.
const SETTINGS_MAX: usize = 500_000;

/// The question that a case asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A pod is created.
    Pod,
    /// Containers are added to a running pod that has its identity.
    Debug,
    /// A Deployment is updated.
    Deployment,
    /// The ServiceAccount is updated.
    ServiceAccount,
}

/// All questions.
pub const QUESTIONS: [Question; 4] =
    [Question::Pod, Question::Debug, Question::Deployment, Question::ServiceAccount];

/// What is asked, made of parts that each grow with a number of bytes.
struct Draft {
    pod: Value,
    debug: Vec<Value>,
    settings: Value,
    account: Value,
}

/// Makes something of a draft take so many bytes.
type Grow = fn(&mut Draft, usize);

/// Something that can be repeated or lengthened.
pub struct Dimension {
    /// What it is called.
    pub name: &'static str,
    grow: Grow,
    /// Whether it is in the settings.
    of_settings: bool,
}

const fn of_request(name: &'static str, grow: Grow) -> Dimension {
    Dimension { name, grow, of_settings: false }
}

const fn of_settings(name: &'static str, grow: Grow) -> Dimension {
    Dimension { name, grow, of_settings: true }
}

const CLIENT: &str = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";
const TENANT: &str = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";
const RESERVED: &str = "azure-workload-identity-reserved-0";
const PREFIX: &str = "azure.workload.identity/";

/// Marker that keeps names distinct in a JSON value, which can hold each name only once. It is removed to make them equal.
const REPEATED: &str = "~~";

/// The JSON with what tells names apart taken out.
fn repeated(json: &str) -> String {
    let mut parts = json.split(REPEATED);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn client(index: usize) -> String {
    format!("00000000-0000-4000-8000-{index:012}")
}

/// So many of something as take `bytes` with `each` a piece.
fn many(bytes: usize, each: usize, make: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..(bytes / each).max(1)).map(make).collect()
}

fn extend(place: &mut Value, more: Vec<Value>) {
    if let Some(list) = place.as_array_mut() {
        list.extend(more);
    } else {
        *place = Value::Array(more);
    }
}

/// A text of so many bytes.
fn long(bytes: usize) -> String {
    "x".repeat(bytes)
}

impl Draft {
    fn new() -> Self {
        let token = json!({"serviceAccountToken": {"path": "token/azure-identity-token", "audience": "api://AzureADTokenExchange"}});
        let main = json!({"name": "main", "env": [], "volumeMounts": []});
        let equipped = json!({"name": "equipped",
            "env": [{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/secrets/azure/wi/token/azure-identity-token"}],
            "volumeMounts": [{"name": RESERVED, "mountPath": "/var/run/secrets/azure/wi"}]});
        let pod = json!({"metadata": {"name": "p", "namespace": "team", "labels": {"azure.workload.identity/use": "true"}, "annotations": {}},
            "spec": {"serviceAccountName": "sa", "containers": [main, equipped], "initContainers": [],
                "volumes": [{"name": RESERVED, "projected": {"sources": [token]}}]}});
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "sa", "namespace": "team",
            "labels": {"azure.workload.identity/use": "true"}, "annotations": {"azure.workload.identity/client-id": CLIENT}}});
        Self { pod, debug: vec![json!({"name": "debug"})], settings: json!({"tenantId": TENANT}), account }
    }

    fn spec(&mut self) -> &mut Value {
        &mut self.pod["spec"]
    }

    /// The container that is due an identity, and has nothing of it.
    fn main(&mut self) -> &mut Value {
        &mut self.pod["spec"]["containers"][0]
    }

    fn equipped(&mut self) -> &mut Value {
        &mut self.pod["spec"]["containers"][1]
    }

    fn annotation(&mut self, name: &str, value: &str) {
        let annotations = &mut self.pod["metadata"]["annotations"][format!("{PREFIX}{name}")];
        let before = annotations.as_str().unwrap_or_default();
        *annotations = json!(format!("{before}{value}"));
    }

    /// Changes an entry of the list `field` of the container that has nothing.
    fn rename(&mut self, field: &str, key: &str, value: &str) {
        let list = &mut self.main()[field];
        match list.as_array_mut() {
            Some(all) if !all.is_empty() => {
                all.iter_mut().take(1).for_each(|entry| entry[key] = json!(value));
            }
            _ => *list = json!([{"name": "v", key: value}]),
        }
    }

    /// Has every ID looked up, and allows it.
    fn govern(&mut self) {
        extend(&mut self.settings["allowedIdentities"], vec![json!({})]);
    }

    fn request(self, question: Question) -> Value {
        let Self { mut pod, debug, settings, mut account } = self;
        let mut request = json!({"uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"}, "name": "p", "namespace": "team",
            "operation": "CREATE", "userInfo": {}});
        match question {
            Question::Pod => request["object"] = pod,
            Question::Debug => {
                request["operation"] = json!("UPDATE");
                request["subResource"] = json!("ephemeralcontainers");
                request["oldObject"] = pod.clone();
                pod["spec"]["ephemeralContainers"] = Value::Array(debug);
                request["object"] = pod;
            }
            Question::Deployment => {
                request["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
                request["resource"] = json!({"group": "apps", "version": "v1", "resource": "deployments"});
                request["operation"] = json!("UPDATE");
                let object = |pod| json!({"metadata": {"name": "web", "namespace": "team"}, "spec": {"template": pod}});
                request["oldObject"] = object(pod.clone());
                pod["spec"]["replaced"] = json!(true);
                request["object"] = object(pod);
            }
            Question::ServiceAccount => {
                request["kind"] = json!({"group": "", "version": "v1", "kind": "ServiceAccount"});
                request["resource"] = json!({"group": "", "version": "v1", "resource": "serviceaccounts"});
                request["operation"] = json!("UPDATE");
                request["oldObject"] = account.clone();
                // The pod's labels and annotations, to be read as its own.
                for field in ["labels", "annotations"] {
                    if let (Some(own), Some(more)) =
                        (account["metadata"][field].as_object_mut(), pod["metadata"][field].as_object())
                    {
                        own.extend(more.clone());
                    }
                }
                request["object"] = account;
            }
        }
        json!({"settings": settings, "request": request})
    }
}

/// What a request or the settings can repeat or lengthen.
pub const DIMENSIONS: &[Dimension] = &[
    of_request("containers", |draft, bytes| {
        let more = many(bytes, 40, |index| json!({"name": format!("c{index}"), "image": "x"}));
        extend(&mut draft.spec()["containers"], more);
    }),
    of_request("equipped containers", |draft, bytes| {
        let equipped = draft.equipped().clone();
        let more = many(bytes, 220, |index| {
            let mut container = equipped.clone();
            container["name"] = json!(format!("e{index}"));
            container
        });
        extend(&mut draft.spec()["containers"], more);
    }),
    of_request("containers with a mount", |draft, bytes| {
        let more = many(
            bytes,
            80,
            |index| json!({"name": format!("m{index}"), "volumeMounts": [{"name": "v", "mountPath": "/m"}]}),
        );
        extend(&mut draft.spec()["containers"], more);
    }),
    of_request("containers with an ID", |draft, bytes| {
        let more = many(
            bytes,
            110,
            |index| json!({"name": format!("i{index}"), "env": [{"name": "AZURE_CLIENT_ID", "value": client(index)}]}),
        );
        extend(&mut draft.spec()["containers"], more);
    }),
    of_request("containers that hide the token", |draft, bytes| {
        let more = many(
            bytes,
            100,
            |index| json!({"name": format!("h{index}"), "volumeMounts": [{"name": "v", "mountPath": "/var/run/secrets/azure/wi"}]}),
        );
        extend(&mut draft.spec()["initContainers"], more);
    }),
    of_request("length of a container's name", |draft, bytes| draft.main()["name"] = json!(long(bytes))),
    of_request("length of a skipped container's name", |draft, bytes| {
        draft.spec()["initContainers"] = json!([{"name": format!("istio{}", long(bytes))}]);
    }),
    of_request("variables", |draft, bytes| {
        extend(
            &mut draft.main()["env"],
            many(bytes, 30, |index| json!({"name": format!("V{index}"), "value": "x"})),
        );
    }),
    of_request("variables that refer", |draft, bytes| {
        let more =
            many(bytes, 50, |index| json!({"name": format!("R{index}"), "value": "$(AZURE_CLIENT_ID)"}));
        extend(&mut draft.main()["env"], more);
    }),
    of_request("length of a variable's name", |draft, bytes| {
        extend(&mut draft.main()["env"], vec![json!({"name": long(bytes), "value": "$(AZURE_TENANT_ID)"})]);
    }),
    of_request("own client IDs", |draft, bytes| {
        let more = many(bytes, 80, |index| json!({"name": "AZURE_CLIENT_ID", "value": client(index)}));
        draft.govern();
        extend(&mut draft.main()["env"], more);
    }),
    of_request("own tenants", |draft, bytes| {
        let more = many(bytes, 80, |index| json!({"name": "AZURE_TENANT_ID", "value": client(index)}));
        draft.govern();
        extend(&mut draft.main()["env"], more);
    }),
    of_request("length of the token file", |draft, bytes| {
        let file = format!("/var/run/secrets/azure/{}/token/azure-identity-token", "a/".repeat(bytes / 2));
        extend(&mut draft.main()["env"], vec![json!({"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file})]);
    }),
    of_request("token files", |draft, bytes| {
        let more = many(
            bytes,
            80,
            |index| json!({"name": "AZURE_FEDERATED_TOKEN_FILE", "value": format!("/m{index}/t")}),
        );
        extend(&mut draft.main()["env"], more);
    }),
    of_request("length of an equipped token file", |draft, bytes| {
        let folder = format!("/e/{}", "a/".repeat(bytes / 4));
        let equipped = draft.equipped();
        equipped["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": format!("{folder}token/azure-identity-token")}]);
        equipped["volumeMounts"] = json!([{"name": RESERVED, "mountPath": folder}]);
    }),
    of_request("mounts", |draft, bytes| {
        let more = many(bytes, 40, |index| json!({"name": "v", "mountPath": format!("/m{index}")}));
        extend(&mut draft.main()["volumeMounts"], more);
    }),
    of_request("mounts of the token's volume", |draft, bytes| {
        let more = many(
            bytes,
            90,
            |index| json!({"name": RESERVED, "mountPath": format!("/var/run/secrets/azure/{index}")}),
        );
        extend(&mut draft.main()["volumeMounts"], more);
    }),
    of_request("mounts at one place", |draft, bytes| {
        let more = many(
            bytes,
            100,
            |index| json!({"name": format!("v{index}"), "mountPath": format!("/var/run/secrets/azure{}", "/".repeat(index % 64))}),
        );
        extend(&mut draft.main()["volumeMounts"], more);
    }),
    of_request("length of a mount path", |draft, bytes| {
        draft.rename(
            "volumeMounts",
            "mountPath",
            &format!("/var/run/secrets/azure/{}", "a/".repeat(bytes / 2)),
        );
    }),
    of_request("length of a volume's name", |draft, bytes| {
        draft.rename("volumeMounts", "name", &long(bytes));
    }),
    of_request("volumes", |draft, bytes| {
        extend(
            &mut draft.spec()["volumes"],
            many(bytes, 40, |index| json!({"name": format!("v{index}"), "emptyDir": {}})),
        );
    }),
    of_request("token volumes", |draft, bytes| {
        let more = many(bytes, 150, |index| {
            json!({"name": format!("azure-workload-identity-reserved-{index}"), "projected": {"sources": [{"serviceAccountToken":
                {"path": "token/azure-identity-token", "audience": "api://AzureADTokenExchange"}}]}})
        });
        extend(&mut draft.spec()["volumes"], more);
    }),
    of_request("tokens of a volume", |draft, bytes| {
        let more = many(
            bytes,
            90,
            |index| json!({"serviceAccountToken": {"path": format!("a/a/a/{index}"), "audience": "x"}}),
        );
        extend(&mut draft.spec()["volumes"][0]["projected"]["sources"], more);
    }),
    of_request("length of a token's path", |draft, bytes| {
        let token = &mut draft.spec()["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
        token["path"] = json!(format!("{}token/azure-identity-token", "a/".repeat(bytes / 4)));
        let equipped = draft.equipped();
        let file = format!("/var/run/secrets/azure/wi/{}token/azure-identity-token", "a/".repeat(bytes / 4));
        equipped["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file}]);
    }),
    of_request("devices", |draft, bytes| {
        let more = many(bytes, 45, |index| json!({"name": "d", "devicePath": format!("/dev/{index}")}));
        extend(&mut draft.main()["volumeDevices"], more);
    }),
    of_request("length of the arguments", |draft, bytes| {
        draft.main()["args"] = json!(["/var/run/secrets/azure".repeat(bytes / 22)]);
    }),
    of_request("arguments", |draft, bytes| {
        draft.main()["command"] =
            Value::Array(many(bytes, 60, |_| json!("/var/run/secrets/azure/tokens/azure-identity-token")));
    }),
    of_request("ports", |draft, bytes| {
        draft.annotation("inject-proxy-sidecar", "true");
        draft.main()["ports"] =
            Value::Array(many(bytes, 24, |index| json!({"containerPort": index % 1_000})));
    }),
    of_request("skipped names", |draft, bytes| {
        let names: Vec<String> = (0..bytes / 7).map(|index| format!("s{index};")).collect();
        draft.annotation("skip-containers", &names.concat());
    }),
    of_request("container identities", |draft, bytes| {
        let pairs: Vec<String> =
            (0..bytes / 45).map(|index| format!("c{index}={};", client(index))).collect();
        draft.annotation("container-identities", &pairs.concat());
    }),
    of_request("container identities by name", |draft, bytes| {
        let pairs: Vec<String> = (0..bytes / 10).map(|index| format!("d{index}=i0;")).collect();
        draft.annotation("container-identities", &pairs.concat());
        draft.settings["identities"]["i0"] = json!({"clientId": CLIENT});
    }),
    of_request("annotations of one name", |draft, bytes| {
        for index in 0..bytes / 60 {
            draft.pod["metadata"]["annotations"][format!("{PREFIX}proxy-sidecar-port{REPEATED}{index}")] =
                json!("1");
        }
    }),
    of_request("annotations", |draft, bytes| {
        for index in 0..bytes / 40 {
            draft.pod["metadata"]["annotations"][format!("{PREFIX}a{index}")] = json!("x");
        }
    }),
    of_request("length of an annotation", |draft, bytes| {
        draft.annotation("service-account-token-expiration", &long(bytes));
    }),
    of_request("labels", |draft, bytes| {
        for index in 0..bytes / 40 {
            draft.pod["metadata"]["labels"][format!("{PREFIX}l{index}")] = json!("x");
        }
    }),
    of_request("length of a label's name", |draft, bytes| {
        draft.pod["metadata"]["labels"][format!("{PREFIX}{}", long(bytes))] = json!("x");
    }),
    of_request("length of the pod's name", |draft, bytes| draft.pod["metadata"]["name"] = json!(long(bytes))),
    of_request("length of the ServiceAccount's name", |draft, bytes| {
        draft.spec()["serviceAccountName"] = json!(long(bytes));
    }),
    of_request("the ServiceAccount's annotations", |draft, bytes| {
        for index in 0..bytes / 40 {
            draft.account["metadata"]["annotations"][format!("{PREFIX}b{index}")] = json!("x");
        }
    }),
    of_request("debug containers", |draft, bytes| {
        draft.debug.extend(many(bytes, 24, |index| json!({"name": format!("d{index}")})));
    }),
    of_request("debug containers with an ID", |draft, bytes| {
        draft.debug.extend(many(bytes, 110, |index| json!({"name": format!("j{index}"), "env": [{"name": "AZURE_CLIENT_ID", "value": client(index)}]})));
    }),
    of_request("length of a debug container's target", |draft, bytes| {
        draft.debug.push(json!({"name": "t", "targetContainerName": long(bytes)}));
    }),
    of_request("variables of a donor", |draft, bytes| {
        extend(
            &mut draft.equipped()["env"],
            many(bytes, 30, |index| json!({"name": format!("E{index}"), "value": "x"})),
        );
    }),
    of_request("length of a donor's variable", |draft, bytes| {
        extend(&mut draft.equipped()["env"], vec![json!({"name": "AZURE_TENANT_ID", "value": long(bytes)})]);
    }),
    of_settings("extraEnv", |draft, bytes| {
        extend(
            &mut draft.settings["extraEnv"],
            many(bytes, 30, |index| json!({"name": format!("E{index}"), "value": "x"})),
        );
    }),
    of_settings("length of an extraEnv value", |draft, bytes| {
        extend(&mut draft.settings["extraEnv"], vec![json!({"name": "LONG", "value": long(bytes)})]);
    }),
    of_settings("allowedIdentities", |draft, bytes| {
        let more = many(
            bytes,
            110,
            |index| json!({"namespaces": ["t*m"], "clientIds": [client(index)], "tenantIds": [TENANT]}),
        );
        extend(&mut draft.settings["allowedIdentities"], more);
        extend(&mut draft.settings["allowedIdentities"], vec![json!({"clientIds": [CLIENT]})]);
    }),
    of_settings("entries that do not meet", |draft, bytes| {
        let more = many(bytes, 100, |index| {
            if index % 2 == 0 {
                json!({"clientIds": [client(0)], "tenantIds": ["a.example"]})
            } else {
                json!({"clientIds": [CLIENT], "tenantIds": [client(1)]})
            }
        });
        extend(&mut draft.settings["allowedIdentities"], more);
        extend(&mut draft.settings["allowedIdentities"], vec![json!({"clientIds": [CLIENT]})]);
    }),
    of_settings("allowed client IDs", |draft, bytes| {
        let ids = many(bytes, 40, |index| json!(client(index)));
        extend(
            &mut draft.settings["allowedIdentities"],
            vec![json!({"clientIds": ids}), json!({"clientIds": [CLIENT]})],
        );
    }),
    of_settings("allowed namespaces", |draft, bytes| {
        let globs = many(bytes, 30, |index| json!(format!("*a*a*a*a*a*a*{index}")));
        extend(
            &mut draft.settings["allowedIdentities"],
            vec![json!({"namespaces": globs}), json!({"clientIds": [CLIENT]})],
        );
    }),
    of_settings("identities", |draft, bytes| {
        let mut all = draft.settings["identities"].as_object().cloned().unwrap_or_default();
        all.extend(
            (0..bytes / 60)
                .map(|index| (format!("i{index}"), json!({"clientId": client(index)})))
                .collect::<Map<_, _>>(),
        );
        draft.settings["identities"] = Value::Object(all);
        draft.account["metadata"]["annotations"][format!("{PREFIX}identity")] = json!("i0x");
    }),
    of_settings("skipContainers", |draft, bytes| {
        let pattern = format!("{}*x", "*s".repeat((bytes / 128).min(120)));
        draft.settings["skipContainers"] = Value::Array(vec![json!(pattern); 64]);
    }),
    of_settings("certificates of the endpoint", |draft, bytes| {
        draft.annotation("use-x", "true");
        draft.settings["customTokenEndpoint"] =
            json!({"annotationSuffix": "x", "audience": "api://x", "ca": {"data": long(bytes)}});
    }),
    of_settings("unknown settings", |draft, bytes| {
        for index in 0..bytes / 14 {
            draft.settings[format!("u{index}")] = json!(1);
        }
    }),
];

/// The case of two dimensions that take so many bytes each.
#[must_use]
pub fn case(question: Question, pair: [&Dimension; 2], bytes: usize) -> Case {
    let mut draft = Draft::new();
    for dimension in pair {
        (dimension.grow)(&mut draft, if dimension.of_settings { bytes.min(SETTINGS_MAX) } else { bytes });
    }
    draft.into_case(question)
}

/// The case of a mix of all dimensions, each with its share of `bytes`.
#[must_use]
pub fn mix(question: Question, weights: &[usize], bytes: usize) -> Case {
    let mut draft = Draft::new();
    let all = weights.iter().sum::<usize>().max(1);
    for (dimension, weight) in DIMENSIONS.iter().zip(weights).filter(|(_, weight)| **weight > 0) {
        (dimension.grow)(&mut draft, bytes * weight / all);
    }
    draft.into_case(question)
}

impl Draft {
    fn into_case(self, question: Question) -> Case {
        let (account, bytes) = (self.account.clone(), self.account.to_string().into_bytes());
        let answers: Answers = Arc::new(move |_: &GetResource| Ok(bytes.clone()));
        Case { name: "pair", payload: repeated(&self.request(question).to_string()), account, answers }
    }
}

/// Every two dimensions, and each with itself.
pub fn all() -> impl Iterator<Item = [&'static Dimension; 2]> {
    let with = |first: usize| DIMENSIONS.iter().skip(first).map(move |other| (first, other));
    (0..DIMENSIONS.len()).flat_map(with).filter_map(|(first, other)| Some([DIMENSIONS.get(first)?, other]))
}
