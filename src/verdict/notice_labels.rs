//! What is said of labels and annotations that have no effect, or are missing.

use crate::{
    text::Untrusted,
    value::{
        keys::{self, AnnotatedObject, MetadataKind},
        names,
        reference::Reference,
        use_label::Trigger,
    },
    verdict::{
        description::{Description, Paste},
        spot::Spot,
    },
};

/// The names that would be right, in brackets, where there are any.
pub(crate) fn listed(what: &str, names: &Untrusted) -> String {
    if names.as_str().is_empty() { String::new() } else { format!(" ({what}{})", names.plain(60)) }
}

/// A known name, without its prefix if the name in the sentence has the same prefix.
fn short<'k>(known: &'k str, name: &str) -> &'k str {
    known.strip_prefix(names::PREFIX).filter(|_| name.starts_with(names::PREFIX)).unwrap_or(known)
}

/// Why there is no identity, and how to get one.
pub(crate) fn no_label(account: Option<&Reference>, trigger: Trigger) -> Description {
    let label = names::USE_LABEL;
    let Some(account) = account else {
        let text = format!("gets no identity: add the label {label}: \"true\" to the pod");
        return Description::new("no-label-on-pod", text).at(Spot::use_label());
    };
    let (rule, text) = match trigger {
        Trigger::ServiceAccount => {
            ("no-label-on-service-account", "gets no identity: its ServiceAccount lacks the label")
        }
        Trigger::Any | Trigger::Pod => {
            ("no-label", "gets no identity: neither it nor its ServiceAccount has the label")
        }
    };
    let command = label_command(account);
    Description::new(rule, text)
        .at(Spot::use_label())
        .fix(format!("to add it: {command}"))
        .paste(Paste::Command(command))
}

fn label_command(account: &Reference) -> String {
    let (namespace, name) = (account.namespace.shell_word("NAMESPACE"), account.name.shell_word("NAME"));
    // A command that is cut can't be pasted.
    let name = if name.len() + namespace.len() > 60 { "NAME" } else { &name };
    let namespace = if namespace.len() > 60 { "NAMESPACE" } else { &namespace };
    format!("kubectl label serviceaccount -n {namespace} {name} {}=true", names::USE_LABEL)
}

/// A label or annotation that is unknown, with the likely one.
pub(crate) fn unknown(
    metadata: MetadataKind,
    name: &Untrusted,
    annotated: AnnotatedObject,
    endpoint: Option<&str>,
) -> Description {
    let (word, shown) = (metadata.word(), name.plain(90));
    let at = Spot::Metadata(metadata, name.clone());
    match keys::nearest(name.as_str(), annotated, endpoint) {
        Some(nearest) => Description::new("misspelt", format!("{word} {shown} is unknown"))
            .at(at)
            .fix(format!("did you mean {}?", short(&nearest, name.as_str()))),
        None => {
            Description::new("unknown-name", format!("{word} {shown} is unknown and has no effect")).at(at)
        }
    }
}

/// A label or annotation that has no effect where it is.
pub(crate) fn misplaced(metadata: MetadataKind, name: &Untrusted, belongs: &str) -> Description {
    let rule = match metadata {
        MetadataKind::Label => "label-misplaced",
        MetadataKind::Annotation => "annotation-misplaced",
    };
    let shown = name.plain(90);
    Description::new(rule, format!("{} {shown} has no effect here", metadata.word()))
        .at(Spot::Metadata(metadata, name.clone()))
        .fix(format!("move it to {belongs}"))
}
