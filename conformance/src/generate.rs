//! Pods as users write them, and as they should not.
#![allow(clippy::indexing_slicing)] // fields of JSON objects that are made a line above

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What both are asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// The cluster's `ServiceAccounts`.
    pub service_accounts: Vec<Value>,
    /// The request.
    pub request: Value,
}

/// Names that the webhook and the policy reserve for themselves.
const RESERVED: [&str; 3] = [
    "azure-identity-token",
    // sha256("web") and sha256("web- (prefix)"), cut as the webhook does.
    "azure-workload-identity-reserved-4b5e57f6eb2f42b9039b3d1e139292",
    "azure-workload-identity-reserved-2f3cfc2eb6118051c2b0e512de0d8e",
];
const UUIDS: [&str; 3] = [
    "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa",
    "6F3C2B58-9D3E-4F4C-8A51-0B7E4C1D92AA",
    "00000000-0000-0000-0000-000000000000",
];

/// Generates cases, the same ones for the same seed.
pub struct Generator(ChaCha8Rng);

impl Generator {
    /// Starts with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent, 100)
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        of.choose(&mut self.0).cloned()
    }

    fn text(&mut self, of: &[&str]) -> Value {
        self.pick(of).map_or(Value::Null, |text| json!(text))
    }

    /// The next case.
    pub fn case(&mut self) -> Case {
        let account = self.text(&["web-sa", "web-sa", "web-sa", "default", "missing"]);
        let pod = self.pod(&account);
        let accounts = vec![self.account("web-sa"), self.account("default")];
        let resource = json!({"group": "", "version": "v1", "resource": "pods"});
        let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
        let request = json!({"uid": "1", "kind": kind, "resource": resource, "namespace": "team", "operation": "CREATE",
            "name": pod.pointer("/metadata/name"), "userInfo": {}, "object": pod, "oldObject": null, "dryRun": false});
        Case { service_accounts: accounts, request }
    }

    fn account(&mut self, name: &str) -> Value {
        let mut annotations = Map::new();
        let mut put = |this: &mut Self, percent, key: &str, of: &[&str]| {
            if this.chance(percent) {
                annotations.insert(format!("azure.workload.identity/{key}"), this.text(of));
            }
        };
        put(
            self,
            85,
            "client-id",
            &[UUIDS[0], UUIDS[0], UUIDS[0], UUIDS[1], UUIDS[2], UUIDS[0], "", "web-identity", "${CLIENT_ID}"],
        );
        put(self, 30, "tenant-id", &[UUIDS[2], UUIDS[2], "contoso.onmicrosoft.com", "", "contoso"]);
        put(
            self,
            25,
            "service-account-token-expiration",
            &["3600", "86400", "7200", "", "60", "1h", "+4000"],
        );
        let mut metadata = json!({"name": name, "namespace": "team", "annotations": annotations});
        if self.chance(70) {
            metadata["labels"] =
                json!({"azure.workload.identity/use": self.text(&["true", "true", "false", "yes"])});
        }
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    }

    fn pod(&mut self, account: &Value) -> Value {
        let mut metadata = json!({"namespace": "team", "labels": {"app": "web"}});
        match self.0.random_range(0..10) {
            0..5 => metadata["name"] = json!("web"),
            5..8 => metadata["generateName"] = json!("web-"),
            8 => metadata["name"] = json!("w".repeat(253)),
            _ => {}
        }
        if self.chance(90) {
            metadata["labels"]["azure.workload.identity/use"] =
                self.text(&["true", "true", "true", "true", "true", "true", "false", "True", ""]);
        }
        if self.chance(60) {
            metadata["annotations"] = self.annotations();
        }
        let mut spec = json!({"restartPolicy": "Always"});
        if account != "default" || self.chance(50) {
            spec["serviceAccountName"] = account.clone();
            spec["serviceAccount"] = account.clone();
        }
        let number = if self.chance(5) { 20 } else { self.0.random_range(0..4) };
        spec["containers"] = (0..number).map(|index| self.container(&format!("c{index}"))).collect();
        if self.chance(4) && number > 0 {
            // As the webhook leaves a pod of Kubernetes before 1.32.
            spec["containers"][0]["name"] = json!("azwi-proxy");
        } else if self.chance(40) {
            let number = if self.chance(5) { 20 } else { self.0.random_range(0..3) };
            spec["initContainers"] = (0..number).map(|index| self.init_container(index)).collect();
        }
        if self.chance(10) {
            spec["ephemeralContainers"] = json!([{"name": "debugger", "image": "busybox"}]);
        }
        if self.chance(60) {
            let number = self.0.random_range(0..4);
            spec["volumes"] = (0..number).map(|index| self.volume(index)).collect();
        }
        if self.chance(15) {
            spec["volumes"] = json!([{"name": "azure-identity-token", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken":
                {"audience": "api://AzureADTokenExchange", "expirationSeconds": 3600, "path": "azure-identity-token"}}]}}]);
        }
        if self.chance(8) {
            spec["hostNetwork"] = json!(true);
        }
        if self.chance(8) {
            spec["os"] = json!({"name": "windows"});
        }
        if self.chance(8) {
            spec["nodeSelector"] = json!({"kubernetes.io/os": self.text(&["linux", "windows"])});
        }
        if self.chance(8) {
            spec["futureField"] = json!({"a": [1, null, {"b": 2}]});
        }
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    }

    fn annotations(&mut self) -> Value {
        let mut annotations = Map::new();
        let mut put = |this: &mut Self, percent, key: &str, of: &[&str]| {
            if this.chance(percent) {
                annotations.insert(key.to_owned(), this.text(of));
            }
        };
        let key = |name: &str| format!("azure.workload.identity/{name}");
        put(
            self,
            30,
            &key("service-account-token-expiration"),
            &["3600", "86400", "", "5000", "86401", "ten"],
        );
        put(
            self,
            40,
            &key("skip-containers"),
            &["c0", "c0;c1", " c1 ; c9 ;", "", ";", "azwi-proxy;c2", "i0;azwi-proxy-init"],
        );
        put(self, 35, &key("inject-proxy-sidecar"), &["true", "", "yes", "false"]);
        put(self, 25, &key("proxy-sidecar-port"), &["8080", "1", "65535", "", "http", "0", "70000", "-1"]);
        put(self, 30, &key("use-identity-binding"), &["true", "TRUE", "false", ""]);
        put(self, 5, "kubernetes.io/config.mirror", &["x"]);
        put(self, 20, "other", &["value"]);
        Value::Object(annotations)
    }

    fn init_container(&mut self, index: usize) -> Value {
        // Each at most once: the API server refuses two containers of one name.
        let name = match (index, self.chance(20)) {
            (0, true) => "azwi-proxy".to_owned(),
            (1, true) => "azwi-proxy-init".to_owned(),
            _ => format!("i{index}"),
        };
        let mut container = self.container(&name);
        if self.chance(30) {
            container["restartPolicy"] = json!("Always");
        }
        container
    }

    fn container(&mut self, name: &str) -> Value {
        let mut container = json!({"name": name, "image": "nginx:1", "imagePullPolicy": "IfNotPresent"});
        if self.chance(60) {
            let number = self.0.random_range(0..4);
            container["env"] = (0..number).map(|index| self.variable(index)).collect();
        }
        if self.chance(50) {
            let number = self.0.random_range(0..3);
            container["volumeMounts"] = (0..number).map(|index| self.mount(index)).collect();
        }
        if self.chance(5) {
            container["futureField"] = json!("kept");
        }
        if self.chance(10) {
            // As the webhook up to v1.5 equips a container.
            let file = "/var/run/secrets/azure/tokens/azure-identity-token";
            container["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file}]);
            container["volumeMounts"] = json!([{"name": "azure-identity-token", "mountPath": "/var/run/secrets/azure/tokens", "readOnly": true}]);
        }
        container
    }

    fn variable(&mut self, index: usize) -> Value {
        let known = [
            "AZURE_CLIENT_ID",
            "AZURE_TENANT_ID",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_AUTHORITY_HOST",
            "AZURE_KUBERNETES_CA_FILE",
        ];
        let name = if self.chance(30) { self.text(&known) } else { json!(format!("V{index}")) };
        if self.chance(15) {
            return json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}});
        }
        let files = [
            "/var/run/secrets/azure/wi/token/azure-identity-token",
            "/var/run/secrets/azure/tokens/azure-identity-token",
            "own",
            "",
        ];
        json!({"name": name, "value": self.text(&files)})
    }

    fn mount(&mut self, index: usize) -> Value {
        let name = if self.chance(30) { self.text(&RESERVED) } else { json!(format!("v{index}")) };
        let paths = [
            "/data",
            "/data",
            "/var/run/secrets/azure/tokens",
            "/var/run/secrets/azure/wi",
            "/var/run/secrets/azure/wi/token",
            "/var/run/secrets",
        ];
        let path = if self.chance(40) { self.text(&paths) } else { json!(format!("/m{index}")) };
        json!({"name": name, "mountPath": path})
    }

    fn volume(&mut self, index: usize) -> Value {
        if self.chance(70) {
            return json!({"name": format!("v{index}"), "emptyDir": {"medium": "Memory"}});
        }
        let audience =
            self.text(&["api://AzureADTokenExchange", "api://AzureADTokenExchange", "api://other"]);
        let name = self.text(&RESERVED);
        json!({"name": name, "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken":
            {"audience": audience, "expirationSeconds": 3600, "path": self.text(&["token/azure-identity-token", "azure-identity-token"])}}]}})
    }
}
