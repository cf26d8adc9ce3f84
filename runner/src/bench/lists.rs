//! Every list that a request or the settings can repeat, at growing lengths: what an entry costs must not depend on how many there are.

#![allow(clippy::indexing_slicing)] // fields of the walkthrough's request, which are there

use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::{
    bench::cases::{self, Case},
    host::GetResource,
};

/// The lengths at which each list is counted.
pub const LENGTHS: [usize; 3] = [100, 1_000, 10_000];

/// How much more twice the entries may cost (SPEC section 11 of this policy's contract).
pub const GROWTH_MAX: f64 = 2.2;

/// What the case of a list is called at a length.
#[must_use]
pub fn name(list: &str, length: usize) -> String {
    format!("list-{list}-{length}")
}

/// Puts so many entries into the request's object, the old object, or the settings.
type Fill = fn(&mut Asked, usize);

/// What is asked.
struct Asked {
    request: Value,
    settings: Value,
}

impl Asked {
    fn pod(&mut self) -> &mut Value {
        self.at("request/object")
    }

    fn spec(&mut self) -> &mut Value {
        self.at("request/object/spec")
    }

    /// The place at a path of the payload, made where it is not there.
    fn at(&mut self, path: &str) -> &mut Value {
        let mut parts = path.split('/');
        let mut place = if parts.next() == Some("request") { &mut self.request } else { &mut self.settings };
        for part in parts {
            place = if let Ok(index) = part.parse::<usize>() { &mut place[index] } else { &mut place[part] };
        }
        place
    }
}

fn list(length: usize, entry: impl Fn(usize) -> Value) -> Value {
    (0..length).map(entry).collect()
}

fn object(length: usize, entry: impl Fn(usize) -> (String, Value)) -> Value {
    Value::Object((0..length).map(entry).collect::<Map<_, _>>())
}

const FIRST: &str = "request/object/spec/containers/0";
const RESERVED: &str = "azure-workload-identity-reserved";

fn reserved_token(name: &str) -> Value {
    json!({"name": name, "projected": {"sources": [{"serviceAccountToken":
        {"path": "token/azure-identity-token", "audience": "api://AzureADTokenExchange"}}]}})
}

/// The lists, by what they are called.
const LISTS: &[(&str, Fill)] = &[
    ("containers", |asked, length| {
        asked.spec()["containers"] = list(length, |index| json!({"name": format!("c{index}")}));
    }),
    ("container-identities", |asked, length| {
        asked.spec()["containers"] = list(length, |index| json!({"name": format!("c{index}")}));
        let pairs: Vec<String> = (0..length).map(|index| format!("c{index}=i{index}")).collect();
        asked.pod()["metadata"]["annotations"]["azure.workload.identity/container-identities"] =
            json!(pairs.join(";"));
        let identity = json!({"clientId": "11111111-2222-4333-8444-555555555555"});
        asked.at("settings")["identities"] = object(length, |index| (format!("i{index}"), identity.clone()));
    }),
    ("containers-in-the-way", |asked, length| {
        let mounts =
            json!([{"name": "x", "mountPath": "/var/run/secrets/azure/wi/d3f089d52aa311812405d5d067015a"}]);
        asked.spec()["containers"] =
            list(length, |index| json!({"name": format!("c{index}"), "volumeMounts": mounts}));
        asked.pod()["metadata"]["name"] = json!("yadaapi");
    }),
    ("env", |asked, length| {
        asked.at(FIRST)["env"] = list(length, |index| json!({"name": format!("V{index}"), "value": "x"}));
    }),
    ("mounts-and-volumes", |asked, length| {
        asked.spec()["volumes"] = list(length, |index| json!({"name": format!("v{index}"), "emptyDir": {}}));
        let first = asked.at(FIRST);
        first["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/own/token"}]);
        first["volumeMounts"] =
            list(length, |index| json!({"name": format!("v{index}"), "mountPath": format!("/m{index}")}));
    }),
    ("reserved-mounts-and-volumes", |asked, length| {
        let name = |index: usize| format!("{RESERVED}-{index}");
        asked.spec()["volumes"] = list(length, |index| reserved_token(&name(index)));
        let first = asked.at(FIRST);
        first["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE",
            "value": "/var/run/secrets/azure/wi/0/token/azure-identity-token"}]);
        first["volumeMounts"] = list(
            length,
            |index| json!({"name": name(index), "mountPath": format!("/var/run/secrets/azure/wi/{index}")}),
        );
    }),
    ("token-sources", |asked, length| {
        asked.spec()["volumes"] = json!([{"name": "v", "projected": {"sources": list(length, |index| json!({
            "serviceAccountToken": {"path": format!("t{index}"), "audience": "x"}}))}}]);
        let first = asked.at(FIRST);
        first["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/own/token"}]);
        first["volumeMounts"] = json!([{"name": "v", "mountPath": "/own"}]);
    }),
    ("devices", |asked, length| {
        asked.at(FIRST)["volumeDevices"] =
            list(length, |index| json!({"name": "v", "devicePath": format!("/dev/{index}")}));
    }),
    ("annotations", |asked, length| {
        asked.pod()["metadata"]["annotations"] =
            object(length, |index| (format!("azure.workload.identity/a{index}"), json!("x")));
    }),
    ("annotations-of-others", |asked, length| {
        asked.pod()["metadata"]["annotations"] =
            object(length, |index| (format!("example.com/a{index}"), json!("x")));
    }),
    ("labels", |asked, length| {
        asked.pod()["metadata"]["labels"] =
            object(length, |index| (format!("azure.workload.identity/l{index}"), json!("x")));
    }),
    ("skipped-names", |asked, length| {
        let names: Vec<String> = (0..length).map(|index| format!("s{index}")).collect();
        asked.pod()["metadata"]["annotations"] =
            json!({"azure.workload.identity/skip-containers": names.join(";")});
        asked.spec()["containers"] = list(length, |index| json!({"name": format!("c{index}")}));
    }),
    ("workload-annotations", |asked, length| {
        let annotations = object(length, |index| (format!("azure.workload.identity/a{index}"), json!("x")));
        let template = json!({"metadata": {"annotations": annotations}, "spec": asked.spec()});
        asked.request["object"] =
            json!({"metadata": {"name": "web", "annotations": annotations}, "spec": {"template": template}});
        asked.request["resource"] = json!({"group": "apps", "version": "v1", "resource": "deployments"});
    }),
    ("debug-containers", |asked, length| {
        let first = asked.at(FIRST);
        first["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/secrets/azure/wi/token/azure-identity-token"}]);
        first["volumeMounts"] = json!([{"name": RESERVED, "mountPath": "/var/run/secrets/azure/wi"}]);
        asked.spec()["volumes"] = json!([reserved_token(RESERVED)]);
        asked.request["oldObject"] = asked.request["object"].clone();
        asked.spec()["ephemeralContainers"] = list(length, |index| json!({"name": format!("d{index}")}));
        asked.request["operation"] = json!("UPDATE");
        asked.request["subResource"] = json!("ephemeralcontainers");
    }),
    ("extra-env", |asked, length| {
        asked.settings["extraEnv"] = list(length, |index| json!({"name": format!("E{index}"), "value": "x"}));
    }),
    ("allowed-identities", |asked, length| {
        asked.settings["allowedIdentities"] = list(
            length,
            |index| json!({"namespaces": [format!("n{index}"), "default"], "clientIds": [client_id(index)]}),
        );
    }),
    ("allowed-client-ids", |asked, length| {
        asked.settings["allowedIdentities"] =
            json!([{"clientIds": list(length, |index| json!(client_id(index)))}]);
    }),
    ("allowed-namespaces", |asked, length| {
        asked.settings["allowedIdentities"] =
            json!([{"namespaces": list(length, |index| json!(format!("*a*b*{index}")))}]);
    }),
    ("own-ids", |asked, length| {
        asked.settings["allowedIdentities"] = json!([{"tenantIds": ["contoso.com"]}, {}]);
        asked.spec()["containers"] = list(
            length,
            |index| json!({"name": format!("c{index}"), "env": [{"name": "AZURE_CLIENT_ID", "value": client_id(index)}]}),
        );
    }),
    ("unknown-settings", |asked, length| {
        asked.settings = object(length, |index| (format!("unknown{index}"), json!(1)));
    }),
];

