//! Kinds that say what runs in their pods at paths of their own.

use serde_json::{Map, Value, json};

use super::{Pod, named_as};
use crate::{
    kinds::{group_version, kind, name_of},
    yaml::{Step, steps, value_at},
};

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

/// What a template of Argo Workflows runs ("Fields": Template).
const OF_TEMPLATE: &[(&str, &str)] = &[
    (".container", "main"),
    (".script", "main"),
    (".containerSet.containers", ""),
    (".initContainers", ""),
    (".sidecars", ""),
];

/// What a task of Tekton runs ("Tasks").
const OF_TASK: &[(&str, &str)] = &[(".steps", "step-"), (".sidecars", "sidecar-")];

/// What a driver or an executor of Spark runs.
const OF_SPARK: &[(&str, &str)] = &[(".", "spark-kubernetes"), (".initContainers", ""), (".sidecars", "")];

const KNOWN: &[Known] = &[
    // Argo Workflows, "Fields": WorkflowSpec, Template.
    Known {
        group: "argoproj.io",
        kinds: &["Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"],
        pods: &["spec.templates[]"],
        accounts: &[".serviceAccountName", "spec.serviceAccountName"],
        metadata: &[".metadata", "spec.podMetadata", "spec.templateDefaults.metadata"],
        containers: OF_TEMPLATE,
        makes: None,
    },
    Known {
        group: "argoproj.io",
        kinds: &["CronWorkflow"],
        pods: &["spec.workflowSpec.templates[]"],
        accounts: &[".serviceAccountName", "spec.workflowSpec.serviceAccountName"],
        metadata: &[".metadata", "spec.workflowSpec.podMetadata"],
        containers: OF_TEMPLATE,
        makes: None,
    },
    // Tekton, "TaskRuns" and "PipelineRuns": the run's labels and annotations are its pods'.
    Known {
        group: "tekton.dev",
        kinds: &["TaskRun"],
        pods: &["spec.taskSpec", "spec.taskRef"],
        accounts: &["spec.serviceAccountName"],
        metadata: &["metadata"],
        containers: OF_TASK,
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
        containers: OF_TASK,
        makes: None,
    },
    // Kubeflow Spark operator, "API": DriverSpec, ExecutorSpec.
    Known {
        group: "sparkoperator.k8s.io",
        kinds: &["SparkApplication"],
        pods: &["spec.driver", "spec.executor"],
        accounts: &[".serviceAccount", "spec.driver.serviceAccount"],
        metadata: &["."],
        containers: OF_SPARK,
        makes: None,
    },
    Known {
        group: "sparkoperator.k8s.io",
        kinds: &["ScheduledSparkApplication"],
        pods: &["spec.template.driver", "spec.template.executor"],
        accounts: &[".serviceAccount", "spec.template.driver.serviceAccount"],
        metadata: &["."],
        containers: OF_SPARK,
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
pub(super) fn known(object: &Value) -> Vec<Pod> {
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
    let mut metadata = value_at(object, &path).and_then(Value::as_object).cloned().unwrap_or_default();
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
                let length = value_at(object, &prefix).and_then(Value::as_array).map_or(0, Vec::len);
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
    found.retain(|path| value_at(object, path).is_some_and(Value::is_object));
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
        let list: Vec<(Vec<Step>, &Value)> = match value_at(object, &path) {
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
        .find_map(|path| Some((value_at(object, &path)?.as_str()?.to_owned(), path)));
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
        value_at(object, own).and_then(|own| own.get("volumes")).filter(|volumes| volumes.is_array())
    {
        spec.insert("volumes".to_owned(), volumes.clone());
        origins.push((vec![Step::field("spec"), Step::field("volumes")], whole(".volumes")));
    }
    let mut metadata = Map::new();
    for list in ["labels", "annotations"] {
        let mut all = Map::new();
        for path in rule.metadata.iter().rev().map(|path| whole(path)) {
            let path: Vec<Step> = path.into_iter().chain([Step::field(list)]).collect();
            for (name, value) in value_at(object, &path).and_then(Value::as_object).into_iter().flatten() {
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
