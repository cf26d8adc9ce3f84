//! Generates pods as users write them, valid or not, with their `ServiceAccounts`, and workload templates. The laws, the conformance
//! driver and the fuzzer use them.
#![allow(clippy::indexing_slicing)] // fields of JSON objects that are made a line above

use proptest::{option::weighted, prelude::*, sample::select};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::requests;

/// What both are asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// The cluster's `ServiceAccounts`.
    pub service_accounts: Vec<Value>,
    /// The request.
    pub request: Value,
}

impl Case {
    /// The pod's ServiceAccount, where the cluster has it.
    #[must_use]
    pub fn account(&self) -> Option<&Value> {
        let name = self.request.pointer("/object/spec/serviceAccountName")?;
        self.service_accounts.iter().find(|account| account.pointer("/metadata/name") == Some(name))
    }
}

/// Reserved names: the last three are of sha256("web"), sha256("web- (prefix)") and sha256("renamed").
pub const RESERVED: [&str; 4] = [
    "azure-identity-token",
    "azure-workload-identity-reserved-4b5e57f6eb2f42b9039b3d1e139292",
    "azure-workload-identity-reserved-2f3cfc2eb6118051c2b0e512de0d8e",
    "azure-workload-identity-reserved-017e9e217af8bbb732e91d3f534e07",
];
const UUIDS: [&str; 3] = [
    "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa",
    "6F3C2B58-9D3E-4F4C-8A51-0B7E4C1D92AA",
    "00000000-0000-0000-0000-000000000000",
];
/// The value of every variable of a pod's own that could be a secret.
pub const SECRET: &str = "S3CRET-VALUE";

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    select(texts)
}

fn maybe(probability: f64, texts: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    weighted(probability, one_of(texts))
}

fn annotations(pairs: impl IntoIterator<Item = (&'static str, Option<&'static str>)>) -> Value {
    let own = |name: &str| {
        if name.contains('/') || name == "other" {
            name.to_owned()
        } else {
            format!("azure.workload.identity/{name}")
        }
    };
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some((own(name), json!(value?))));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn with_label(mut metadata: Value, label: Option<&str>) -> Value {
    if let Some(label) = label {
        metadata["labels"]["azure.workload.identity/use"] = json!(label);
    }
    metadata
}

/// A ServiceAccount of namespace `team`.
pub fn account(name: &'static str) -> impl Strategy<Value = Value> {
    (
        maybe(0.7, &["true", "true", "false", "yes"]),
        maybe(
            0.85,
            &[UUIDS[0], UUIDS[0], UUIDS[0], UUIDS[1], UUIDS[2], UUIDS[0], "", "web-identity", "${CLIENT_ID}"],
        ),
        maybe(0.3, &[UUIDS[2], UUIDS[2], "contoso.onmicrosoft.com", "", "contoso"]),
        maybe(0.25, &["3600", "86400", "7200", "", "60", "1h", "+4000"]),
    )
        .prop_map(move |(label, client_id, tenant_id, expiration)| {
            let annotations = annotations([
                ("client-id", client_id),
                ("tenant-id", tenant_id),
                ("service-account-token-expiration", expiration),
            ]);
            let metadata = json!({"name": name, "namespace": "team", "annotations": annotations});
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": with_label(metadata, label)})
        })
}

/// An environment variable: a name of the identity's or another, from here or from elsewhere.
fn variable() -> impl Strategy<Value = Value> {
    let name = one_of(&[
        "V0",
        "V1",
        "V2",
        "V3",
        "V4",
        "OTHER",
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_AUTHORITY_HOST",
        "AZURE_KUBERNETES_CA_FILE",
    ]);
    let value = one_of(&[
        SECRET,
        "",
        "/var/run/secrets/azure/wi/token/azure-identity-token",
        "/var/run/secrets/azure/tokens/azure-identity-token",
        "/var/run/secrets/azure/wi/4b5e57f6eb2f42b9039b3d1e139292/token/azure-identity-token",
    ]);
    let source = select(vec![
        json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}),
        json!({"secretKeyRef": {"name": "s", "key": "k"}}),
        json!({"fileKeyRef": {"volumeName": "v0", "path": "a.env", "key": "K"}}),
        json!({"fileKeyRef": {"volumeName": RESERVED[1], "path": "a.env", "key": "K"}}),
    ]);
    (name, value, weighted(0.12, source)).prop_map(|(name, value, source)| match source {
        Some(source) => json!({"name": name, "valueFrom": source}),
        None => json!({"name": name, "value": value}),
    })
}

