//! Pods that have a part of their identity, or all of it.

use crate::common::*;
use serde_json::{Value, json};

/// The API server refuses such a pod; the policy sees it before.
#[test]
fn ignores_a_mount_without_a_path() {
    let request = yada(|pod| {
        let container = &mut pod["spec"]["containers"][0];
        container["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": TOKEN_FILE}]);
        container["volumeMounts"] = json!([{"name": "data"}]);
    });
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"][1]["mountPath"], MOUNT);
}

#[test]
fn completes_a_container_in_which_only_part_of_the_injection_is_there() {
    let request = yada(|pod| {
        pod["spec"]["containers"][0]["env"] =
            json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": TOKEN_FILE}]);
    });
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["containers"][0]["env"]), [FOUR[2], FOUR[0], FOUR[1], FOUR[3]]);
    assert_eq!(names(&pod["spec"]["containers"][0]["volumeMounts"]), ["kube-api-access-7xk2p", VOLUME]);
    assert_eq!(names(&pod["spec"]["volumes"]), ["kube-api-access-7xk2p", VOLUME]);
}

#[test]
fn changes_nothing_in_its_own_output_with_every_feature_in() {
    let settings = with(
        &json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://other", "ca": {"configMap": "ca"}},
        "extraEnv": [{"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}]}),
    );
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        annotate(pod, "use-x", "true");
    });
    let (pod, _) = admitted(&settings, &request, holding(&yada_account()));
    let again = yada(|object| *object = pod);
    assert_eq!(evaluate(&settings, &again, holding(&yada_account())).answer.unwrap().mutated_object, None);
}

const WI: &str = "/var/run/secrets/azure/wi";

/// A pod equipped by the policy in a layout, then changed, and what the policy in the default layout does to it: nothing, or the pod
/// that comes out.
fn after(layout: &str, change: impl FnOnce(&mut Value)) -> (Value, Option<Value>, Vec<String>) {
    let first = with(&json!({"layout": layout}));
    let (mut pod, _) = admitted(&first, &yada(|_| ()), holding(&yada_account()));
    change(&mut pod);
    let again = yada(|object| *object = pod.clone());
    let evaluation = evaluate(&settings(), &again, holding(&yada_account()));
    assert!(evaluation.response.allowed, "{:?}", evaluation.response);
    (pod, evaluation.answer.unwrap().mutated_object, warnings(&evaluation.response))
}

fn token_volume(name: &str, path: &str, audience: &str) -> Value {
    json!({"name": name, "projected": {"sources": [{"serviceAccountToken":
        {"audience": audience, "expirationSeconds": 7200, "path": path}}]}})
}

fn file_of(container: &Value) -> &Value {
    let env = container["env"].as_array().unwrap();
    &env.iter().find(|env| env["name"] == "AZURE_FEDERATED_TOKEN_FILE").unwrap()["value"]
}

fn push(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

#[test]
fn does_not_change_a_container_that_any_version_of_the_webhook_equipped() {
    for layout in ["PerPod", "Fixed", "Legacy"] {
        assert_eq!(after(layout, |_| ()).1, None, "{layout}");
        // Another webhook gives the pod its name between two passes, so that its hash is another one.
        assert_eq!(after(layout, |pod| pod["metadata"]["name"] = json!("renamed")).1, None, "{layout}");
    }
}

#[test]
fn shares_the_token_volume_with_a_sidecar_that_is_added_later() {
    for (layout, path) in [("PerPod", MOUNT), ("Fixed", WI), ("Legacy", "/var/run/secrets/azure/tokens")] {
        let (before, pod, _) = after(layout, |pod| {
            pod["metadata"]["name"] = json!("renamed");
            push(&mut pod["spec"]["containers"], json!({"name": "daprd", "image": "x"}));
        });
        let pod = pod.unwrap();
        assert_eq!(pod["spec"]["volumes"], before["spec"]["volumes"], "{layout}");
        assert_eq!(pod["spec"]["containers"][0], before["spec"]["containers"][0], "{layout}");
        let sidecar = &pod["spec"]["containers"][1];
        assert_eq!(
            (names(&sidecar["env"]), &sidecar["volumeMounts"][0]["mountPath"]),
            (FOUR.to_vec(), &json!(path))
        );
        assert_eq!(file_of(sidecar), file_of(&pod["spec"]["containers"][0]), "{layout}");
    }
}

/// What the webhook 1.6.0 does to a pod that is equipped in the per-pod layout, and the other way round.
/// Kubernetes refuses such a pod; with the volume that the policy writes it is valid, and then it must be complete.
#[test]
fn completes_a_container_that_mounts_the_volume_that_is_not_there_yet() {
    let request = yada(|pod| {
        let file = format!("{WI}/x/token/azure-identity-token");
        pod["spec"]["containers"][0]["env"] = json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": file}]);
        push(
            &mut pod["spec"]["containers"][0]["volumeMounts"],
            json!({"name": VOLUME, "mountPath": format!("{WI}/x"), "readOnly": true}),
        );
    });
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["containers"][0]["env"]), [FOUR[2], FOUR[0], FOUR[1], FOUR[3]]);
    assert_eq!(names(&pod["spec"]["volumes"]), ["kube-api-access-7xk2p", VOLUME]);
    let again = yada(|object| *object = pod);
    assert_eq!(evaluate(&settings(), &again, holding(&yada_account())).answer.unwrap().mutated_object, None);
}

