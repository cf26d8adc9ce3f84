//! The questions to the policy: what of each object is judged, as the API server's request for it.

use serde_json::{Map, Value, json};

use crate::{
    accounts::Accounts,
    finding::Severity,
    kinds::{self, group_version, is_account, is_pod, judged, kind, name_of, namespace_of},
    object::{Manifests, PassedOver},
    pods::{self, Pod, Pods},
    policy,
    stray::{self, Stray},
    yaml::{Step, steps, written},
};

/// What a question is about.
#[derive(Debug, Clone, PartialEq)]
pub enum About {
    /// An object as it is.
    Whole,
    /// A workload, whose pod is asked next.
    Workload,
    /// The pod of the workload before it.
    PodOfWorkload,
    /// A pod of an object that the policy does not judge.
    Pod,
    /// What an object that the policy does not judge says about its pods, asked as if it were a Deployment: its metadata.
    Metadata,
    /// Annotations or labels that stand anywhere else, by their paths.
    Stray(Stray),
    /// The ServiceAccount that an operator makes.
    MadeAccount,
}

/// A question to the policy.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it is about.
    pub about: About,
    /// The object of it, by its index.
    pub object: usize,
    /// The request.
    pub request: Value,
    /// How the policy names what it is asked about.
    pub asked: policy::Object,
    /// The pod that it is about, or the only one of its workload.
    pub pod: Option<Pod>,
    /// What is said before the answer.
    pub heading: Option<String>,
}

/// All questions about the objects. What is not asked about is noted.
#[must_use]
pub fn questions(manifests: &mut Manifests, accounts: &Accounts, namespace: &str) -> Vec<Question> {
    let mut questions = Vec::new();
    let (mut passed_over, mut findings) = (Vec::new(), Vec::new());
    for (index, object) in manifests.objects.iter().enumerate() {
        let mut asking = Asking {
            index,
            object,
            namespace,
            accounts,
            questions: &mut questions,
            passed_over: &mut passed_over,
            findings: &mut findings,
        };
        asking.ask();
    }
    manifests.passed_over.append(&mut passed_over);
    manifests.findings.append(&mut findings);
    questions
}

struct Asking<'a> {
    index: usize,
    object: &'a crate::object::Object,
    namespace: &'a str,
    accounts: &'a Accounts,
    questions: &'a mut Vec<Question>,
    passed_over: &'a mut Vec<PassedOver>,
    findings: &'a mut Vec<crate::finding::Finding>,
}