fn mount() -> impl Strategy<Value = Value> {
    let name = one_of(&["v0", "v1", "v2", "v0", "v1", "v2", RESERVED[0], RESERVED[1], RESERVED[2]]);
    let path = one_of(&[
        "/data",
        "/m0",
        "/m1",
        "/m2",
        "/m3",
        "/m4",
        "/var/run/secrets",
        "/var/run/secrets/azure/tokens",
        "/var/run/secrets/azure/wi",
        "/var/run/secrets/azure/wi/token",
        "/var/run/secrets/azure/wi/4b5e57f6eb2f42b9039b3d1e139292",
        "/var/run/secrets/azure/wi/4b5e57f6eb2f42b9039b3d1e139292/ca-cert",
    ]);
    let more = select(vec![json!({}), json!({}), json!({"readOnly": true}), json!({"subPath": "x"})]);
    (name, path, more).prop_map(|(name, path, mut mount)| {
        mount["name"] = json!(name);
        mount["mountPath"] = json!(path);
        mount
    })
}

fn device() -> impl Strategy<Value = Value> {
    let name = one_of(&["v0", "v1", RESERVED[1]]);
    let path = one_of(&[
        "/dev/x",
        "/var/run/secrets/azure/wi",
        "/var/run/secrets/azure/wi/4b5e57f6eb2f42b9039b3d1e139292",
        "/var/run/secrets/azure",
    ]);
    (name, path).prop_map(|(name, path)| json!({"name": name, "devicePath": path}))
}

/// A volume called `name`, of any kind.
fn volume(name: &'static str) -> impl Strategy<Value = Value> {
    let audience = one_of(&["api://AzureADTokenExchange", "api://AzureADTokenExchange", "api://other"]);
    let path = one_of(&["token/azure-identity-token", "azure-identity-token"]);
    let token = (audience, path).prop_map(|(audience, path)| {
        json!({"projected": {"defaultMode": 420, "sources": [{"serviceAccountToken":
            {"audience": audience, "expirationSeconds": 3600, "path": path}}]}})
    });
    let other = select(vec![
        json!({"emptyDir": {"medium": "Memory"}}),
        json!({"emptyDir": {}}),
        json!({"persistentVolumeClaim": {"claimName": "c"}}),
        json!({"projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": {"name": "y"}},
            {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]}}),
        json!({"configMap": {"name": "x"}}),
    ]);
    let share = if name.starts_with('v') { (1, 9) } else { (6, 4) };
    prop_oneof![share.0 => token, share.1 => other].prop_map(move |mut volume| {
        volume["name"] = json!(name);
        volume
    })
}

/// As a version of the webhook equips a container: variable and mount.
const EQUIPPED: [(&str, &str, &str); 4] = [
    (RESERVED[0], "/var/run/secrets/azure/tokens", "azure-identity-token"),
    (RESERVED[1], "/var/run/secrets/azure/wi", "token/azure-identity-token"),
    (RESERVED[1], "/var/run/secrets/azure/wi/4b5e57f6eb2f42b9039b3d1e139292", "token/azure-identity-token"),
    ("v0", "/own", "token"),
];

fn container(name: String) -> impl Strategy<Value = Value> {
    let env = weighted(0.6, prop::collection::vec(variable(), 0..4));
    let mounts = weighted(0.5, prop::collection::vec(mount(), 0..3));
    let devices = weighted(0.06, prop::collection::vec(device(), 1..3));
    let equipped = weighted(0.1, select(EQUIPPED.to_vec()));
    let future = weighted(0.05, Just("kept"));
    (env, mounts, devices, equipped, future).prop_map(move |(env, mounts, devices, equipped, future)| {
        let mut container = json!({"name": name, "image": "nginx:1", "imagePullPolicy": "IfNotPresent"});
        for (field, list) in [("env", env), ("volumeMounts", mounts), ("volumeDevices", devices)] {
            if let Some(list) = list {
                container[field] = json!(list);
            }
        }
        if let Some((volume, path, token)) = equipped {
            container["env"] =
                json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": format!("{path}/{token}")}]);
            container["volumeMounts"] = json!([{"name": volume, "mountPath": path, "readOnly": true}]);
        }
        if let Some(future) = future {
            container["futureField"] = json!(future);
        }
        container
    })
}

fn containers(prefix: &'static str, number: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Value>> {
    let number = prop_oneof![19 => number, 1 => Just(20_usize)];
    let numbered = number.prop_flat_map(move |number| {
        (0..number).map(|index| container(format!("{prefix}{index}"))).collect::<Vec<_>>()
    });
    // Each of the proxy's names at most once: the API server refuses two containers of one name.
    let proxy = weighted(0.06, one_of(&["azwi-proxy", "azwi-proxy-init"]));
    (numbered, proxy, any::<bool>()).prop_map(move |(mut containers, proxy, native)| {
        if let (Some(first), Some(proxy)) =
            (containers.first_mut(), proxy.filter(|name| prefix == "i" || *name == "azwi-proxy"))
        {
            first["name"] = json!(proxy);
        }
        if let (Some(last), "i", true) = (containers.last_mut(), prefix, native) {
            last["restartPolicy"] = json!("Always");
        }
        containers
    })
}

