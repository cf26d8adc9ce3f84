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
    object::container::{Container, Env},
    settings::Settings,
    value::names,
    verdict::{
        notice::Notice,
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
        tell(&|| Notice::CredentialWins { variable });
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
    let suspect = |env: &&Env| env.raw.contains("$(AZURE_") || env.raw.contains(names::SECRETS_PATH);
    for env in container.env.iter().filter(suspect) {
        let value = env.value().unwrap_or_default();
        for (injected, is_missing) in missing {
            if is_missing && value.contains(&["$(", injected, ")"].concat()) && !value.contains("$$(") {
                tell(&|| Notice::RefersToInjected { own: env.name.as_ref().into(), injected });
            }
        }
        let is_token = value.starts_with(names::SECRETS_PATH) && value.ends_with(names::LEGACY_TOKEN_PATH);
        if is_token
            && !env.is_called(names::AZURE_FEDERATED_TOKEN_FILE)
            && !target.place.is_token_file(&value)
        {
            tell(&|| Notice::OtherTokenFile { own: env.name.as_ref().into() });
        }
    }
    for (field, json) in ["command", "args"].into_iter().zip(container.arguments) {
        // A word can hold several paths; the last one is what it ends with.
        let words = json.into_iter().flat_map(|json| json.split(ends_path));
        let mut paths = words.filter_map(|word| word.get(word.rfind(names::SECRETS_PATH)?..));
        let is_other =
            |path: &str| path.ends_with(names::LEGACY_TOKEN_PATH) && !target.place.is_token_file(path);
        if paths.any(is_other) {
            tell(&|| Notice::TokenFileInArguments { field });
        }
    }
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
                tell(&|| Notice::OwnToken);
                continue;
            }
            (Some(target), State::Equipped { token, .. }) => {
                for variable in [names::AZURE_CLIENT_ID, names::AZURE_TENANT_ID, names::AZURE_AUTHORITY_HOST]
                {
                    if differs(variable, &target.place) {
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
        references(container, target, &mut tell);
        let unknown = TokenFile::of(container, containers.volumes.os) == TokenFile::Unknown;
        for variable in names::IDENTITY_VARIABLES {
            if unknown && variable == names::AZURE_FEDERATED_TOKEN_FILE {
                tell(&|| Notice::TokenFileUnknown);
            } else if differs(variable, &target.place) {
                tell(&|| Notice::OwnValue { variable });
            }
        }
    }
}
