//! The pods that an object would make, as its controller would create them: by the paths of its kind, or by their shape.

use serde_json::{Map, Value, json};

use crate::{
    kinds::{group_version, is_account, is_pod, is_policy, judged, kind, name_of},
    yaml::{Step, steps},
};

/// A pod that an object would make, and where its parts stand in the object.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// The pod.
    pub value: Value,
    /// Where the parts of the pod are from: the path in the pod, and the one in the object. The longest that fits counts.
    pub origins: Vec<(Vec<Step>, Vec<Step>)>,
    /// Where its labels and annotations belong.
    pub metadata: Vec<Step>,
    /// What the object calls it, as `spec.template`.
    pub path: String,
}

impl Pod {
    /// The path in the object of what stands at `path` in the pod; nothing for what the object has not.
    #[must_use]
    pub fn origin(&self, path: &[Step]) -> Option<Vec<Step>> {
        let fits = self.origins.iter().filter(|(from, _)| path.starts_with(from));
        let (from, to) = fits.max_by_key(|(from, _)| from.len())?;
        Some(to.iter().chain(path.get(from.len()..).unwrap_or_default()).cloned().collect())
    }
}

/// A template that says who its pods are, and not what runs in them: a patch, or part of what an operator completes.
#[must_use]
pub fn is_incomplete(object: &Value) -> bool {
    fn search(value: &Value) -> bool {
        let asks = || {
            value.pointer("/metadata/labels/azure.workload.identity~1use").is_some()
                || value.pointer("/spec/serviceAccountName").is_some()
        };
        if value.pointer("/spec/containers").is_some_and(Value::is_array) {
            return asks();
        }
        match value {
            Value::Object(fields) => fields.values().any(search),
            Value::Array(items) => items.iter().any(search),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    !is_policy(object) && object.get("spec").is_some_and(search)
}

/// Where the pods of an object are.
#[derive(Debug, Clone, PartialEq)]
pub enum Pods {
    /// A workload that the policy judges: its pod.
    Workload(Box<Pod>),
    /// A kind that the policy does not know.
    Others(Vec<Pod>),
    /// A workload without containers in its template: part of a kustomization, say.
    Patch,
    /// None.
    Nothing,
}

/// The pods that `object` would make.
#[must_use]
pub fn pods(object: &Value) -> Pods {
    if is_pod(object) && object.get("spec").is_none() {
        return Pods::Patch;
    }
    if is_pod(object) || is_account(object) || kind(object) == "AdmissionReview" || is_policy(object) {
        return Pods::Nothing;
    }
    if judged(object).is_some() {
        let path = if kind(object) == "CronJob" { "spec.jobTemplate.spec.template" } else { "spec.template" };
        let template = at(object, &steps(path));
        return match template {
            Some(template) if template.pointer("/spec/containers").is_some_and(Value::is_array) => {
                of_template(object, object, template, steps(path))
                    .map_or(Pods::Nothing, |pod| Pods::Workload(Box::new(pod)))
            }
            Some(_) | None => Pods::Patch,
        };
    }
    let known = known(object);
    if !known.is_empty() {
        return Pods::Others(known);
    }
    let mut found = Vec::new();
    let around = Around { object, account: None };
    search(object, &mut Vec::new(), around, &mut found);
    if found.is_empty() { Pods::Nothing } else { Pods::Others(found) }
}

fn at<'v>(value: &'v Value, path: &[Step]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Item(index) => value.get(*index),
    })
}

/// What is around a template: the nearest object with a kind and metadata, and the ServiceAccount that something around it names.
#[derive(Clone, Copy)]
struct Around<'v> {
    object: &'v Value,
    account: Option<&'v str>,
}