impl Asking<'_> {
    fn ask(&mut self) {
        let value = &self.object.value;
        let title = format!("{} {}", kind(value), name_of(value));
        if let Some(meant) = kinds::meant(value) {
            let api_version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
            let message = format!("no API server has a {} of {api_version}", kind(value));
            let mut finding = self.object.finding(
                self.namespace,
                Severity::Error,
                "kind",
                &[Step::field("apiVersion")],
                message,
            );
            finding.fix = Some(format!("did you mean {meant}?"));
            self.findings.push(finding);
            return;
        }
        if kind(value) == "AdmissionReview" {
            return self.review();
        }
        self.unexpanded();
        match pods::pods(value) {
            Pods::Patch => self.pass_over(format!(
                "{title} has no containers, it looks like a patch: judge `kubectl kustomize DIR`"
            )),
            Pods::Workload(pod) => {
                self.misplaced_account();
                if self.own(About::Workload, Some(&pod)) {
                    self.pod(About::PodOfWorkload, *pod, None);
                }
            }
            Pods::Others(pods) => {
                if let [pod] = &pods[..] {
                    self.metadata(pod);
                }
                for pod in pods {
                    let path = &pod.path;
                    let heading =
                        format!("{title}: a kind that the policy does not judge; its pods, by {path}:");
                    self.pod(About::Pod, pod, Some(heading));
                }
                self.strays();
            }
            Pods::Nothing if is_pod(value) || is_account(value) => {
                self.own(About::Whole, None);
            }
            Pods::Nothing => {
                if let Some(command) = kinds::rendered(value) {
                    let name = if name_of(value).is_empty() { kind(value).to_owned() } else { title };
                    self.pass_over(format!("{name} is not judged; what it renders is: judge `{command}`"));
                } else if kinds::runs_pods_later(value) || pods::is_incomplete(value) {
                    self.pass_over(format!("{title} is not judged; its pods are, when they are created"));
                }
                self.strays();
            }
        }
        if let Some((account, path)) = pods::made_account(value)
            && account.pointer("/metadata/annotations").or(account.pointer("/metadata/labels")).is_some()
        {
            let pod = Pod {
                origins: vec![(vec![Step::field("metadata")], path.clone())],
                metadata: path,
                value: Value::Null,
                path: String::new(),
            };
            self.push(About::MadeAccount, &account, Some(pod), None);
        }
    }

    fn pass_over(&mut self, text: String) {
        self.passed_over.push(PassedOver { location: self.object.location(&[]), text });
    }

    /// The request of an `AdmissionReview`, judged unchanged: an update or a debug container, which no manifest can express.
    fn review(&mut self) {
        match self.object.value.get("request") {
            Some(request) if request.get("object").is_some_and(Value::is_object) => {
                let asked = named(request.get("object").unwrap_or(&Value::Null), self.namespace);
                let within = vec![(Vec::new(), steps("request.object"))];
                let pod =
                    Pod { origins: within, metadata: Vec::new(), value: Value::Null, path: String::new() };
                self.questions.push(Question {
                    about: About::Whole,
                    object: self.index,
                    request: request.clone(),
                    asked,
                    pod: Some(pod),
                    heading: None,
                });
            }
            Some(_) | None => {
                let message = "an AdmissionReview has no request.object".to_owned();
                self.findings.push(self.object.finding(
                    self.namespace,
                    Severity::Error,
                    "not-readable",
                    &[Step::field("request")],
                    message,
                ));
            }
        }
    }

    /// Asks about the object itself; whether it can be asked about.
    fn own(&mut self, about: About, pod: Option<&Pod>) -> bool {
        if !self.object.value.get("metadata").is_some_and(Value::is_object) {
            let message = format!("a {} has no metadata", kind(&self.object.value));
            self.findings.push(self.object.finding(
                self.namespace,
                Severity::Error,
                "not-readable",
                &[],
                message,
            ));
            return false;
        }
        self.push(about, &self.object.value, pod.cloned(), None);
        true
    }

    fn pod(&mut self, about: About, mut pod: Pod, heading: Option<String>) {
        let mut heading = heading;
        // A kind that may be cluster-scoped, or whose namespace is decided elsewhere: the files may have one account of that name.
        let account =
            pod.value.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or_default();
        let own = namespace_of(&pod.value, self.namespace).to_owned();
        if about == About::Pod
            && pod.value.pointer("/metadata/namespace").is_none()
            && !self.accounts.found.contains_key(&(own, account.to_owned()))
            && let Some(namespace) = self.accounts.only(account)
        {
            let note = format!(" (in namespace {namespace}, where its ServiceAccount is)");
            heading = heading.map(|text| text.replacen("; its pods,", &format!("{note}; its pods,"), 1));
            if let Some(metadata) = pod.value.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("namespace".to_owned(), json!(namespace));
            }
        }
        let value = pod.value.clone();
        self.push(about, &value, Some(pod), heading);
    }

    /// What an object says about its pods by its own metadata, asked as a Deployment with the same template.
    fn metadata(&mut self, pod: &Pod) {
        let metadata = self.object.value.get("metadata").cloned().unwrap_or_else(|| json!({}));
        let template =
            json!({"metadata": pod.value.get("metadata").map(without_name), "spec": pod.value.get("spec")});
        let is_where_it_belongs = pod.metadata == steps("metadata");
        if is_where_it_belongs || !stray::names_ours(&metadata) {
            return;
        }
        let value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}});
        let mut origins = vec![(vec![Step::field("metadata")], vec![Step::field("metadata")])];
        let template = steps("spec.template");
        origins.extend(
            pod.origins.iter().map(|(from, to)| (template.iter().chain(from).cloned().collect(), to.clone())),
        );
        self.push(About::Metadata, &value, Some(Pod { origins, ..pod.clone() }), None);
    }

    /// What stands in the object with our prefix, in places that no pod reads.
    fn strays(&mut self) {
        if let Some(stray) = stray::find(self.object, self.namespace, self.findings) {
            let value = stray.account(namespace_of(&self.object.value, self.namespace));
            self.push(About::Stray(stray), &value, None, None);
        }
    }

    /// A variable that is still to be replaced, where a name must stand.
    fn unexpanded(&mut self) {
        for name in ["namespace", "name"] {
            let Some(text) = self.object.value.pointer(&format!("/metadata/{name}")).and_then(Value::as_str)
            else {
                continue;
            };
            if is_unexpanded(text) {
                let path = [Step::field("metadata"), Step::field(name)];
                let message = format!(
                    "metadata.{name} is {}, a variable that is still to be replaced",
                    Value::from(text)
                );
                let mut finding =
                    self.object.finding(self.namespace, Severity::Warning, "unexpanded", &path, message);
                finding.fix =
                    Some("judge what comes out of envsubst, `flux envsubst` or `helm template`".to_owned());
                self.findings.push(finding);
            }
        }
    }

    /// A workload's `serviceAccountName` in a place where Kubernetes does not read it.
    fn misplaced_account(&mut self) {
        let value = &self.object.value;
        let spec = if kind(value) == "CronJob" {
            "spec.jobTemplate.spec.template.spec"
        } else {
            "spec.template.spec"
        };
        let right = steps(spec);
        for length in 0..right.len() {
            let path: Vec<Step> =
                right.iter().take(length).cloned().chain([Step::field("serviceAccountName")]).collect();
            let pointer: String = path
                .iter()
                .map(|step| if let Step::Field(name) = step { format!("/{name}") } else { String::new() })
                .collect();
            if value.pointer(&pointer).is_some_and(Value::is_string) {
                let message = format!("{} has no effect here: no pod reads it", written(&path));
                let mut finding = self.object.finding(
                    self.namespace,
                    Severity::Warning,
                    "account-misplaced",
                    &path,
                    message,
                );
                finding.fix = Some(format!("move it to {spec}"));
                self.findings.push(finding);
            }
        }
    }

    fn push(&mut self, about: About, value: &Value, pod: Option<Pod>, heading: Option<String>) {
        let Some(request) = request(value, self.namespace) else { return };
        let asked = named(request.get("object").unwrap_or(&Value::Null), self.namespace);
        self.questions.push(Question { about, object: self.index, request, asked, pod, heading });
    }
}

