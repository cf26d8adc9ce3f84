//! Where in an object a finding is. A place is described by name, and turned into a path once the object is available.

use crate::{
    json::{Json, text_of},
    text::Untrusted,
    value::{keys::MetadataKind, names},
};

/// A place in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// A label or annotation.
    Metadata(MetadataKind, Untrusted),
    /// A field of the object, or of a workload's pod template.
    Field(&'static str),
    /// A volume of the pod, by its name.
    Volume(Untrusted),
    /// An environment variable of the container, by its name.
    Env(Untrusted),
    /// A volume mount of the container, by its `mountPath`.
    Mount(Untrusted),
    /// A block device of the container, by its `devicePath`.
    Device(Untrusted),
    /// A port of the container.
    Port(Untrusted),
    /// Another field of the container.
    OfContainer(&'static str),
    /// A path that is written already.
    Written(String),
}

impl Spot {
    /// An annotation.
    pub(crate) fn annotation(name: impl AsRef<str>) -> Self {
        Self::Metadata(MetadataKind::Annotation, name.as_ref().into())
    }

    /// The label of workload identity.
    pub(crate) fn use_label() -> Self {
        Self::Metadata(MetadataKind::Label, names::USE_LABEL.into())
    }

    /// A variable.
    pub(crate) fn env(name: &str) -> Self {
        Self::Env(name.into())
    }
}

/// An object whose findings are placed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole<'j, 'a> {
    /// The object.
    pub(crate) object: &'j Json<'a>,
    /// The way to its pod template; empty for a pod.
    pub(crate) template: &'static [&'static str],
}

impl<'j, 'a> Whole<'j, 'a> {
    /// The path of `spot`, in `container` where it is in one, as the API server writes the paths of fields.
    pub(crate) fn path(&self, spot: &Spot, container: Option<&Untrusted>) -> String {
        let mut path = self.template.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        let (list, key, value) = match spot {
            Spot::Metadata(kind, name) => return self.metadata(*kind, name),
            Spot::Written(path) => return path.clone(),
            Spot::Field(field) => return path + field,
            Spot::Volume(name) => {
                let spec = self.template().and_then(|template| template.field("spec"));
                push_item(&mut path, spec, "spec.", ("volumes", "name", name));
                return path;
            }
            Spot::Env(name) => ("env", "name", name),
            Spot::Mount(at) => ("volumeMounts", "mountPath", at),
            Spot::Device(at) => ("volumeDevices", "devicePath", at),
            Spot::Port(port) => ("ports", "containerPort", port),
            Spot::OfContainer(field) => {
                let found = self.push_container(&mut path, container);
                return if found.is_some() { path + "." + field } else { path };
            }
        };
        let container = self.push_container(&mut path, container);
        if container.is_some() {
            push_item(&mut path, container, ".", (list, key, value));
        }
        path
    }

    fn template(&self) -> Option<&'j Json<'a>> {
        self.template.iter().try_fold(self.object, |json, name| json.field(name))
    }

    /// A label or annotation, in the metadata that has it; where none does, the pod's.
    fn metadata(&self, kind: MetadataKind, name: &Untrusted) -> String {
        let own = metadata_path(kind, name);
        let levels = (0..=self.template.len()).rev().filter_map(|length| self.template.get(..length));
        let has = |path: &&[&str]| {
            let level = path.iter().try_fold(self.object, |json, name| json.field(name));
            let map = level.and_then(|json| json.field("metadata")).and_then(|json| json.field(kind.field()));
            map.is_some_and(|map| map.field(name.as_str()).is_some())
        };
        let path = levels.clone().find(has).unwrap_or(self.template);
        path.iter().flat_map(|name| [*name, "."]).chain([own.as_str()]).collect()
    }

    /// Writes the path of the container of this name, and gives it.
    fn push_container(&self, path: &mut String, name: Option<&Untrusted>) -> Option<&'j Json<'a>> {
        let spec = self.template().and_then(|template| template.field("spec"));
        let lists = ["initContainers", "containers", "ephemeralContainers"];
        let found = name.and_then(|name| {
            lists.into_iter().find_map(|list| Some((list, item(spec?, (list, "name", name))?)))
        });
        path.push_str("spec.");
        let Some((list, (index, container))) = found else {
            path.push_str("containers");
            return None;
        };
        path.push_str(list);
        push_index(path, index);
        Some(container)
    }
}