fn volumes() -> impl Strategy<Value = Option<Vec<Value>>> {
    let all = ["v0", "v1", "v2", RESERVED[0], RESERVED[1], RESERVED[2]];
    let each: Vec<_> = all
        .into_iter()
        .map(|name| weighted(if name.starts_with('v') { 0.7 } else { 0.12 }, volume(name)))
        .collect();
    weighted(0.75, each.prop_map(|volumes| volumes.into_iter().flatten().collect()))
}

/// Metadata of a pod but for its name: the label, and annotations.
fn metadata() -> impl Strategy<Value = Value> {
    let annotated = (
        maybe(0.3, &["3600", "86400", "", "5000", "86401", "ten"]),
        maybe(0.4, &["c0", "c0;c1", " c1 ; c9 ;", "", ";", "azwi-proxy;c2", "i0;azwi-proxy-init"]),
        maybe(0.3, &["true", "", "yes", "false"]),
        maybe(0.25, &["8080", "1", "65535", "", "http", "0", "70000", "-1"]),
        maybe(0.3, &["true", "TRUE", "false", ""]),
        maybe(0.04, &["x"]),
        maybe(0.2, &["value"]),
    );
    let annotated = annotated.prop_map(|(expiration, skip, proxy, port, endpoint, mirror, other)| {
        annotations([
            ("service-account-token-expiration", expiration),
            ("skip-containers", skip),
            ("inject-proxy-sidecar", proxy),
            ("proxy-sidecar-port", port),
            ("use-identity-binding", endpoint),
            ("kubernetes.io/config.mirror", mirror),
            ("other", other),
        ])
    });
    let label = maybe(0.9, &["true", "true", "true", "true", "true", "true", "false", "True", ""]);
    (label, weighted(0.6, annotated)).prop_map(|(label, annotations)| {
        let mut metadata = with_label(json!({"labels": {"app": "web"}}), label);
        if let Some(annotations) = annotations {
            metadata["annotations"] = annotations;
        }
        metadata
    })
}

fn spec() -> impl Strategy<Value = Value> {
    let lists = (containers("c", 0..4), weighted(0.4, containers("i", 0..3)), volumes());
    let more = (
        weighted(0.06, Just(json!([{"name": "debugger", "image": "busybox"}]))),
        weighted(0.06, Just(json!(true))),
        weighted(0.06, Just(json!({"name": "windows"}))),
        weighted(
            0.08,
            select(vec![json!({"kubernetes.io/os": "linux"}), json!({"kubernetes.io/os": "windows"})]),
        ),
        weighted(0.08, Just(json!({"a": [1, null, {"b": 2}]}))),
        weighted(0.05, Just(json!({"limits": {"cpu": "1"}}))),
        weighted(0.05, Just(json!([{"name": "gpu", "resourceClaimName": "gpu"}]))),
        weighted(0.06, Just(json!({"runAsNonRoot": true}))),
    );
    let account = one_of(&["web-sa", "web-sa", "web-sa", "default", "missing"]);
    (lists, more, account).prop_map(|((containers, init, volumes), more, account)| {
        let mut spec = json!({"restartPolicy": "Always", "containers": containers,
            "serviceAccountName": account, "serviceAccount": account});
        let (ephemeral, host, os, selector, future, resources, claims, security) = more;
        let optional = [
            ("initContainers", init.map(|init| json!(init))),
            ("volumes", volumes.map(|volumes| json!(volumes))),
            ("ephemeralContainers", ephemeral),
            ("hostNetwork", host),
            ("os", os),
            ("nodeSelector", selector),
            ("futureField", future),
            ("resources", resources),
            ("resourceClaims", claims),
            ("securityContext", security),
        ];
        for (field, value) in optional {
            if let Some(value) = value {
                spec[field] = value;
            }
        }
        spec
    })
}

/// The template of a workload: metadata without a name, and spec.
pub fn template() -> impl Strategy<Value = Value> {
    (metadata(), spec()).prop_map(|(metadata, spec)| json!({"metadata": metadata, "spec": spec}))
}

/// The request for the creation of `pod` in the namespace `team`.
#[must_use]
pub fn request(pod: &Value) -> Value {
    requests::create(requests::POD, "team", pod)
}

/// A pod that is created beside its `ServiceAccounts`.
pub fn case() -> impl Strategy<Value = Case> {
    let long: &'static str = Box::leak("w".repeat(253).into_boxed_str());
    let names: &'static [(&str, &str)] = Box::leak(Box::new([
        ("name", "web"),
        ("name", "web"),
        ("name", "web"),
        ("generateName", "web-"),
        ("generateName", "web-"),
        ("name", "web.example.com"),
        ("name", long),
        ("", ""),
    ]));
    (template(), select(names), account("web-sa"), account("default")).prop_map(
        |(mut pod, (field, name), web, default)| {
            pod["apiVersion"] = json!("v1");
            pod["kind"] = json!("Pod");
            pod["metadata"]["namespace"] = json!("team");
            if !field.is_empty() {
                pod["metadata"][field] = json!(name);
            }
            Case { service_accounts: vec![web, default], request: request(&pod) }
        },
    )
}
