//! What holds for every pod, natively and through the module: generated pods, generated templates, any JSON at all.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::common::{MODULE, requests};
use ::laws::{hold, pods, sequences};
use azure_workload_identity_policy::{Freshness, LookUpFailure, Reference, ServiceAccount, admission};
use azwi_policy::host::{Answers, GetResource, callback_failure};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

const TENANT: &str = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";
/// The value of every variable that a pod brings: no answer may repeat it but in the pod.
const SECRET: &str = pods::SECRET;
/// Where a pod called `web-` and something gets its token.
const WEB_MOUNT: &str = "/var/run/secrets/azure/wi/2f3cfc2eb6118051c2b0e512de0d8e";
/// How many cases each law is tried on.
const CASES: u32 = 1_500;

static LAWS: AtomicUsize = AtomicUsize::new(0);
static ANSWERS: AtomicUsize = AtomicUsize::new(0);

/// Leaves how much was tried, once a law has held for all its cases.
fn held() {
    let laws = LAWS.fetch_add(1, Ordering::Relaxed) + 1;
    let answers = ANSWERS.load(Ordering::Relaxed);
    let text = format!(
        "{laws} laws × {CASES} cases, {answers} answers given natively and through the module, 0 that break a law or differ"
    );
    conformance::summary::leave("laws", &text).unwrap();
}

/// What the policy answers, and how many look-ups it made: natively and through the module, which must say the same.
fn ask(settings: &Value, request: &Value, account: Option<&Value>) -> (Value, usize) {
    let mut look_ups = 0;
    let payload = json!({"settings": settings, "request": request}).to_string();
    let mut look_up = |reference: &Reference, _: Freshness| {
        look_ups += 1;
        account
            .map(|account| ServiceAccount::from_answer(reference.clone(), &account.to_string()))
            .ok_or(LookUpFailure::NotFound)?
            .ok_or(LookUpFailure::NotAServiceAccount)
    };
    let native = admission::validate(payload.as_bytes(), &mut look_up)
        .map(azure_workload_identity_policy::Verdict::into_response)
        .map_err(|error| error.to_string());

    let held = account.map(|account| account.to_string().into_bytes());
    let answers: Answers = Arc::new(move |request: &GetResource| {
        held.clone().ok_or_else(|| callback_failure(&request.not_found()))
    });
    let instance = MODULE.instance(answers).unwrap();
    let through_module = instance.call("validate", payload.as_bytes());
    ANSWERS.fetch_add(1, Ordering::Relaxed);
    let calls = instance.calls();
    assert_eq!(look_ups, calls.look_ups.len(), "{payload}");
    let response = match (native, through_module) {
        (Ok(native), Ok(through_module)) => {
            assert_eq!(native, through_module, "natively and through the module: {payload}");
            serde_json::from_slice(&native).unwrap()
        }
        (Err(native), Err(through_module)) => {
            assert!(through_module.to_string().contains(&native), "{through_module} but {native}");
            json!({"error": native})
        }
        (native, through_module) => panic!("{native:?} but {through_module:?}: {payload}"),
    };
    if response.get("error").is_none() {
        let log: Vec<Value> = calls.log.iter().map(|line| json!(line)).collect();
        let kept = hold::answer(&response, &log);
        assert_eq!(kept, Ok(()), "{response}");
    }
    let mut said = response.clone();
    said.as_object_mut().unwrap().remove("mutated_object");
    assert!(!said.to_string().contains(SECRET) && !json!(calls.log).to_string().contains(SECRET), "{said}");
    (response, look_ups)
}

/// The answer with its findings, through the module.
fn with_findings(mut answer: Value, cluster: &sequences::Cluster, request: &Value) -> Value {
    let held = cluster.account.as_ref().map(|account| account.to_string().into_bytes());
    let answers: Answers =
        Arc::new(move |asked: &GetResource| held.clone().ok_or_else(|| callback_failure(&asked.not_found())));
    let examined = MODULE.examine(&cluster.settings, request, answers).unwrap();
    if !examined.findings.is_empty() {
        answer["findings"] = json!(examined.findings);
    }
    answer
}

/// Metadata and spec of a pod, or of the pods of a workload.
fn template() -> impl Strategy<Value = Value> {
    pods::template().prop_map(|mut template| {
        template["spec"]["serviceAccountName"] = json!("web");
        template
    })
}

