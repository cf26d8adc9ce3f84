//! What the fuzz targets share: what must hold of every answer, and mutations of JSON as JSON.

use azure_workload_identity_policy::{Freshness, LookUpFailure, Reference, ServiceAccount, admission};
use laws::{
    draw, hold,
    sequences::{self, Cluster},
    texts,
};
use libfuzzer_sys::fuzzer_mutate;
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::{Map, Value, json};

/// Puts a payload through the policy and checks the answer. The payload's field `account` is what the host answers to the
/// look-up: an object, a text for an error, nothing for "not found"; a list holds the first answer and the second.
///
/// # Panics
/// A law does not hold.
pub fn judge(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let whole: Option<Value> = serde_json::from_str(&text).ok();
    let account = whole.as_ref().and_then(|whole| whole.get("account"));
    let Some(answer) = ask(data, account) else { return };
    assert_eq!(hold::answer(&answer, &[]), Ok(()), "{answer}");
    let Some(mutated) = answer.get("mutated_object") else { return };
    // A second pass changes nothing. (Not for text that serde_json's own reader understands differently.)
    if let Some(mut whole) =
        whole.filter(|whole| serde_json::from_slice::<Value>(data).is_ok_and(|strict| strict == *whole))
    {
        whole["request"]["object"] = mutated.clone();
        let again = serde_json::to_vec(&whole).expect("a value can be written");
        let second = ask(&again, whole.get("account")).expect("it was a request before");
        assert_eq!(second["accepted"], true, "{second}");
        assert_eq!(second.get("mutated_object"), None, "{mutated}");
    }
}

/// Puts the sequence that `data` chooses through the policy: its first eight bytes draw it, and each three after them put a word in the
/// place of one of its texts.
///
/// # Panics
/// A law does not hold.
pub fn try_sequence(data: &[u8]) {
    let Some((seed, rest)) = data.split_first_chunk() else { return };
    let drawn = draw::cases(&(sequences::cluster(), sequences::sequence()), u64::from_le_bytes(*seed), 1);
    let Some((cluster, mut sequence)) = drawn.into_iter().next() else { return };
    let changes: Vec<(u16, String)> = rest
        .chunks_exact(3)
        .take(8)
        .map(|bytes| {
            (u16::from_le_bytes([bytes[0], bytes[1]]), WORDS[usize::from(bytes[2]) % WORDS.len()].to_owned())
        })
        .collect();
    for object in sequence.objects() {
        *object = texts::corrupted(std::mem::take(object), &changes);
    }
    let mut answer = |cluster: &Cluster, request: &Value| {
        let payload = json!({"settings": cluster.settings, "request": request}).to_string();
        let answer = ask(payload.as_bytes(), cluster.account.as_ref()).expect("it is a request");
        (answer, Vec::new())
    };
    assert_eq!(sequences::check(&cluster, &sequence, &mut answer), Ok(()), "{cluster:?} {sequence:?}");
}

fn ask(payload: &[u8], account: Option<&Value>) -> Option<Value> {
    let mut look_ups = 0;
    let mut look_up = |reference: &Reference, _: Freshness| {
        let answer = match account {
            Some(Value::Array(answers)) => answers.get(look_ups),
            account => account,
        };
        look_ups += 1;
        match answer {
            None | Some(Value::Null) => Err(LookUpFailure::NotFound),
            Some(Value::String(text)) => Err(LookUpFailure::classify(text)),
            Some(object) => ServiceAccount::from_answer(reference.clone(), &object.to_string())
                .ok_or(LookUpFailure::NotAServiceAccount),
        }
    };
    let found = admission::examine(payload, &mut look_up).ok()?;
    assert!(look_ups <= 2, "{look_ups} look-ups");
    // Nesting and numbers that serde_json's reader refuses come out as they came in.
    let mut found: Value = serde_json::from_slice(&found).ok()?;
    let (mut answer, findings) = (found["response"].take(), found["findings"].take());
    if answer.get("valid").is_some() {
        // A payload without a request is one of settings alone.
        return None;
    }
    if findings.as_array().is_some_and(|all| !all.is_empty()) {
        answer["findings"] = findings;
    }
    Some(answer)
}