/// Every pod template below `value`, by its shape.
fn search(value: &Value, path: &mut Vec<Step>, around: Around, found: &mut Vec<Pod>) {
    match value {
        // A whole object of a known kind is judged for itself.
        Value::Object(_) if !path.is_empty() && judged(value).is_some() => {}
        Value::Object(_) if !path.is_empty() && is_template(value, kind(around.object)) => {
            if let Some(mut pod) = of_template(around.object, around.object, value, path.clone()) {
                if let Some(account) = around.account {
                    name_account(&mut pod.value, account);
                }
                found.push(pod);
            }
        }
        Value::Object(fields) => {
            let is_object = fields.get("kind").is_some_and(Value::is_string)
                && fields.get("metadata").is_some_and(Value::is_object);
            if is_policy(value) {
                return;
            }
            let named = ["serviceAccountName", "serviceAccount"]
                .into_iter()
                .find_map(|name| fields.get(name)?.as_str());
            let around = Around {
                object: if is_object { value } else { around.object },
                account: named.filter(|name| !name.is_empty()).or(around.account.filter(|_| !is_object)),
            };
            for (name, value) in fields {
                path.push(Step::field(name));
                search(value, path, around, found);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                path.push(Step::Item(index));
                search(value, path, around, found);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a value has the shape of a pod template: containers, each with a name and an image that are plain texts. A pattern or a patch of
/// some tool has wildcards, anchors or holes there.
fn is_template(value: &Value, kind: &str) -> bool {
    let is_plain =
        |text: &str| !text.is_empty() && !text.contains(['*', '?', '(', ')', '|', '<', '>', '!', ' ']);
    let plain = |container: &Value, name| container.get(name).and_then(Value::as_str).is_some_and(is_plain);
    // Knative names the one container where it has no name.
    let is_knative = kind == "Service" || kind == "Configuration" || kind == "Revision";
    let is_container = |container: &Value| {
        plain(container, "image")
            && (plain(container, "name") || (is_knative && container.get("name").is_none()))
    };
    let containers = value.pointer("/spec/containers").and_then(Value::as_array);
    containers.is_some_and(|containers| !containers.is_empty() && containers.iter().all(is_container))
}

fn name_account(pod: &mut Value, account: &str) {
    let is_named = ["/spec/serviceAccountName", "/spec/serviceAccount"]
        .iter()
        .any(|path| pod.pointer(path).and_then(Value::as_str).is_some_and(|name| !name.is_empty()));
    if let Some(spec) = pod.pointer_mut("/spec").and_then(Value::as_object_mut).filter(|_| !is_named) {
        spec.insert("serviceAccountName".to_owned(), json!(account));
    }
}

/// The pod of a template. `named` gives the name, `object` the namespace.
fn of_template(named: &Value, object: &Value, template: &Value, path: Vec<Step>) -> Option<Pod> {
    let mut pod = template.as_object()?.clone();
    let metadata = pod.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = json!({});
    }
    named_as(metadata.as_object_mut()?, named, object);
    pod.insert("apiVersion".to_owned(), json!("v1"));
    pod.insert("kind".to_owned(), json!("Pod"));
    let metadata = path.iter().cloned().chain([Step::field("metadata")]).collect();
    Some(Pod {
        value: Value::Object(pod),
        path: crate::yaml::written(&path),
        origins: vec![(Vec::new(), path)],
        metadata,
    })
}

fn named_as(metadata: &mut Map<String, Value>, named: &Value, object: &Value) {
    let name = name_of(named);
    metadata.insert("generateName".to_owned(), json!(format!("{}-", name.strip_suffix('-').unwrap_or(name))));
    metadata.remove("name");
    if let Some(namespace) = object.pointer("/metadata/namespace") {
        metadata.insert("namespace".to_owned(), namespace.clone());
    }
}

// === Kinds that say what runs in their pods at paths of their own ===

/// How a kind describes a pod.
struct Known {
    group: &'static str,
    kinds: &'static [&'static str],
    /// A pod for each object that stands at one of these paths; `[]` stands for each entry of a list.
    pods: &'static [&'static str],
    /// Where the ServiceAccount is named: first what the pod's own object says, as `.name`, then what the whole says.
    accounts: &'static [&'static str],
    /// Objects with labels and annotations, of the pod's own object (`.x`) and of the whole; the first one is where they belong.
    metadata: &'static [&'static str],
    /// Containers, or lists of them, of the pod's own object (`.x`) and of the whole, and the name of one that has none.
    containers: &'static [(&'static str, &'static str)],
    /// The ServiceAccount that the operator makes: what stands behind the object's name in its name, and its metadata.
    makes: Option<(&'static str, &'static str)>,
}