/// A list, the field that tells its items apart, and the value of that.
type Key<'k> = (&'static str, &'static str, &'k Untrusted);

fn push_index(path: &mut String, index: usize) {
    path.push('[');
    path.push_str(&index.to_string());
    path.push(']');
}

/// Writes the path of an item of `parent`, or of its list where it is not there.
fn push_item(path: &mut String, parent: Option<&Json>, before: &str, key: Key) {
    path.push_str(before);
    path.push_str(key.0);
    if let Some((index, _)) = parent.and_then(|parent| item(parent, key)) {
        push_index(path, index);
    }
}

/// The path of a label or annotation in the metadata of its object.
pub(crate) fn metadata_path(kind: MetadataKind, name: &Untrusted) -> String {
    format!("metadata.{}[\"{}\"]", kind.field(), name.plain(120))
}

/// The last item of a list whose field has this value, and its index: of two variables of one name it is the one that counts.
fn item<'j, 'a>(parent: &'j Json<'a>, (list, field, value): Key) -> Option<(usize, &'j Json<'a>)> {
    let Json::List(items) = parent.field(list)? else { return None };
    items.iter().enumerate().rfind(|(_, item)| {
        let Some(Json::Raw(raw)) = item.field(field) else { return false };
        text_of(raw).as_deref().unwrap_or(raw).eq_ignore_ascii_case(value.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Shape;

    #[test]
    fn finds_what_a_finding_names() {
        let object = Json::parse(
            r#"{"metadata": {"labels": {"azure.workload.identity/use": "True"}}, "spec": {"template": {
            "metadata": {"annotations": {"azure.workload.identity/skip-containers": "x"}}, "spec": {
            "volumes": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}],
            "containers": [{"name": "x"}, {"name": "app", "env": [{"name": "A"}, {"name": "B"}, {"name": "A"}],
            "ports": [{"containerPort": 8000}], "volumeMounts": [{"name": "b", "mountPath": "/m"}]}]}}}}"#,
            &Shape::Whole,
        );
        let object = object.unwrap();
        let whole = Whole { object: &object, template: &["spec", "template"] };
        let (app, init, missing) = ("app".into(), "i".into(), "gone".into());
        for (spot, container, path) in [
            (Spot::use_label(), None, "metadata.labels[\"azure.workload.identity/use\"]"),
            (
                Spot::annotation(names::SKIP_CONTAINERS),
                None,
                "spec.template.metadata.annotations[\"azure.workload.identity/skip-containers\"]",
            ),
            (
                Spot::annotation("azure.workload.identity/other"),
                None,
                "spec.template.metadata.annotations[\"azure.workload.identity/other\"]",
            ),
            (Spot::Field("spec.hostNetwork"), None, "spec.template.spec.hostNetwork"),
            (Spot::Volume("b".into()), None, "spec.template.spec.volumes[1]"),
            (Spot::Volume("c".into()), None, "spec.template.spec.volumes"),
            (Spot::env("A"), Some(&app), "spec.template.spec.containers[1].env[2]"),
            (Spot::env("C"), Some(&app), "spec.template.spec.containers[1].env"),
            (Spot::Mount("/m".into()), Some(&app), "spec.template.spec.containers[1].volumeMounts[0]"),
            (Spot::Port("8000".into()), Some(&app), "spec.template.spec.containers[1].ports[0]"),
            (Spot::OfContainer("args"), Some(&init), "spec.template.spec.initContainers[0].args"),
            (Spot::env("A"), Some(&missing), "spec.template.spec.containers"),
        ] {
            assert_eq!(whole.path(&spot, container), path);
        }
        let bare = Json::parse("{}", &Shape::Whole).unwrap();
        assert_eq!(
            Whole { object: &bare, template: &[] }.path(&Spot::env("A"), Some(&app)),
            "spec.containers"
        );
    }
}