/// Names and values that the policy looks at.
const WORDS: &[&str] = &[
    "request",
    "settings",
    "account",
    "object",
    "oldObject",
    "operation",
    "namespace",
    "resource",
    "kind",
    "group",
    "subResource",
    "metadata",
    "labels",
    "annotations",
    "name",
    "generateName",
    "spec",
    "template",
    "jobTemplate",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "env",
    "value",
    "valueFrom",
    "volumes",
    "volumeMounts",
    "mountPath",
    "projected",
    "sources",
    "serviceAccountToken",
    "audience",
    "expirationSeconds",
    "path",
    "serviceAccountName",
    "serviceAccount",
    "hostNetwork",
    "os",
    "nodeSelector",
    "kubernetes.io/os",
    "windows",
    "securityContext",
    "runAsNonRoot",
    "pods",
    "Pod",
    "CREATE",
    "UPDATE",
    "DELETE",
    "ephemeralcontainers",
    "serviceaccounts",
    "ServiceAccount",
    "apps",
    "deployments",
    "Deployment",
    "batch",
    "cronjobs",
    "CronJob",
    "azure.workload.identity/use",
    "azure.workload.identity/client-id",
    "azure.workload.identity/tenant-id",
    "azure.workload.identity/service-account-token-expiration",
    "azure.workload.identity/skip-containers",
    "azure.workload.identity/inject-proxy-sidecar",
    "azure.workload.identity/proxy-sidecar-port",
    "azure.workload.identity/use-identity-binding",
    "kubernetes.io/config.mirror",
    "aadpodidbinding",
    "true",
    "false",
    "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa",
    "contoso.onmicrosoft.com",
    "3600",
    "8000",
    "65536",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "/var/run/secrets/azure/wi",
    "/var/run/secrets/azure/wi/token/azure-identity-token",
    "/var/run/secrets/azure/tokens",
    "azure-identity-token",
    "token/azure-identity-token",
    "api://AzureADTokenExchange",
    "azure-workload-identity-reserved-d3f089d52aa311812405d5d067015a",
    "azwi-proxy",
    "azwi-proxy-init",
    "tenantId",
    "trigger",
    "Any",
    "cloud",
    "AzureChinaCloud",
    "authorityHost",
    "https://login.example/",
    "tokenExpirationSeconds",
    "requireClientId",
    "onLookupFailure",
    "Admit",
    "layout",
    "Legacy",
    "PerPod",
    "Fixed",
    "lookUp",
    "Cached",
    "subPath",
    "volumeDevices",
    "devicePath",
    "fileKeyRef",
    "volumeName",
    "/var/run/secrets/azure/wi/d3f089d52aa311812405d5d067015a",
    "/var/run/secrets/azure/wi/d3f089d52aa311812405d5d067015a/token/azure-identity-token",
    "extraEnv",
    "allowedIdentities",
    "namespaces",
    "clientIds",
    "tenantIds",
    "preflight",
    "Off",
    "Enforce",
    "proxy",
    "image",
    "initImage",
    "logLevel",
    "nativeSidecar",
    "privilegedInit",
    "customTokenEndpoint",
    "annotationSuffix",
    "tokenProxy",
    "sniName",
    "ca",
    "data",
    "configMap",
    "clusterTrustBundle",
    "signerName",
    "labelSelector",
    "matchLabels",
    "Cannot find v1/ServiceAccount named 'x'",
    "\u{0}",
    "\u{1f600}",
    "..",
    "a;b; c",
    "",
];

/// libFuzzer's hook: changes bytes now and then, and the JSON as JSON most of the time.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = SmallRng::seed_from_u64(u64::from(seed));
    let parsed = data.get(..size).and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let Some(mut value) = parsed.filter(|_| random.random_ratio(7, 8)) else {
        return fuzzer_mutate(data, size, max_size);
    };
    for _ in 0..random.random_range(1..4) {
        change(&mut value, &mut random);
    }
    match serde_json::to_vec(&value) {
        Ok(bytes) if bytes.len() <= max_size => {
            data[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
}

fn word(random: &mut SmallRng) -> String {
    WORDS[random.random_range(0..WORDS.len())].to_owned()
}

fn leaf(random: &mut SmallRng) -> Value {
    match random.random_range(0..9) {
        0 => Value::Null,
        1 => json!(random.random::<bool>()),
        2 => json!(random.random::<i64>()),
        3 => json!([]),
        4 => json!({}),
        5 => json!({"name": word(random), "value": word(random)}),
        6 => json!({"name": word(random), "mountPath": word(random)}),
        _ => Value::from(word(random)),
    }
}

/// Goes down to a random place and changes it.
fn change(value: &mut Value, random: &mut SmallRng) {
    let deeper = random.random_ratio(4, 5);
    match value {
        Value::Object(fields) if deeper && !fields.is_empty() => {
            let index = random.random_range(0..fields.len());
            if let Some(value) = fields.values_mut().nth(index) {
                change(value, random);
            }
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let index = random.random_range(0..items.len());
            change(&mut items[index], random);
        }
        Value::Object(fields) => change_fields(fields, random),
        Value::Array(items) => change_items(items, random),
        scalar => *scalar = leaf(random),
    }
}

fn change_fields(fields: &mut Map<String, Value>, random: &mut SmallRng) {
    let at = |random: &mut SmallRng, fields: &Map<String, Value>| {
        (!fields.is_empty())
            .then(|| fields.keys().nth(random.random_range(0..fields.len())).cloned())
            .flatten()
    };
    match (random.random_range(0..5), at(random, fields)) {
        (0, Some(name)) => {
            fields.remove(&name);
        }
        (1, Some(name)) => {
            let value = fields.remove(&name).unwrap_or_default();
            fields.insert(word(random), value);
        }
        (2, Some(name)) => {
            fields.insert(name, leaf(random));
        }
        (3, Some(name)) => {
            let value = fields.get(&name).cloned().unwrap_or_default();
            fields.insert(word(random), value);
        }
        _ => {
            fields.insert(word(random), leaf(random));
        }
    }
}

fn change_items(items: &mut Vec<Value>, random: &mut SmallRng) {
    let index = random.random_range(0..=items.len());
    match (random.random_range(0..4), items.get(index).cloned()) {
        (0, Some(_)) => {
            items.remove(index);
        }
        (1, Some(item)) => items.push(item),
        (2, Some(_)) => items[index] = leaf(random),
        _ => items.insert(index, leaf(random)),
    }
}