fn client_id(index: usize) -> String {
    format!("00000000-0000-4000-8000-{index:012}")
}

/// Each list at each length.
///
/// # Errors
/// The walkthrough can't be read.
pub fn all() -> Result<Vec<Case>> {
    let mut all = Vec::new();
    for (list, fill) in LISTS {
        for length in LENGTHS {
            let walkthrough = cases::all()?.into_iter().next().context("there is no walkthrough")?;
            let payload: Value = serde_json::from_str(&walkthrough.payload)?;
            let mut asked =
                Asked { request: payload["request"].clone(), settings: payload["settings"].clone() };
            fill(&mut asked, length);
            let payload = json!({"request": asked.request, "settings": asked.settings}).to_string();
            let account = walkthrough.account.to_string().into_bytes();
            all.push(Case {
                name: Box::leak(name(list, length).into_boxed_str()),
                payload,
                answers: Arc::new(move |_: &GetResource| Ok(account.clone())),
                ..walkthrough
            });
        }
    }
    Ok(all)
}

/// The lists that cost too much more with ten times the entries, by their counted figures.
#[must_use]
pub fn too_steep(instructions: impl Fn(&str) -> Option<u64>) -> Vec<String> {
    let mut steep = Vec::new();
    for (list, _) in LISTS {
        for pair in LENGTHS.windows(2) {
            let &[short, long] = pair else { continue };
            let (Some(one), Some(other)) =
                (instructions(&name(list, short)), instructions(&name(list, long)))
            else {
                continue;
            };
            #[allow(clippy::cast_precision_loss)] // counts stay far below 2^52
            let growth = (other as f64 / one as f64).powf(1.0 / (long as f64 / short as f64).log2());
            if growth > GROWTH_MAX {
                steep.push(format!(
                    "list {list}: twice the entries cost {growth:.2} × between {short} and {long}"
                ));
            }
        }
    }
    steep
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many instructions for a case, by the number in its name.
    fn counted(case: &str, cost: fn(u64) -> u64) -> Option<u64> {
        case.rsplit('-').next()?.parse().ok().map(cost)
    }

    #[test]
    fn tells_what_grows_faster_than_its_list() {
        assert_eq!(too_steep(|case| counted(case, |length| 50_000 + length)), Vec::<String>::new());
        let steep = too_steep(|case| counted(case, |length| length * length));
        assert_eq!(steep.len(), LISTS.len() * 2);
        assert_eq!(
            steep.first().map(String::as_str),
            Some("list containers: twice the entries cost 4.00 × between 100 and 1000")
        );
    }
}