/// A text that some tool is still to replace: Flux and shells write `${X}`, templates `{{ x }}`, kustomize `$(X)`.
#[must_use]
pub fn is_unexpanded(text: &str) -> bool {
    ["${", "{{", "$("].iter().any(|mark| text.contains(mark))
}

fn without_name(metadata: &Value) -> Value {
    let keep = ["labels", "annotations"];
    let fields = metadata.as_object().into_iter().flatten();
    Value::Object(
        fields
            .filter(|(name, _)| keep.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}

fn named(object: &Value, namespace: &str) -> policy::Object {
    let star = if object.pointer("/metadata/name").is_none() { "*" } else { "" };
    policy::Object {
        kind: kind(object).to_owned(),
        namespace: Some(namespace_of(object, namespace).to_owned()),
        name: Some(format!("{}{star}", name_of(object))),
    }
}

/// The request that an API server sends when `object` is created; `None` where the policy does not look at its kind.
#[must_use]
pub fn request(object: &Value, default_namespace: &str) -> Option<Value> {
    let resource = judged(object)?;
    let (group, version) = group_version(object);
    let namespace = namespace_of(object, default_namespace);
    let kind = json!({"group": group, "version": version, "kind": kind(object)});
    let resource = json!({"group": group, "version": version, "resource": resource});
    let mut request = json!({
        "uid": "00000000-0000-0000-0000-000000000000",
        "kind": kind, "resource": resource,
        "requestKind": kind, "requestResource": resource,
        "name": object.pointer("/metadata/name"), "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "azwi-policy"},
        "dryRun": true,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    });
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    if let Some(fields) = request.as_object_mut() {
        fields.insert("object".to_owned(), object);
    }
    Some(request)
}
