//! What containers set themselves, and what keeps an SDK from the identity.

use crate::{
    decide::{
        container::{
            conflicts,
            containers::{Containers, Target},
            evidence::{State, Token, TokenFile},
        },
        identity::identities::Identities,
        plan::variables::differs,
    },
    object::container::{Container, Env, Extent, Mount},
    settings::Settings,
    value::names,
    verdict::{
        notice::{Asked, Notice, Source},
        warning::{About, Warning, Warnings},
    },
};

/// What makes `DefaultAzureCredential` skip the identity: `EnvironmentCredential` comes first (Azure SDKs, "Credential chains").
fn credentials(container: &Container, mut tell: impl FnMut(&dyn Fn() -> Notice)) {
    let has = |name: &str| {
        container.variable(name).is_some_and(|env| env.value().is_none_or(|value| !value.is_empty()))
    };
    let credential =
        ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"].into_iter().find(|name| has(name));
    let user = || (has("AZURE_USERNAME") && has("AZURE_PASSWORD")).then_some("AZURE_USERNAME");
    if let Some(variable) = credential.or_else(user) {
        let raw = container.variable(variable).map_or("", |env| env.raw);
        let source = if raw.contains("\"optional\":true") { Source::Optional } else { Source::Certain };
        tell(&|| Notice::CredentialWins { variable, source });
    }
    let chosen = container.variable("AZURE_TOKEN_CREDENTIALS").and_then(Env::value);
    let takes = ["", "prod", "WorkloadIdentityCredential"];
    let left_out =
        chosen.is_some_and(|chosen| !takes.into_iter().any(|word| chosen.eq_ignore_ascii_case(word)));
    if left_out {
        tell(&|| Notice::LeftOut);
    }
}

/// The container's own variables that refer to one which is added after them, or to a token file of another layout.
fn references(container: &Container, target: &Target, mut tell: impl FnMut(&dyn Fn() -> Notice)) {
    let missing = names::IDENTITY_VARIABLES.map(|name| (name, container.variable(name).is_none()));
    // Most variables contain neither, and are not parsed.
    let suspect = |env: &&Env| has(env.raw, "$(AZURE_") || has(env.raw, names::SECRETS_PATH);
    for env in container.env.iter().filter(suspect) {
        let value = env.value().unwrap_or_default();
        for (injected, is_missing) in missing {
            if is_missing && value.contains(&["$(", injected, ")"].concat()) && !value.contains("$$(") {
                tell(&|| Notice::RefersToInjected { own: env.name.as_ref().into(), injected });
            }
        }
        // A token file's own variable is judged with the others of the identity.
        if !env.is_called(names::AZURE_FEDERATED_TOKEN_FILE) && names_other_token(&value, target) {
            tell(&|| Notice::OtherTokenFile { own: env.name.as_ref().into() });
        }
    }
    for (field, json) in container.commands.iter().copied() {
        if names_other_token(json, target) {
            tell(&|| Notice::TokenFileInArguments { field });
        }
    }
}

/// Whether `text` contains `word`. What `str::contains` prepares costs more than most variables are long.
fn has(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let first = word.first();
    (0..text.len())
        .any(|at| text.get(at) == first && text.get(at..).is_some_and(|rest| rest.starts_with(word)))
}

/// Whether a text has the path of a token file in it that is not this one.
fn names_other_token(text: &str, target: &Target) -> bool {
    if !has(text, names::SECRETS_PATH) {
        return false;
    }
    // A word can hold several paths; the last one is what it ends with.
    let mut paths = text.split(ends_path).filter_map(|word| word.get(word.rfind(names::SECRETS_PATH)?..));
    paths.any(|path| path.ends_with(names::LEGACY_TOKEN_PATH) && !target.place.is_token_file(path))
}

/// The address of the node's identity (Azure Instance Metadata Service).
const METADATA_SERVICE: &str = "169.254.169.254";

/// The credential of an SDK that asks there.
const MANAGED: &str = "ManagedIdentityCredential";

