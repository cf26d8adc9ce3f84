//! The proxy sidecar, which serves applications that still ask the instance metadata service for their tokens.

use crate::{
    json::{fields::Fields, json_string},
    object::{
        pod::{Candidate, Namespaces, Os, of_pod},
        service_account::WrongValue,
    },
    value::names,
    verdict::{Code, Fault, Refusal, Warning},
};

/// Name of the init container (webhook `ProxyInitContainerName`).
pub const INIT_CONTAINER: &str = "azwi-proxy-init";
/// Name of the sidecar (webhook `ProxySidecarContainerName`).
pub const SIDECAR: &str = "azwi-proxy";

/// The port that the proxy listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyPort(u16);

impl ProxyPort {
    /// Where no annotation says otherwise (webhook `DefaultProxySidecarPort`).
    pub const DEFAULT: Self = Self(8000);
    /// What is accepted, for messages.
    pub const ACCEPTED: &'static str = "a port from 1 to 65535";
}

impl std::str::FromStr for ProxyPort {
    type Err = ();

    /// # Errors
    /// `0`, `70000`, `http`, nothing.
    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().filter(|port| *port > 0).map(Self).ok_or(())
    }
}

/// Where the sidecar runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sidecar {
    /// In `initContainers`, with `restartPolicy: Always` (Kubernetes 1.29 and later).
    Native,
    /// In `containers`.
    Classic,
}

/// What the init container may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitPrivileges {
    /// `privileged: true`, as the webhook has it.
    Privileged,
    /// Only the capability `NET_ADMIN`.
    NetAdmin,
}

/// The setting `proxy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    image: String,
    init_image: String,
    log_level: &'static str,
    sidecar: Sidecar,
    init_privileges: InitPrivileges,
}

/// Default images: `charts/workload-identity-webhook` of webhook v1.6.0.
const IMAGE: &str = "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.6.0";
const INIT_IMAGE: &str = "mcr.microsoft.com/oss/azure/workload-identity/proxy-init:v1.6.0";

/// The levels of `monis.app/mlog`, which the proxy's `--log-level` takes.
const LOG_LEVELS: &[(&str, &str)] =
    &[("warning", "warning"), ("info", "info"), ("debug", "debug"), ("trace", "trace"), ("all", "all")];

struct Image(String);

impl std::str::FromStr for Image {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

impl ProxySettings {
    /// Reads the setting's fields.
    pub fn read(fields: &mut Fields) -> Self {
        fields.known(&["image", "initImage", "logLevel", "nativeSidecar", "privilegedInit"]);
        let mut image = |name, default: &str| {
            fields
                .parsed::<Image>(name, "an image's name")
                .map_or_else(|| default.to_owned(), |image| image.0)
        };
        Self {
            image: image("image", IMAGE),
            init_image: image("initImage", INIT_IMAGE),
            log_level: fields.choice("logLevel", LOG_LEVELS).unwrap_or("info"),
            sidecar: if fields.boolean("nativeSidecar", true) { Sidecar::Native } else { Sidecar::Classic },
            init_privileges: if fields.boolean("privilegedInit", true) {
                InitPrivileges::Privileged
            } else {
                InitPrivileges::NetAdmin
            },
        }
    }

    /// Where the sidecar runs.
    #[must_use]
    pub fn sidecar(&self) -> Sidecar {
        self.sidecar
    }
}

/// Whether `pod` asks for the proxy: by the annotation's presence, unless that says `"false"`.
#[must_use]
pub fn is_wanted(pod: Candidate) -> bool {
    pod.metadata.annotations.present(names::INJECT_PROXY_SIDECAR).is_some_and(|value| value != "false")
}

/// The port that `pod` asks for, where the proxy can work in it.
///
/// # Errors
/// A port that is none, a pod on the host's network, a Windows pod.
pub fn port(pod: Candidate) -> Result<ProxyPort, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let port = match pod.metadata.annotations.present(names::PROXY_SIDECAR_PORT) {
        None => ProxyPort::DEFAULT,
        Some(found) => found.parse().unwrap_or_else(|()| {
            let wrong = WrongValue {
                annotation: names::PROXY_SIDECAR_PORT,
                found: found.to_owned(),
                accepted: ProxyPort::ACCEPTED.into(),
                placeholder: "8000",
            };
            refusals.push(of_pod(&wrong, pod));
            ProxyPort::DEFAULT
        }),
    };
    if pod.spec.network == Namespaces::Host {
        refusals.push(impossible(pod, "spec.hostNetwork is true: the proxy would redirect the traffic of the whole node, expected no proxy or the pod's own network"));
    }
    if pod.spec.os == Os::Windows {
        refusals.push(impossible(
            pod,
            "the proxy sidecar does not run on Windows, expected no proxy or a Linux pod",
        ));
    }
    if refusals.is_empty() { Ok(port) } else { Err(refusals) }
}

fn impossible(pod: Candidate, problem: &str) -> Refusal {
    Refusal {
        object: pod.title.to_owned(),
        problem: problem.to_owned(),
        hint: "leave the proxy out in the pod's manifest, or its workload's pod template, with:",
        cure: format!("metadata: {{annotations: {{{}: \"false\"}}}}", names::INJECT_PROXY_SIDECAR),
        code: Code::BadRequest,
        fault: Fault::Template,
    }
}

/// What can be seen to forbid the init container.
#[must_use]
pub fn warnings(pod: Candidate) -> Option<Warning> {
    let text =
        "securityContext.runAsNonRoot is true, but azwi-proxy-init runs as root: the namespace may forbid it";
    pod.spec.runs_as_non_root.then(|| Warning::new(pod.title, text))
}

/// The init container as JSON, but for what every container gets.
#[must_use]
pub fn init_container(settings: &ProxySettings, port: ProxyPort) -> String {
    let privileged = settings.init_privileges == InitPrivileges::Privileged;
    format!(
        r#"{{"name":"{INIT_CONTAINER}","image":{},"imagePullPolicy":"IfNotPresent","securityContext":{{"capabilities":{{"add":["NET_ADMIN"],"drop":["ALL"]}},"privileged":{privileged},"runAsNonRoot":false,"runAsUser":0}},"env":[{{"name":"PROXY_PORT","value":"{}"}}]}}"#,
        json_string(&settings.init_image),
        port.0
    )
}

/// The sidecar as JSON, but for what every container gets.
#[must_use]
pub fn sidecar(settings: &ProxySettings, port: ProxyPort) -> String {
    let (port, level) = (port.0, settings.log_level);
    let restart = match settings.sidecar {
        Sidecar::Native => r#","restartPolicy":"Always""#,
        Sidecar::Classic => "",
    };
    format!(
        r#"{{"name":"{SIDECAR}","image":{},"imagePullPolicy":"IfNotPresent","args":["--proxy-port={port}","--log-level={level}"],"ports":[{{"containerPort":{port}}}],"lifecycle":{{"postStart":{{"exec":{{"command":["/proxy","--proxy-port={port}","--probe","--log-level={level}"]}}}}}},"securityContext":{{"allowPrivilegeEscalation":false,"capabilities":{{"drop":["ALL"]}},"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true}}{restart}}}"#,
        json_string(&settings.image)
    )
}
