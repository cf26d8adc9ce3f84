//! One instance, many tenants: nothing of one request shows in another's answer, and the guest's memory does not grow.

use std::sync::{Arc, Mutex};

use crate::common::*;
use azure_workload_identity_policy::{Freshness, Reference, ServiceAccount, admission};
use azwi_policy::{
    host::{Answers, GetResource},
    meter::Meter,
};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::{Value, json};

const REQUESTS: usize = 100_000;
const TENANTS: usize = 200;

/// A tenant's request, ServiceAccount and settings; all of its values name the tenant.
struct Tenant {
    payload: String,
    account: String,
}

fn tenant(index: usize) -> Tenant {
    let id = format!("{index:08}-0000-4000-8000-000000000000");
    let mut account = service_account(&json!({"client-id": id}));
    match index % 7 {
        0 => {
            account["metadata"]["annotations"]["azure.workload.identity/client-id"] =
                json!(format!("wrong-{index}"));
        }
        1 => account["metadata"]["labels"] = json!({}),
        2 => account["metadata"]["annotations"] = json!({}),
        _ => {}
    }
    let mut request = yada(|pod| {
        pod["metadata"]["name"] = json!(format!("pod-{index}"));
        pod["spec"]["containers"][0]["name"] = json!(format!("container-{index}"));
        if index.is_multiple_of(5) {
            annotate(pod, "inject-proxy-sidecar", "true");
        }
        if index.is_multiple_of(11) {
            label(pod, "false");
        }
        if index.is_multiple_of(13) {
            let filler = json!({"name": "BIG", "value": "x".repeat(20_000)});
            pod["spec"]["containers"][0]["env"].as_array_mut().unwrap().push(filler);
        }
    });
    if index.is_multiple_of(17) {
        request["object"]["spec"] = json!([]);
    }
    let settings = json!({"tenantId": format!("{index:08}-1111-4000-8000-000000000000"), "audience": format!("api://{index}")});
    Tenant {
        payload: json!({"settings": settings, "request": request}).to_string(),
        account: account.to_string(),
    }
}

#[test]
fn one_instance_answers_a_hundred_thousand_requests_as_a_fresh_one_does() {
    let tenants: Vec<Tenant> = (0..TENANTS).map(tenant).collect();
    let current = Arc::new(Mutex::new(String::new()));
    let held = Arc::clone(&current);
    let answers: Answers = Arc::new(move |_: &GetResource| Ok(held.lock().unwrap().clone().into_bytes()));
    let bytes = std::fs::read(POLICY).expect("policy.wasm: `make policy.wasm`");
    let mut instance = Meter::from_bytes(&bytes).unwrap().instance(answers).unwrap();
    let expected: Vec<Vec<u8>> = tenants
        .iter()
        .map(|tenant| {
            let mut look_up = |reference: &Reference, _: Freshness| {
                Ok(ServiceAccount::from_answer(reference.clone(), &tenant.account).unwrap())
            };
            admission::validate(tenant.payload.as_bytes(), &mut look_up).unwrap().into_response()
        })
        .collect();
    let mut random = SmallRng::seed_from_u64(1);
    let mut settled = 0;
    for number in 0..REQUESTS {
        let index = random.random_range(0..TENANTS);
        current.lock().unwrap().clone_from(&tenants[index].account);
        let cost = instance.call("validate", tenants[index].payload.as_bytes()).unwrap();
        let answer = cost.answer.unwrap();
        assert!(answer == expected[index], "request {number}: {}", String::from_utf8_lossy(&answer));
        assert!(!json!(cost.calls.log).to_string().contains(&format!("pod-{}\"", (index + 1) % TENANTS)));
        // After a tenth of the requests every tenant has come by: what is needed by then is needed for ever.
        if number == REQUESTS / 10 {
            settled = cost.memory;
        }
        assert!(
            settled == 0 || cost.memory == settled,
            "request {number}: {} bytes after {settled}",
            cost.memory
        );
    }
    let text = format!(
        "{REQUESTS} requests of {TENANTS} tenants on one instance, each answered as by a fresh one; guest memory {} KiB and no more, 0 leaks",
        settled / 1024
    );
    conformance::summary::leave("stale state", &text).unwrap();
    let accepted = expected.iter().filter(|answer| answer.starts_with(b"{\"accepted\":true")).count();
    assert!((TENANTS / 2..TENANTS).contains(&accepted), "{accepted} accepted");
    let _: Value = serde_json::from_slice(&expected[0]).unwrap();
}