/// What asks for the node's identity, and not for that of the pod, for which only the proxy would answer there.
fn nodes_identity(container: &Container, mut tell: impl FnMut(&dyn Fn() -> Notice)) {
    for env in &container.env {
        let is = |word: &str| env.value().is_some_and(|value| value == word);
        // What a proxy leaves out asks for nothing.
        let is_asked = has(env.raw, METADATA_SERVICE) && !env.name.eq_ignore_ascii_case("NO_PROXY")
            || has(env.raw, MANAGED) && is(MANAGED) && !env.is_called("AZURE_TOKEN_CREDENTIALS")
            || env.is_called("ARM_USE_MSI") && is("true");
        if is_asked {
            tell(&|| Notice::NodesIdentity { field: Asked::Variable(env.name.as_ref().into()) });
        }
    }
    for (field, json) in container.commands.iter().copied() {
        if logs_in(json) || has(json, METADATA_SERVICE) {
            tell(&|| Notice::NodesIdentity { field: Asked::Command(field) });
        }
    }
}

/// Whether a command has `az login --identity` in it.
fn logs_in(json: &str) -> bool {
    let mut seen = 0;
    for word in json.split(ends_path).filter(|word| !word.is_empty()) {
        seen = match (seen, word) {
            (2, "--identity" | "-i") => return true,
            (2, _) | (1, "login") => 2,
            _ => usize::from(word == "az" || word.ends_with("/az")),
        };
    }
    false
}

/// Whether a path ends before this character, in the JSON of a command.
fn ends_path(c: char) -> bool {
    !c.is_ascii_alphanumeric() && !matches!(c, '/' | '-' | '_' | '.')
}

/// A token for another audience than the pod's, which no custom token endpoint exchanges.
fn other_audience(
    containers: &Containers,
    container: &Container,
    token: &Token,
    mut tell: impl FnMut(&dyn Fn() -> Notice),
) {
    let exchanged = || container.variable(names::AZURE_KUBERNETES_TOKEN_PROXY).is_some();
    if *token.audience != *containers.audience.as_str() && !exchanged() {
        tell(&|| Notice::OtherAudience(token.audience.as_ref().into()));
    }
}

/// Warns about what containers set themselves: a different value for a variable, or their own token.
pub(crate) fn of_containers(
    settings: &Settings,
    containers: &Containers,
    identities: &Identities,
    has_proxy: bool,
    warnings: &mut Warnings,
) {
    for (held, other) in containers.due.iter().zip(identities.own) {
        let container = held.container;
        let about = || About::Container(containers.pod.title.clone(), container.name.as_ref().into());
        let mut tell =
            |notice: &dyn Fn() -> Notice| warnings.add(|| Warning { about: about(), notice: notice() });
        let identity = identities.of(other.as_ref());
        let differs =
            |variable, place| differs(container, variable, settings, identity, place, containers.volumes.os);
        let target = match (&held.target, &held.state) {
            (None, _) => {
                let is_part = |mount: &Mount| {
                    mount.extent == Extent::Part && !containers.volumes.tokens(&mount.name).is_empty()
                };
                let by_part = container.mounts.iter().find(|mount| is_part(mount));
                tell(&|| match by_part {
                    Some(mount) => Notice::TokenBySubPath { path: mount.path.as_ref().into() },
                    None => Notice::OwnToken,
                });
                continue;
            }
            (Some(target), State::Equipped { token, .. }) => {
                // What the fallback wrote is brought up to date.
                let is_replaced = held.of_fallback().is_some();
                for variable in [names::AZURE_CLIENT_ID, names::AZURE_TENANT_ID, names::AZURE_AUTHORITY_HOST]
                {
                    if !is_replaced && differs(variable, &target.place) {
                        tell(&|| Notice::OwnValue { variable });
                    }
                }
                other_audience(containers, container, token, &mut tell);
                continue;
            }
            (Some(target), _) => target,
        };
        let above = conflicts::read_only_above(container, &containers.volumes, &containers.root(target));
        if let Some(mount) = above {
            let (volume, path) = (&mount.name, &mount.path);
            tell(&|| Notice::ReadOnlyAbove { volume: volume.as_ref().into(), path: path.as_ref().into() });
        }
        credentials(container, &mut tell);
        if !has_proxy {
            nodes_identity(container, &mut tell);
        }
        references(container, target, &mut tell);
        let unknown = TokenFile::of(container, containers.volumes.os) == TokenFile::Unknown;
        for variable in names::IDENTITY_VARIABLES {
            if unknown && variable == names::AZURE_FEDERATED_TOKEN_FILE {
                tell(&|| Notice::TokenFileUnknown);
            } else if differs(variable, &target.place) && variable == names::AZURE_FEDERATED_TOKEN_FILE {
                tell(&|| Notice::OtherTokenFile { own: variable.into() });
            } else if differs(variable, &target.place) {
                tell(&|| Notice::OwnValue { variable });
            }
        }
    }
}