const KNOWN: &[Known] = &[
    // Argo Workflows, "Fields": WorkflowSpec, Template.
    Known {
        group: "argoproj.io",
        kinds: &["Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"],
        pods: &["spec.templates[]"],
        accounts: &[".serviceAccountName", "spec.serviceAccountName"],
        metadata: &[".metadata", "spec.podMetadata", "spec.templateDefaults.metadata"],
        containers: &[
            (".container", "main"),
            (".script", "main"),
            (".containerSet.containers", ""),
            (".initContainers", ""),
            (".sidecars", ""),
        ],
        makes: None,
    },
    Known {
        group: "argoproj.io",
        kinds: &["CronWorkflow"],
        pods: &["spec.workflowSpec.templates[]"],
        accounts: &[".serviceAccountName", "spec.workflowSpec.serviceAccountName"],
        metadata: &[".metadata", "spec.workflowSpec.podMetadata"],
        containers: &[
            (".container", "main"),
            (".script", "main"),
            (".containerSet.containers", ""),
            (".initContainers", ""),
            (".sidecars", ""),
        ],
        makes: None,
    },
    // Tekton, "TaskRuns" and "PipelineRuns": the run's labels and annotations are its pods'.
    Known {
        group: "tekton.dev",
        kinds: &["TaskRun"],
        pods: &["spec.taskSpec", "spec.taskRef"],
        accounts: &["spec.serviceAccountName"],
        metadata: &["metadata"],
        containers: &[(".steps", "step-"), (".sidecars", "sidecar-")],
        makes: None,
    },
    Known {
        group: "tekton.dev",
        kinds: &["PipelineRun"],
        pods: &[
            "spec.pipelineRef",
            "spec.pipelineSpec.tasks[].taskSpec",
            "spec.pipelineSpec.finally[].taskSpec",
        ],
        accounts: &["spec.taskRunTemplate.serviceAccountName", "spec.serviceAccountName"],
        metadata: &["metadata"],
        containers: &[(".steps", "step-"), (".sidecars", "sidecar-")],
        makes: None,
    },
    // Kubeflow Spark operator, "API": DriverSpec, ExecutorSpec.
    Known {
        group: "sparkoperator.k8s.io",
        kinds: &["SparkApplication"],
        pods: &["spec.driver", "spec.executor"],
        accounts: &[".serviceAccount", "spec.driver.serviceAccount"],
        metadata: &["."],
        containers: &[(".", "spark-kubernetes"), (".initContainers", ""), (".sidecars", "")],
        makes: None,
    },
    Known {
        group: "sparkoperator.k8s.io",
        kinds: &["ScheduledSparkApplication"],
        pods: &["spec.template.driver", "spec.template.executor"],
        accounts: &[".serviceAccount", "spec.template.driver.serviceAccount"],
        metadata: &["."],
        containers: &[(".", "spark-kubernetes"), (".initContainers", ""), (".sidecars", "")],
        makes: None,
    },
    // KServe, "API reference": PodSpec is inlined in each component; the service's own labels and annotations are its pods'.
    Known {
        group: "serving.kserve.io",
        kinds: &["InferenceService"],
        pods: &["spec.predictor", "spec.transformer", "spec.explainer"],
        accounts: &[".serviceAccountName"],
        metadata: &[".", "metadata"],
        containers: &[
            (".containers", "kserve-container"),
            (".model", "kserve-container"),
            (".initContainers", ""),
        ],
        makes: None,
    },
    // Prometheus operator, "API reference".
    Known {
        group: "monitoring.coreos.com",
        kinds: &["Prometheus", "PrometheusAgent"],
        pods: &["spec"],
        accounts: &[".serviceAccountName"],
        metadata: &["spec.podMetadata"],
        containers: &[(".", "prometheus"), (".containers", ""), (".initContainers", "")],
        makes: None,
    },
    Known {
        group: "monitoring.coreos.com",
        kinds: &["Alertmanager"],
        pods: &["spec"],
        accounts: &[".serviceAccountName"],
        metadata: &["spec.podMetadata"],
        containers: &[(".", "alertmanager"), (".containers", ""), (".initContainers", "")],
        makes: None,
    },
    Known {
        group: "monitoring.coreos.com",
        kinds: &["ThanosRuler"],
        pods: &["spec"],
        accounts: &[".serviceAccountName"],
        metadata: &["spec.podMetadata"],
        containers: &[(".", "thanos-ruler"), (".containers", ""), (".initContainers", "")],
        makes: None,
    },
    // GitHub's older runner controller, whose template may leave the containers to it.
    Known {
        group: "actions.summerwind.dev",
        kinds: &["RunnerDeployment", "RunnerReplicaSet", "RunnerSet"],
        pods: &["spec.template.spec", "spec"],
        accounts: &[".serviceAccountName", "spec.template.spec.serviceAccountName"],
        metadata: &["spec.template.metadata"],
        containers: &[(".containers", ""), (".", "runner"), (".initContainers", "")],
        makes: None,
    },
    // Kubeflow's notebook controller copies the labels of a Notebook to its pod.
    Known {
        group: "kubeflow.org",
        kinds: &["Notebook"],
        pods: &["spec.template.spec"],
        accounts: &[".serviceAccountName"],
        metadata: &["metadata"],
        containers: &[(".containers", "notebook"), (".initContainers", "")],
        makes: None,
    },
    // Crossplane, "DeploymentRuntimeConfig": parts of a Deployment, whose containers may leave the image to Crossplane.
    Known {
        group: "pkg.crossplane.io",
        kinds: &["DeploymentRuntimeConfig"],
        pods: &["spec.deploymentTemplate.spec.template"],
        accounts: &[".spec.serviceAccountName", "spec.serviceAccountTemplate.metadata.name"],
        metadata: &[".metadata"],
        containers: &[(".spec.containers", "package-runtime"), (".spec.initContainers", "")],
        makes: None,
    },
    // CloudNativePG, "API reference": the account has the cluster's name.
    Known {
        group: "postgresql.cnpg.io",
        kinds: &["Cluster"],
        pods: &["spec"],
        accounts: &[],
        metadata: &["spec.inheritedMetadata"],
        containers: &[(".", "postgres")],
        makes: Some(("", "spec.serviceAccountTemplate.metadata")),
    },
    // Strimzi, "Custom resource API reference": `KafkaResources`, `KafkaConnectResources` and others have the accounts' names.
    Known {
        group: "kafka.strimzi.io",
        kinds: &["Kafka"],
        pods: &["spec.kafka"],
        accounts: &[],
        metadata: &["spec.kafka.template.pod.metadata"],
        containers: &[(".template.kafkaContainer", "kafka")],
        makes: Some(("-kafka", "spec.kafka.template.serviceAccount.metadata")),
    },
    Known {
        group: "kafka.strimzi.io",
        kinds: &["KafkaConnect"],
        pods: &["spec"],
        accounts: &[],
        metadata: &["spec.template.pod.metadata"],
        containers: &[(".template.connectContainer", "connect")],
        makes: Some(("-connect", "spec.template.serviceAccount.metadata")),
    },
    Known {
        group: "kafka.strimzi.io",
        kinds: &["KafkaBridge"],
        pods: &["spec"],
        accounts: &[],
        metadata: &["spec.template.pod.metadata"],
        containers: &[(".template.bridgeContainer", "bridge")],
        makes: Some(("-bridge", "spec.template.serviceAccount.metadata")),
    },
    Known {
        group: "kafka.strimzi.io",
        kinds: &["KafkaMirrorMaker2"],
        pods: &["spec"],
        accounts: &[],
        metadata: &["spec.template.pod.metadata"],
        containers: &[(".template.connectContainer", "mirrormaker2")],
        makes: Some(("-mirrormaker2", "spec.template.serviceAccount.metadata")),
    },
];