#[test]
fn puts_back_a_mount_that_was_moved_from_under_the_variable() {
    for (layout, own, moved) in [("PerPod", MOUNT, WI), ("Fixed", WI, MOUNT)] {
        let (_, pod, warnings) = after(layout, |pod| {
            pod["spec"]["containers"][0]["volumeMounts"][1]["mountPath"] = json!(moved);
        });
        let pod = pod.unwrap();
        let mounts = &pod["spec"]["containers"][0]["volumeMounts"];
        assert_eq!((mounts.as_array().unwrap().len(), &mounts[1]["mountPath"]), (2, &json!(own)), "{layout}");
        assert_eq!((names(&pod["spec"]["volumes"]).len(), warnings), (2, vec![]));
    }
}

#[test]
fn removes_a_second_token_volume_that_another_pass_left() {
    let other = "azure-workload-identity-reserved-7591a5e9eb6025d887c25bf0c787f6";
    for path in [WI, "/var/run/secrets/azure/wi/7591a5e9eb6025d887c25bf0c787f6"] {
        let (before, pod, _) = after("PerPod", |pod| {
            let volume = token_volume(other, "token/azure-identity-token", "api://AzureADTokenExchange");
            push(&mut pod["spec"]["volumes"], volume);
            let mount = json!({"name": other, "mountPath": path, "readOnly": true});
            push(&mut pod["spec"]["containers"][0]["volumeMounts"], mount);
        });
        let pod = pod.unwrap();
        assert_eq!(names(&pod["spec"]["volumes"]), ["kube-api-access-7xk2p", VOLUME], "{path}");
        assert_eq!(names(&pod["spec"]["containers"][0]["volumeMounts"]), ["kube-api-access-7xk2p", VOLUME]);
        assert_eq!(pod["spec"]["containers"][0]["env"], before["spec"]["containers"][0]["env"]);
    }
}

#[test]
fn completes_the_variables_of_a_container_that_has_a_token() {
    let request = yada(|pod| {
        let volume = token_volume("tok", "azure-identity-token", "api://AzureADTokenExchange");
        push(&mut pod["spec"]["volumes"], volume);
        pod["spec"]["containers"][0]["env"] =
            json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/tokens/azure-identity-token"}]);
        let mount = json!({"name": "tok", "mountPath": "/tokens", "readOnly": true});
        push(&mut pod["spec"]["containers"][0]["volumeMounts"], mount);
    });
    let (pod, response) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(pod["spec"]["volumes"], request["object"]["spec"]["volumes"]);
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"],
        request["object"]["spec"]["containers"][0]["volumeMounts"]
    );
    assert_eq!(names(&pod["spec"]["containers"][0]["env"]), [FOUR[2], FOUR[0], FOUR[1], FOUR[3]]);
    assert_eq!(warnings(&response), [""; 0]);
}

/// As the AKS add-on equips a pod that asks for an identity binding, of which this policy was told nothing.
#[test]
fn keeps_the_audience_and_the_authority_that_another_mutator_asked_for() {
    let (before, pod, _) = after("PerPod", |pod| {
        let sources = &mut pod["spec"]["volumes"][1]["projected"]["sources"];
        sources[0]["serviceAccountToken"]["audience"] = json!("api://AKSIdentityBinding");
        push(
            sources,
            json!({"configMap": {"name": "ca", "items": [{"key": "ca.crt", "path": "ca-cert/ca.crt"}]}}),
        );
        push(&mut pod["spec"]["containers"], json!({"name": "late"}));
    });
    let pod = pod.unwrap();
    assert_eq!(pod["spec"]["volumes"], before["spec"]["volumes"]);
    assert_eq!(names(&pod["spec"]["containers"][1]["volumeMounts"]), [VOLUME]);
}