/// The same without anything under a name that the policy reserves or adds, and without a token of a container's own.
fn plain_template() -> impl Strategy<Value = Value> {
    template().prop_map(|mut template| {
        let reserved = |item: &Value| {
            ["/name", "/valueFrom/fileKeyRef/volumeName"].iter().any(|field| {
                item.pointer(field).and_then(Value::as_str).is_some_and(|name| pods::RESERVED.contains(&name))
            })
        };
        let own = |item: &Value| reserved(item) || item["name"] == "AZURE_FEDERATED_TOKEN_FILE";
        let spec = &mut template["spec"];
        if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
            volumes.retain(|volume| !reserved(volume));
        }
        for list in ["initContainers", "containers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                if container["name"].as_str().unwrap().starts_with("azwi-proxy") {
                    container["name"] = json!("own");
                }
                for list in ["env", "volumeMounts", "volumeDevices"] {
                    if let Some(items) = container.get_mut(list).and_then(Value::as_array_mut) {
                        items.retain(|item| !own(item));
                    }
                }
            }
        }
        template
    })
}

fn account() -> impl Strategy<Value = Option<Value>> {
    prop::option::weighted(0.9, pods::account("web"))
}

fn settings() -> impl Strategy<Value = Value> {
    (select(&["Any", "Pod", "ServiceAccount"][..]), any::<bool>()).prop_map(|(trigger, tenant)| {
        let mut settings = json!({"trigger": trigger, "preflight": "Enforce"});
        if tenant {
            settings["tenantId"] = json!(TENANT);
        }
        settings
    })
}

fn pod_request(template: &Value) -> Value {
    let mut pod = template.clone();
    pod["metadata"]["generateName"] = json!("web-");
    requests::create(requests::POD, "team", &pod)
}

/// Everything of `before` is in `after`: lists may only have grown at their end.
fn is_kept(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            before.iter().all(|(name, value)| after.get(name).is_some_and(|after| is_kept(value, after)))
        }
        (Value::Array(before), Value::Array(after)) => {
            before.len() <= after.len()
                && before.iter().zip(after).all(|(before, after)| is_kept(before, after))
        }
        _ => before == after,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(&["pods", "Pod", "CREATE", "apps", "deployments", "serviceaccounts", "true", "", "../x"][..])
            .prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    let name = select(
        &[
            "request",
            "object",
            "oldObject",
            "resource",
            "kind",
            "group",
            "operation",
            "namespace",
            "metadata",
            "labels",
            "annotations",
            "name",
            "spec",
            "template",
            "containers",
            "initContainers",
            "env",
            "volumes",
            "volumeMounts",
            "azure.workload.identity/use",
            "subResource",
        ][..],
    );
    leaf.prop_recursive(8, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    fn a_template_that_enforce_refuses_makes_pods_that_are_refused(settings in settings(), template in template(), account in account()) {
        let deployment = json!({"metadata": {"name": "web"}, "spec": {"template": template}});
        let (workload, _) = ask(&settings, &requests::create(requests::DEPLOYMENT, "team", &deployment), account.as_ref());
        let (pod, _) = ask(&settings, &pod_request(&template), account.as_ref());
        if workload["accepted"] == false {
            prop_assert_eq!(&pod["accepted"], false, "{}", workload);
        }
        if pod["accepted"] == false {
            // What is accepted all the same is only what the ServiceAccount gets wrong, and that is said.
            let said = workload["accepted"] == false || workload["warnings"].as_array().is_some_and(|said| !said.is_empty());
            prop_assert!(said, "{pod} but {workload}");
            if workload["accepted"] == true {
                prop_assert!(pod["message"].as_str().unwrap().contains("ServiceAccount team/web"), "{}", pod);
            }
        }
    }

    fn pods_keep_all_they_had_and_a_second_pass_changes_nothing(settings in settings(), template in plain_template(), account in account()) {
        let request = pod_request(&template);
        let (first, look_ups) = ask(&settings, &request, account.as_ref());
        prop_assert!(look_ups <= 2);
        if first["accepted"] == false {
            prop_assert_eq!(first.get("mutated_object"), None);
        }
        let Some(mutated) = first.get("mutated_object") else { return Ok(()) };
        // The proxy's sidecar is put first; without it, lists only grow at their end.
        let mut plain = mutated.clone();
        if let Some(list) = plain["spec"].get_mut("initContainers").and_then(Value::as_array_mut) {
            list.retain(|container| !container["name"].as_str().unwrap().starts_with("azwi-proxy"));
        }
        prop_assert!(is_kept(&request["object"], &plain), "{}", plain);
        let mut again = request.clone();
        again["object"] = mutated.clone();
        let (second, _) = ask(&settings, &again, account.as_ref());
        prop_assert_eq!(second.get("mutated_object"), None, "{}", mutated);
        prop_assert_eq!(&second["accepted"], true);
    }

    fn every_container_that_is_due_is_complete(settings in settings(), template in plain_template(), account in account()) {
        let (answer, _) = ask(&settings, &pod_request(&template), account.as_ref());
        let Some(pod) = answer.get("mutated_object") else { return Ok(()) };
        let skip = pod.pointer("/metadata/annotations/azure.workload.identity~1skip-containers").and_then(Value::as_str);
        let skipped: Vec<&str> = skip.unwrap_or_default().split(';').map(str::trim).collect();
        let volume = pod["spec"]["volumes"].as_array().unwrap().iter().find(|volume| volume["name"].as_str().unwrap().starts_with("azure-workload-identity-reserved-")).unwrap();
        let lists = ["initContainers", "containers"].map(|list| pod["spec"][list].as_array().cloned().unwrap_or_default());
        for container in lists.iter().flatten() {
            let has = |list: &str, test: &dyn Fn(&Value) -> bool| container[list].as_array().is_some_and(|items| items.iter().any(test));
            let due = !skipped.contains(&container["name"].as_str().unwrap());
            for name in ["AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"] {
                prop_assert!(!due || has("env", &|env| env["name"] == name), "{} lacks {}", container, name);
            }
            let is_ours = |mount: &Value| mount["name"] == volume["name"] && mount["mountPath"] == WEB_MOUNT && mount["readOnly"] == true;
            prop_assert_eq!(has("volumeMounts", &is_ours), due, "{}", container);
        }
    }

    fn asks_nobody_where_the_pod_alone_decides(settings in settings(), template in template(), account in account()) {
        let mut declined = template;
        declined["metadata"]["labels"]["azure.workload.identity/use"] = json!("false");
        let (answer, look_ups) = ask(&settings, &pod_request(&declined), account.as_ref());
        prop_assert_eq!((look_ups, answer), (0, json!({"accepted": true})));
    }

    fn what_comes_one_after_another_fits_together(cluster in sequences::cluster(), sequence in sequences::sequence()) {
        let mut ask = |cluster: &sequences::Cluster, request: &Value| {
            let (answer, _) = ask(&cluster.settings, request, cluster.account.as_ref());
            (with_findings(answer, cluster, request), Vec::new())
        };
        prop_assert_eq!(sequences::check(&cluster, &sequence, &mut ask), Ok(()));
    }

    fn no_json_makes_it_panic(payload in any_json(), object in any_json(), account in account()) {
        ask(&json!({}), &payload, account.as_ref());
        for (group, kind, resource) in [("", "Pod", "pods"), ("apps", "Deployment", "deployments"), ("batch", "CronJob", "cronjobs"), ("", "ServiceAccount", "serviceaccounts")] {
            let (answer, look_ups) = ask(&json!({}), &requests::create((group, kind, resource), "team", &object), account.as_ref());
            prop_assert!(answer["accepted"].is_boolean() && look_ups <= 2);
        }
        let (answer, _) = ask(&payload, &requests::create(requests::POD, "team", &object), account.as_ref());
        prop_assert!(answer["accepted"].is_boolean());
    }
}

macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        mod laws {
            $(#[test]
            fn $law() {
                super::$law();
                super::held();
            })*
        }
    };
}

laws! {
    a_template_that_enforce_refuses_makes_pods_that_are_refused,
    pods_keep_all_they_had_and_a_second_pass_changes_nothing,
    every_container_that_is_due_is_complete,
    asks_nobody_where_the_pod_alone_decides,
    what_comes_one_after_another_fits_together,
    no_json_makes_it_panic,
}

#[test]
fn says_only_the_first_of_a_thousand_mistakes() {
    let mounts = json!([{"name": "data", "mountPath": WEB_MOUNT}]);
    let containers: Vec<Value> =
        (0..1_000).map(|index| json!({"name": format!("c{index}"), "volumeMounts": mounts})).collect();
    let pod = json!({"metadata": {"labels": {"azure.workload.identity/use": "true"}}, "spec": {"serviceAccountName": "web", "containers": containers}});
    let account = json!({"kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "team"}});
    let settings = json!({"tenantId": TENANT});
    let (refused, _) = ask(&settings, &pod_request(&pod), Some(&account));
    assert_eq!(refused["accepted"], false);
    assert!(refused["message"].as_str().unwrap().ends_with("\nand 990 more like these"), "{refused}");
    let env = json!([{"name": "AZURE_TENANT_ID", "value": SECRET}]);
    let containers: Vec<Value> =
        (0..1_000).map(|index| json!({"name": format!("c{index}"), "env": env})).collect();
    let mut pod = pod;
    pod["spec"]["containers"] = json!(containers);
    let (accepted, _) = ask(&settings, &pod_request(&pod), Some(&account));
    let warnings = accepted["warnings"].as_array().unwrap();
    // One of the missing client ID, and one of each container.
    assert_eq!((warnings.len(), &warnings[15]), (16, &json!("and 986 more warnings from this policy")));
}