/// The pods of an object by its kind's own paths; none for other kinds.
fn known(object: &Value) -> Vec<Pod> {
    let ((group, _), kind) = (group_version(object), kind(object));
    let rules = KNOWN.iter().filter(|known| known.group == group && known.kinds.contains(&kind));
    let mut pods = Vec::new();
    for rule in rules {
        for path in rule.pods {
            for own in places(object, path) {
                pods.extend(of_known(object, rule, &own));
            }
            // Of several ways to write it the first one counts.
            if !pods.is_empty() && rule.kinds.contains(&"RunnerSet") {
                break;
            }
        }
    }
    pods
}

/// The ServiceAccount that an operator makes for an object, and where its metadata stands.
#[must_use]
pub fn made_account(object: &Value) -> Option<(Value, Vec<Step>)> {
    let ((group, _), kind) = (group_version(object), kind(object));
    let rule = KNOWN.iter().find(|known| known.group == group && known.kinds.contains(&kind))?;
    let (suffix, path) = rule.makes?;
    let path = steps(path);
    let mut metadata = at(object, &path).and_then(Value::as_object).cloned().unwrap_or_default();
    metadata.insert("name".to_owned(), json!(format!("{}{suffix}", name_of(object))));
    if let Some(namespace) = object.pointer("/metadata/namespace") {
        metadata.insert("namespace".to_owned(), namespace.clone());
    }
    Some((json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}), path))
}