#[test]
fn leaves_a_container_alone_that_brings_its_own_token() {
    let bring = |volume: Value| {
        yada(move |pod| {
            let name = volume["name"].clone();
            push(&mut pod["spec"]["volumes"], volume);
            pod["spec"]["containers"][0]["env"] =
                json!([{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/own/token"}]);
            push(
                &mut pod["spec"]["containers"][0]["volumeMounts"],
                json!({"name": name, "mountPath": "/own"}),
            );
        })
    };
    let volumes = [
        json!({"name": "csi", "csi": {"driver": "secrets-store.csi.k8s.io"}}),
        json!({"name": VOLUME, "downwardAPI": {}}),
        token_volume("vault", "token", "https://vault"),
    ];
    for volume in volumes {
        let request = bring(volume);
        let evaluation = evaluate(&settings(), &request, holding(&yada_account()));
        assert_eq!(evaluation.answer.unwrap().mutated_object, None);
        assert_eq!(
            warnings(&evaluation.response),
            [
                "Pod default/yadaapi: container yadaapi uses its own token file; the policy does not change this container"
            ]
        );
    }
}

// === What was valid stays valid ===

#[test]
fn refuses_a_block_device_at_the_mount_path() {
    for (path, hides) in [(MOUNT, true), (TOKEN_FILE, true), (WI, false), ("/dev/xvda", false)] {
        let request = yada(|pod| {
            let claim = json!({"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}});
            push(&mut pod["spec"]["volumes"], claim);
            pod["spec"]["containers"][0]["volumeDevices"] = json!([{"name": "disk", "devicePath": path}]);
        });
        if hides {
            let (message, _) = refused(&settings(), &request, holding(&yada_account()));
            let start = format!(
                "Pod default/yadaapi: container \"yadaapi\" has the block device \"disk\" at \"{path}\""
            );
            assert!(message.starts_with(&start), "{message}");
        } else {
            admitted(&settings(), &request, holding(&yada_account()));
        }
    }
}

/// A field by which a container uses a volume, and the container changed so that it does.
type Use = (&'static str, fn(&mut Value));

#[test]
fn refuses_to_replace_a_volume_that_a_container_uses_as_something_else() {
    let uses: [Use; 2] = [
        ("volumeDevices", |container| {
            container["volumeDevices"] = json!([{"name": VOLUME, "devicePath": "/dev/xvda"}]);
        }),
        ("env[].valueFrom.fileKeyRef", |container| {
            let reference = json!({"volumeName": VOLUME, "path": "x.env", "key": "X"});
            container["env"] = json!([{"name": "X", "valueFrom": {"fileKeyRef": reference}}]);
        }),
    ];
    for (field, change) in uses {
        // In a container that is skipped, too: the volume is the pod's.
        for skip in ["", "user"] {
            let request = yada(|pod| {
                let mut user = json!({"name": "user", "image": "x"});
                change(&mut user);
                push(&mut pod["spec"]["containers"], user);
                push(&mut pod["spec"]["volumes"], json!({"name": VOLUME, "emptyDir": {}}));
                annotate(pod, "skip-containers", skip);
            });
            let (message, code) = refused(&settings(), &request, holding(&yada_account()));
            let start = format!(
                "Pod default/yadaapi: volume \"{VOLUME}\" has the name of the identity's token volume, and container \"user\" uses it in {field}; "
            );
            assert!(message.starts_with(&start), "{message}");
            assert_eq!(code, 400);
        }
    }
}

/// Found among 200,000 pods that Kubernetes judged.
#[test]
fn keeps_a_volume_that_a_skipped_container_uses_if_no_container_needs_a_token() {
    let request = yada(|pod| {
        let reference = json!({"volumeName": VOLUME, "path": "x.env", "key": "X"});
        pod["spec"]["containers"][0]["env"] = json!([{"name": "X", "valueFrom": {"fileKeyRef": reference}}]);
        push(&mut pod["spec"]["volumes"], json!({"name": VOLUME, "emptyDir": {}}));
        annotate(pod, "skip-containers", "yadaapi");
    });
    assert_eq!(
        evaluate(&settings(), &request, holding(&yada_account())).answer.unwrap().mutated_object,
        None
    );
}

#[test]
fn refuses_a_second_mount_of_the_reserved_volume_at_the_token_path() {
    let twice = |second: &str| {
        yada(|pod| {
            push(&mut pod["spec"]["volumes"], json!({"name": VOLUME, "emptyDir": {}}));
            for path in ["/one", second] {
                let mount = json!({"name": VOLUME, "mountPath": path});
                push(&mut pod["spec"]["containers"][0]["volumeMounts"], mount);
            }
        })
    };
    let (message, _) = refused(&settings(), &twice(MOUNT), holding(&yada_account()));
    assert!(message.contains(&format!("mounts volume \"{VOLUME}\" at \"{MOUNT}\"")), "{message}");
    admitted(&settings(), &twice("/two"), holding(&yada_account()));
}

/// YADA's pod as the fallback made it, of settings with this tenant, authority and expiration.
fn of_fallback(tenant: &str, authority: &str, seconds: u32) -> Value {
    yada(|pod| {
        let env = [
            ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/fallback/token/azure-identity-token"),
            ("AZURE_CLIENT_ID", CLIENT_ID),
            ("AZURE_TENANT_ID", tenant),
            ("AZURE_AUTHORITY_HOST", authority),
        ];
        let env = env.map(|(name, value)| json!({"name": name, "value": value}));
        let own = pod["spec"]["containers"][0]["env"].as_array().cloned().unwrap_or_default();
        pod["spec"]["containers"][0]["env"] = own.into_iter().chain(env).collect();
        let volume = "azure-workload-identity-reserved-fallback";
        let mount = json!({"name": volume, "mountPath": "/var/run/secrets/azure/fallback", "readOnly": true});
        pod["spec"]["containers"][0]["volumeMounts"] = json!([mount]);
        let token = json!({"audience": "api://AzureADTokenExchange", "expirationSeconds": seconds, "path": "token/azure-identity-token"});
        pod["spec"]["volumes"] = json!([{"name": volume, "projected": {"sources": [{"serviceAccountToken": token}], "defaultMode": 420}}]);
    })
}

#[test]
fn brings_up_to_date_what_an_old_fallback_gave() {
    let authority = "https://login.microsoftonline.com/";
    let current = of_fallback(TENANT_ID, authority, 3600);
    let (pod, response) = admitted(&settings(), &current, holding(&yada_account()));
    assert_eq!(pod, current["object"], "the same settings change nothing");
    let old = of_fallback("contoso.onmicrosoft.com", "https://login.microsoftonline.us/", 7200);
    let (pod, old_response) = admitted(&settings(), &old, holding(&yada_account()));
    assert_eq!(pod["spec"]["containers"], current["object"]["spec"]["containers"]);
    let sources = |pod: &Value| pod["spec"]["volumes"][0]["projected"]["sources"].clone();
    assert_eq!(sources(&pod), sources(&current["object"]));
    assert_eq!(warnings(&old_response), [""; 0]);
    assert_eq!(old_response.audit_annotations, response.audit_annotations);
    let again = yada(|object| *object = pod.clone());
    assert_eq!(admitted(&settings(), &again, holding(&yada_account())).0, pod);
}

/// A variable of the container's own beside those of the fallback is its author's: it is judged, and stays.
#[test]
fn what_a_person_wrote_beside_the_fallback_is_judged() {
    let other = "11111111-2222-4333-8444-555555555555";
    let mut request = of_fallback(TENANT_ID, "https://login.microsoftonline.com/", 3600);
    let own = json!({"name": "AZURE_CLIENT_ID", "value": other});
    request["object"]["spec"]["containers"][0]["env"].as_array_mut().unwrap().push(own);
    let (_, response) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(warnings(&response).len(), 1, "{:?}", warnings(&response));
    let governed = with(&json!({"allowedIdentities": [{"clientIds": [CLIENT_ID]}]}));
    let (message, code) = refused(&governed, &request, holding(&yada_account()));
    assert!(message.contains(other), "{message}");
    assert_eq!(code, 403);
    let alone = of_fallback("contoso.onmicrosoft.com", "https://login.microsoftonline.com/", 3600);
    let governed =
        with(&json!({"allowedIdentities": [{"clientIds": [CLIENT_ID], "tenantIds": [TENANT_ID]}]}));
    admitted(&governed, &alone, holding(&yada_account()));
}
