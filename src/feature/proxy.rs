//! The proxy sidecar, which serves applications that still ask the instance metadata service for their tokens.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::{
    feature::resources,
    fields::Fields,
    json::json_string,
    object::pod::{Candidate, Network, Os, Root},
    value::{
        names,
        parse::{Accepts, Choice, Rejected},
        port::ProxyPort,
    },
    verdict::{
        mistake::Mistake,
        notice::Notice,
        refusal::Refusal,
        warning::{About, Warning},
    },
};

/// Name of the init container (webhook `ProxyInitContainerName`).
pub(crate) const INIT_CONTAINER: &str = "azwi-proxy-init";
/// Name of the sidecar (webhook `ProxySidecarContainerName`).
pub(crate) const SIDECAR: &str = "azwi-proxy";

/// The init container's own variable (webhook `ProxyPortEnvVar`).
pub(crate) const PORT_VARIABLE: &str = "PROXY_PORT";

/// Where the sidecar runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sidecar {
    /// In `initContainers`, with `restartPolicy: Always` (Kubernetes 1.29 and later).
    Native,
    /// In `containers`.
    Classic,
}

/// What the init container may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InitPrivileges {
    /// `privileged: true`, as the webhook has it.
    Privileged,
    /// Only the capability `NET_ADMIN`.
    NetAdmin,
}

/// The setting `proxy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProxySettings {
    image: String,
    init_image: String,
    log_level: LogLevel,
    sidecar: Sidecar,
    init_privileges: InitPrivileges,
    /// As JSON.
    resources: Option<String>,
}

/// Default images: `charts/workload-identity-webhook` of webhook v1.6.3, the newest release of September 2026.
const IMAGE: &str = "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.6.3";
const INIT_IMAGE: &str = "mcr.microsoft.com/oss/azure/workload-identity/proxy-init:v1.6.3";

/// How much the proxy logs: the levels of `monis.app/mlog`, which its `--log-level` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogLevel {
    Warning,
    Info,
    Debug,
    Trace,
    All,
}

impl Choice for LogLevel {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("warning", Self::Warning),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
        ("all", Self::All),
    ];
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(Self::CHOICES.iter().find(|(_, level)| level == self).map_or("", |(word, _)| word))
    }
}

/// An image's name.
struct Image(String);

impl Accepts for Image {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("an image name")
    }
}

impl FromStr for Image {
    type Err = Rejected;

    /// # Errors
    /// Empty, or with blanks or anything beyond ASCII.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(Rejected::by::<Self>()) }
    }
}

impl ProxySettings {
    /// Reads the setting's fields.
    pub(crate) fn read(fields: &mut Fields) -> Self {
        fields.known(&["image", "initImage", "logLevel", "nativeSidecar", "privilegedInit", "resources"]);
        let mut image = |name, default: &str| {
            fields.parsed::<Image>(name).map_or_else(|| default.to_owned(), |image| image.0)
        };
        Self {
            image: image("image", IMAGE),
            init_image: image("initImage", INIT_IMAGE),
            log_level: fields.choice("logLevel").unwrap_or(LogLevel::Info),
            sidecar: fields
                .switch("nativeSidecar", Sidecar::Classic, Sidecar::Native)
                .unwrap_or(Sidecar::Native),
            init_privileges: fields
                .switch("privilegedInit", InitPrivileges::NetAdmin, InitPrivileges::Privileged)
                .unwrap_or(InitPrivileges::Privileged),
            resources: resources::read(fields, "resources"),
        }
    }

    /// The field `resources` of both containers, with a comma before it.
    fn resources(&self) -> String {
        self.resources.as_ref().map(|json| format!(r#","resources":{json}"#)).unwrap_or_default()
    }

    /// Where the sidecar runs.
    #[must_use]
    pub(crate) fn sidecar(&self) -> Sidecar {
        self.sidecar
    }
}

/// Whether `pod` asks for the proxy: by the annotation's presence, unless that says `"false"`.
pub(crate) fn is_wanted(pod: Candidate) -> bool {
    pod.metadata.annotations.present(names::INJECT_PROXY_SIDECAR).is_some_and(|value| value != "false")
}

/// The port that `pod` asks for, where the proxy can work in it.
///
/// # Errors
/// A malformed port, a pod on the host's network, a Windows pod.
pub(crate) fn port(pod: Candidate) -> Result<ProxyPort, Vec<Refusal>> {
    let mut mistakes = Vec::new();
    let port = pod.metadata.annotations.parsed_present(names::PROXY_SIDECAR_PORT);
    let port = port.map_err(|wrong| mistakes.push(Mistake::WrongAnnotation(wrong))).ok().flatten();
    if pod.spec.network == Network::Host {
        mistakes.push(Mistake::ProxyOnHostNetwork);
    }
    if pod.spec.os == Os::Windows {
        mistakes.push(Mistake::ProxyOnWindows);
    }
    if mistakes.is_empty() {
        return Ok(port.unwrap_or(ProxyPort::DEFAULT));
    }
    Err(mistakes.into_iter().map(|mistake| Refusal::new(pod.title, mistake)).collect())
}

/// Warns if the pod visibly forbids the init container, or if a container listens on the proxy's port, since they share a network.
pub(crate) fn warnings(pod: Candidate, port: ProxyPort) -> Vec<Warning> {
    let root = (pod.spec.root == Root::Forbidden).then(|| Warning::new(pod.title, Notice::ProxyRunsAsRoot));
    let number = port.to_string();
    let mut containers = pod.spec.containers.iter().filter(|container| container.name != SIDECAR);
    let taken = containers.find(|container| container.listens_on(&number)).map(|container| Warning {
        about: About::Container(pod.title.clone(), container.name.as_ref().into()),
        notice: Notice::ProxyPortTaken(port),
    });
    root.into_iter().chain(taken).collect()
}

/// The init container's own variable.
pub(crate) fn port_variable(port: ProxyPort) -> String {
    format!(r#"{{"name":"{PORT_VARIABLE}","value":"{port}"}}"#)
}

/// The init container's fields as JSON, but for what every container gets; the object is still open.
#[must_use]
pub(crate) fn init_container(settings: &ProxySettings) -> String {
    let privileged = settings.init_privileges == InitPrivileges::Privileged;
    format!(
        r#"{{"name":"{INIT_CONTAINER}","image":{},"imagePullPolicy":"IfNotPresent","securityContext":{{"capabilities":{{"add":["NET_ADMIN"],"drop":["ALL"]}},"privileged":{privileged},"runAsNonRoot":false,"runAsUser":0}}{}"#,
        json_string(&settings.init_image),
        settings.resources()
    )
}

/// The sidecar's fields as JSON, but for what every container gets; the object is still open.
#[must_use]
pub(crate) fn sidecar(settings: &ProxySettings, port: ProxyPort) -> String {
    let level = settings.log_level;
    let restart = match settings.sidecar {
        Sidecar::Native => r#","restartPolicy":"Always""#,
        Sidecar::Classic => "",
    };
    format!(
        r#"{{"name":"{SIDECAR}","image":{},"imagePullPolicy":"IfNotPresent","args":["--proxy-port={port}","--log-level={level}"],"ports":[{{"containerPort":{port}}}],"lifecycle":{{"postStart":{{"exec":{{"command":["/proxy","--proxy-port={port}","--probe","--log-level={level}"]}}}}}},"securityContext":{{"allowPrivilegeEscalation":false,"capabilities":{{"drop":["ALL"]}},"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true}}{restart}{}"#,
        json_string(&settings.image),
        settings.resources()
    )
}