/// The paths of the objects at `path`, in which `[]` stands for each entry of a list.
fn places(object: &Value, path: &str) -> Vec<Vec<Step>> {
    let mut found = vec![Vec::new()];
    for (index, part) in path.split("[]").enumerate() {
        let mut next = Vec::new();
        for prefix in found {
            let bases = if index == 0 {
                vec![prefix]
            } else {
                let length = at(object, &prefix).and_then(Value::as_array).map_or(0, Vec::len);
                (0..length).map(|item| prefix.iter().cloned().chain([Step::Item(item)]).collect()).collect()
            };
            next.extend(
                bases
                    .into_iter()
                    .map(|base: Vec<Step>| base.into_iter().chain(steps(part)).collect::<Vec<Step>>()),
            );
        }
        found = next;
    }
    found.retain(|path| at(object, path).is_some_and(Value::is_object));
    found
}

fn of_known(object: &Value, rule: &Known, own: &[Step]) -> Option<Pod> {
    // A path of the pod's own object, or of the whole.
    let whole = |path: &str| match path.strip_prefix('.') {
        Some(inner) => own.iter().cloned().chain(steps(inner)).collect::<Vec<Step>>(),
        None => steps(path),
    };
    let mut origins = Vec::new();
    let mut containers = Vec::new();
    for (path, name) in rule.containers {
        let path = whole(path);
        let list: Vec<(Vec<Step>, &Value)> = match at(object, &path) {
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (path.iter().cloned().chain([Step::Item(index)]).collect(), item))
                .collect(),
            Some(one @ Value::Object(_)) if containers.is_empty() => vec![(path.clone(), one)],
            _ => Vec::new(),
        };
        for (path, one) in list {
            let place = vec![Step::field("spec"), Step::field("containers"), Step::Item(containers.len())];
            origins.push((place, path));
            containers.push(container(one, name, containers.len()));
        }
    }
    if containers.is_empty() && group_version(object).0 == "argoproj.io" {
        // A template of several steps runs no pod of its own.
        return None;
    }
    let made = rule.makes.map(|(suffix, _)| (format!("{}{suffix}", name_of(object)), steps("metadata.name")));
    let account = rule
        .accounts
        .iter()
        .map(|path| whole(path))
        .find_map(|path| Some((at(object, &path)?.as_str()?.to_owned(), path)));
    let mut spec = Map::new();
    if let Some((account, path)) = account.or(made).filter(|(account, _)| !account.is_empty()) {
        origins.push((vec![Step::field("spec"), Step::field("serviceAccountName")], path));
        spec.insert("serviceAccountName".to_owned(), json!(account));
    }
    if containers.is_empty() {
        containers.push(json!({"name": "main", "image": "unknown"}));
    }
    spec.insert("containers".to_owned(), Value::Array(containers));
    if let Some(volumes) =
        at(object, own).and_then(|own| own.get("volumes")).filter(|volumes| volumes.is_array())
    {
        spec.insert("volumes".to_owned(), volumes.clone());
        origins.push((vec![Step::field("spec"), Step::field("volumes")], whole(".volumes")));
    }
    let mut metadata = Map::new();
    for list in ["labels", "annotations"] {
        let mut all = Map::new();
        for path in rule.metadata.iter().rev().map(|path| whole(path)) {
            let path: Vec<Step> = path.into_iter().chain([Step::field(list)]).collect();
            for (name, value) in at(object, &path).and_then(Value::as_object).into_iter().flatten() {
                let place = vec![Step::field("metadata"), Step::field(list), Step::field(name)];
                origins.retain(|(from, _)| *from != place);
                origins.push((place, path.iter().cloned().chain([Step::field(name)]).collect()));
                all.insert(name.clone(), value.clone());
            }
        }
        if !all.is_empty() {
            metadata.insert(list.to_owned(), Value::Object(all));
        }
    }
    named_as(&mut metadata, object, object);
    let belongs = rule.metadata.first().map(|path| whole(path)).unwrap_or_default();
    origins.push((vec![Step::field("metadata")], belongs.clone()));
    let value = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
    Some(Pod { value, origins, metadata: belongs, path: crate::yaml::written(own) })
}

