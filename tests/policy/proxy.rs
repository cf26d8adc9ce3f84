//! The proxy sidecar.

use crate::common::*;
use serde_json::{Value, json};

type Row = (fn(&mut Value), String);

fn without_identity(container: &Value) -> Value {
    let mut container = container.clone();
    container.as_object_mut().unwrap().remove("volumeMounts");
    if let Some(env) = container["env"].as_array_mut() {
        env.retain(|env| !FOUR.contains(&env["name"].as_str().unwrap()));
    }
    container
}

#[test]
fn injects_the_native_proxy_first_and_its_init_container_last() {
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "");
        pod["spec"]["initContainers"] = json!([{"name": "own"}]);
    });
    let (pod, response) = admitted(&settings(), &request, holding(&yada_account()));
    let init = &pod["spec"]["initContainers"];
    assert_eq!(names(init), ["azwi-proxy", "own", "azwi-proxy-init"]);
    assert_eq!(
        without_identity(&init[2]),
        json!({"name": "azwi-proxy-init", "image": "mcr.microsoft.com/oss/azure/workload-identity/proxy-init:v1.6.3",
            "imagePullPolicy": "IfNotPresent", "env": [{"name": "PROXY_PORT", "value": "8000"}],
            "securityContext": {"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "privileged": true, "runAsNonRoot": false, "runAsUser": 0}})
    );
    let mut sidecar = without_identity(&init[0]);
    sidecar.as_object_mut().unwrap().remove("env");
    assert_eq!(
        sidecar,
        json!({"name": "azwi-proxy", "image": "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.6.3",
            "imagePullPolicy": "IfNotPresent", "args": ["--proxy-port=8000", "--log-level=info"], "ports": [{"containerPort": 8000}],
            "lifecycle": {"postStart": {"exec": {"command": ["/proxy", "--proxy-port=8000", "--probe", "--log-level=info"]}}},
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "privileged": false,
                "readOnlyRootFilesystem": true, "runAsNonRoot": true}, "restartPolicy": "Always"})
    );
    assert_eq!(names(&init[0]["env"]), FOUR);
    assert_eq!(names(&init[0]["volumeMounts"]), [VOLUME]);
    assert_eq!(names(&init[2]["env"]), [&["PROXY_PORT"][..], &FOUR].concat());
    assert_eq!(response.warnings, None);
}

#[test]
fn follows_the_proxys_settings() {
    let settings = with(
        &json!({"proxy": {"image": "a/proxy:1", "initImage": "a/init:1", "logLevel": "debug", "nativeSidecar": false, "privilegedInit": false}}),
    );
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        annotate(pod, "proxy-sidecar-port", "9000");
        annotate(pod, "skip-containers", "azwi-proxy;azwi-proxy-init");
    });
    let (pod, response) = admitted(&settings, &request, holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["containers"]), ["azwi-proxy", "yadaapi"]);
    let (sidecar, init) = (&pod["spec"]["containers"][0], &pod["spec"]["initContainers"][0]);
    assert_eq!((&sidecar["image"], &sidecar["args"][1]), (&json!("a/proxy:1"), &json!("--log-level=debug")));
    assert_eq!((sidecar.get("env"), sidecar.get("restartPolicy")), (None, None));
    assert_eq!((&init["image"], &init["securityContext"]["privileged"]), (&json!("a/init:1"), &json!(false)));
    assert_eq!(init["env"], json!([{"name": "PROXY_PORT", "value": "9000"}]));
    assert_eq!(response.warnings, None);
}

/// A namespace with a quota refuses containers without them.
#[test]
fn gives_the_proxys_containers_their_resources() {
    let resources = json!({"requests": {"cpu": "10m", "memory": 64_000_000}, "limits": {"memory": "64Mi"}});
    let request = yada(|pod| annotate(pod, "inject-proxy-sidecar", "true"));
    let settings = with(&json!({"proxy": {"resources": resources}}));
    let (pod, _) = admitted(&settings, &request, holding(&yada_account()));
    for container in pod["spec"]["initContainers"].as_array().unwrap() {
        assert_eq!(container["resources"], resources, "{container}");
    }
}

