//! Generated pods made such that Kubernetes takes most of them.

use serde_json::{Value, json};

use laws::pods::Case;

/// The same case, without what Kubernetes refuses for reasons that have nothing to do with the policy: volumes that are not there,
/// and volumes of another kind than they are used for.
#[must_use]
pub fn fixed(mut case: Case) -> Case {
    let Some(spec) = case.request.pointer_mut("/object/spec").and_then(Value::as_object_mut) else {
        return case;
    };
    let volumes = spec.get("volumes").and_then(Value::as_array).cloned().unwrap_or_default();
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            mend(container, &volumes);
        }
    }
    if spec.get("containers").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        spec.insert("containers".to_owned(), json!([{"name": "c0", "image": "nginx:1"}]));
    }
    for field in ["ephemeralContainers", "resourceClaims", "os"] {
        spec.remove(field);
    }
    case
}

fn mend(container: &mut Value, volumes: &[Value]) {
    let is = |name: Option<&Value>, kind: &dyn Fn(&Value) -> bool| {
        volumes.iter().any(|volume| volume.get("name") == name && kind(volume))
    };
    let mut devices: Vec<Value> = Vec::new();
    if let Some(list) = container.get_mut("volumeDevices").and_then(Value::as_array_mut) {
        list.retain(|device| is(device.get("name"), &|volume| volume.get("persistentVolumeClaim").is_some()));
        devices.clone_from(list);
    }
    if let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) {
        env.retain(|env| {
            let volume = env.pointer("/valueFrom/fileKeyRef/volumeName");
            volume.is_none() || is(volume, &|volume| volume.get("emptyDir").is_some())
        });
    }
    if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
        let mut paths: Vec<Value> = Vec::new();
        mounts.retain(|mount| {
            let path = mount.get("mountPath").cloned().unwrap_or_default();
            let device = |key: &str, of: &str| devices.iter().any(|device| device.get(key) == mount.get(of));
            let fits = is(mount.get("name"), &|_| true)
                && !paths.contains(&path)
                && !device("name", "name")
                && !device("devicePath", "mountPath");
            paths.push(path);
            fits
        });
    }
}