/// What of a container the policy looks at.
fn container(one: &Value, name: &str, index: usize) -> Value {
    let own = one.get("name").and_then(Value::as_str);
    let name = match own {
        Some(own) => {
            format!("{}{own}", name.strip_suffix('-').map_or(String::new(), |prefix| format!("{prefix}-")))
        }
        None if name.is_empty() || name.ends_with('-') => format!("{name}{index}"),
        None => name.to_owned(),
    };
    let mut made = Map::new();
    made.insert("name".to_owned(), json!(name));
    made.insert(
        "image".to_owned(),
        one.get("image").filter(|image| image.is_string()).cloned().unwrap_or_else(|| json!("unknown")),
    );
    for field in ["env", "envFrom", "volumeMounts", "args", "command", "ports"] {
        if let Some(value) = one.get(field).filter(|value| value.is_array()) {
            made.insert(field.to_owned(), value.clone());
        }
    }
    Value::Object(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(object: &Value) -> Vec<(String, Value)> {
        match pods(object) {
            Pods::Others(pods) => pods.into_iter().map(|pod| (pod.path, pod.value)).collect(),
            other @ (Pods::Workload(_) | Pods::Patch | Pods::Nothing) => panic!("{other:?}"),
        }
    }

    #[test]
    fn finds_a_template_by_its_shape_and_names_it_by_the_nearest_object() {
        let template = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
        let object = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "f", "namespace": "team"},
            "spec": {"serviceAccount": "app", "podTemplate": template}});
        let found = others(&object);
        assert_eq!(found[0].0, "spec.podTemplate");
        assert_eq!(found[0].1["spec"]["serviceAccountName"], "app");
        assert_eq!(found[0].1["metadata"], json!({"generateName": "f-", "namespace": "team"}));
        let around = json!({"apiVersion": "example.org/v1", "kind": "Wrapper", "metadata": {"name": "w", "namespace": "outer"}, "spec": {"of": object}});
        assert_eq!(others(&around)[0].1["metadata"], json!({"generateName": "f-", "namespace": "team"}));
    }

    #[test]
    fn takes_a_pattern_for_no_pod() {
        let pattern = json!({"spec": {"containers": [{"(image)": "*", "name": "a"}]}});
        for (api, kind) in [("kyverno.io/v1", "ClusterPolicy"), ("example.org/v1", "Patch")] {
            assert_eq!(
                pods(
                    &json!({"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, "spec": {"pattern": pattern}})
                ),
                Pods::Nothing
            );
        }
        let patch = json!({"apiVersion": "kyverno.io/v1", "kind": "Policy", "spec": {"mutate": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}});
        assert_eq!(pods(&patch), Pods::Nothing);
    }

    #[test]
    fn knows_where_a_workflow_says_what_runs() {
        let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "w-", "namespace": "team"},
            "spec": {"serviceAccountName": "app", "podMetadata": {"labels": {"a": "b"}}, "templates": [{"name": "steps", "steps": []},
                {"name": "one", "script": {"image": "x", "env": [{"name": "A"}]}}]}});
        let Pods::Others(found) = pods(&object) else { panic!() };
        let pod = found.last().unwrap();
        assert_eq!(pod.value["metadata"]["labels"], json!({"a": "b"}));
        assert_eq!(pod.value["spec"]["containers"][0]["name"], "main");
        let origin = |path: &str| crate::yaml::written(&pod.origin(&steps(path)).unwrap());
        assert_eq!(origin("spec.containers[0].env[0].name"), "spec.templates[1].script.env[0].name");
        assert_eq!(origin("spec.serviceAccountName"), "spec.serviceAccountName");
        assert_eq!(origin("metadata.labels.a"), "spec.podMetadata.labels.a");
    }
}