#[test]
fn leaves_the_proxy_out_where_it_is_declined_or_there() {
    let (pod, _) = admitted(
        &settings(),
        &yada(|pod| annotate(pod, "inject-proxy-sidecar", "false")),
        holding(&yada_account()),
    );
    assert_eq!(pod["spec"].get("initContainers"), None);
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        pod["spec"]["initContainers"] =
            json!([{"name": "azwi-proxy-init", "image": "own"}, {"name": "azwi-proxy", "image": "own"}]);
    });
    let (pod, _) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(names(&pod["spec"]["initContainers"]), ["azwi-proxy-init", "azwi-proxy"]);
    assert_eq!(names(&pod["spec"]["initContainers"][1]["env"]), FOUR);
}

#[test]
fn refuses_the_proxy_where_it_can_not_work() {
    let mend = "turn the proxy off in the pod, or in the pod template of its workload:\n\
                metadata: {annotations: {azure.workload.identity/inject-proxy-sidecar: \"false\"}}";
    let windows = format!("Pod default/yadaapi: the proxy sidecar does not run on Windows; {mend}");
    let rows: [Row; 4] = [
        (|pod| pod["spec"]["hostNetwork"] = json!(true), format!("Pod default/yadaapi: spec.hostNetwork is true: the proxy would redirect the traffic of the whole node; {mend}")),
        (|pod| pod["spec"]["os"] = json!({"name": "windows"}), windows.clone()),
        (|pod| pod["spec"]["nodeSelector"] = json!({"kubernetes.io/os": "windows"}), windows),
        (|pod| annotate(pod, "proxy-sidecar-port", "70000"), "Pod default/yadaapi: annotation azure.workload.identity/proxy-sidecar-port is \"70000\", which is not a port from 1 to 65535; \
            fix it in the pod, or in the pod template of its workload:\nmetadata: {annotations: {azure.workload.identity/proxy-sidecar-port: \"8000\"}}".to_owned()),
    ];
    for (change, message) in rows {
        let request = yada(|pod| {
            annotate(pod, "inject-proxy-sidecar", "true");
            change(pod);
        });
        assert_eq!(refused(&settings(), &request, holding(&yada_account())), (message, 400));
    }
}

#[test]
fn warns_where_the_pod_forbids_the_proxys_init_container() {
    let request = yada(|pod| {
        annotate(pod, "inject-proxy-sidecar", "true");
        pod["spec"]["securityContext"] = json!({"runAsNonRoot": true});
    });
    let (_, response) = admitted(&settings(), &request, holding(&yada_account()));
    assert_eq!(
        warnings(&response),
        [
            "Pod default/yadaapi: securityContext.runAsNonRoot is true, but azwi-proxy-init runs as root and may be refused"
        ]
    );
}

#[test]
fn warns_about_a_container_that_listens_on_the_proxys_port() {
    let said = |ports: &Value, port: Option<&str>| {
        let request = yada(|pod| {
            annotate(pod, "inject-proxy-sidecar", "true");
            if let Some(port) = port {
                annotate(pod, "proxy-sidecar-port", port);
            }
            pod["spec"]["containers"][0]["ports"] = ports.clone();
        });
        let (object, response) = admitted(&settings(), &request, holding(&yada_account()));
        let mut again = request.clone();
        again["object"] = object;
        let (_, second) = admitted(&settings(), &again, holding(&yada_account()));
        assert_eq!(warnings(&response), warnings(&second), "a second pass says the same");
        warnings(&response)
    };
    let expected = |port: &str| {
        format!(
            "Pod default/yadaapi: container yadaapi listens on the proxy's port {port}; set annotation proxy-sidecar-port to a free one"
        )
    };
    assert_eq!(said(&json!([{"containerPort": 80}, {"containerPort": 8000}]), None), [expected("8000")]);
    assert_eq!(said(&json!([{"containerPort": 9000, "protocol": "TCP"}]), Some("9000")), [expected("9000")]);
    for elsewhere in
        [json!([{"containerPort": 8000, "protocol": "UDP"}]), json!([{"containerPort": 80}]), json!([])]
    {
        assert_eq!(said(&elsewhere, None), [""; 0], "{elsewhere}");
    }
    assert_eq!(said(&json!([{"containerPort": 8000}]), Some("8001")), [""; 0]);
}
