//! A ServiceAccount is created or updated: its mistakes are caught where they are made.

use crate::{
    decide::{
        decision,
        identity::service_account::{AccountIdentity, service_account_identity},
        warnings::{self, keys::Keys},
    },
    feature::allowed_identities::Governance,
    json::{Cursor, Malformed},
    object::{
        request::{self, Change},
        service_account::ServiceAccount,
    },
    settings::Settings,
    tally::Tally,
    value::{
        keys::AnnotatedObject,
        names,
        use_label::{Trigger, UseLabel},
    },
    verdict::{
        mistake::Mistake,
        notice::Notice,
        outcome::{LogLine, Verdict},
        refusal::Refusal,
        warning::{Warning, Warnings},
    },
};

/// Checks a ServiceAccount as its pods will be checked. On UPDATE, a mistake that was there before is only a warning.
///
/// # Errors
/// A ServiceAccount that can't be understood.
pub(crate) fn judge(
    settings: &Settings,
    request: &Cursor<'_, '_>,
    change: &Change,
) -> Result<Verdict<'static>, Vec<Malformed>> {
    let namespace = request::namespace(request)?;
    let new = ServiceAccount::written(&namespace, &change.new)?;
    let old = change.old.as_ref().and_then(|old| ServiceAccount::written(&namespace, old).ok());
    let title = new.reference.title();
    let mut warnings = Warnings::default();
    warnings.extend(warnings::of_label(&title, &new.label));
    Keys::of_account(&new).warnings(settings, &title, AnnotatedObject::ServiceAccount, &mut warnings);
    let annotated =
        [names::CLIENT_ID, names::IDENTITY, names::TENANT_ID, names::TOKEN_EXPIRATION, names::LAYOUT]
            .iter()
            .any(|name| new.annotations.value(name).is_some());
    let labelled = new.label == UseLabel::True;
    if !annotated && !labelled {
        return Ok(Verdict::warned(warnings));
    }
    if !labelled && settings.trigger == Trigger::ServiceAccount {
        warnings.push(Warning::new(&title, Notice::AnnotationsWithoutLabel));
    }
    // A ServiceAccount that starts to inject is judged as if it were new.
    let old = old.filter(|old| old.label == UseLabel::True || !labelled);
    let governance = Governance::of(settings.allowed_identities.as_deref(), &namespace);
    let read = |account: &ServiceAccount| AccountIdentity::read(settings, governance.as_ref(), account);
    let said = read(&new);
    let mut known = Vec::new();
    let mut before = None;
    if let Some(old) = &old {
        let said = read(old);
        known = mistakes(settings, governance.as_ref(), old, &said).1;
        before = said.client_id.ok().flatten();
    }
    let (client_id, found) = mistakes(settings, governance.as_ref(), &new, &said);
    let (old_mistakes, refusals): (Vec<Refusal>, Vec<Refusal>) =
        found.into_iter().partition(|refusal| known.iter().any(|known| known.says_the_same(refusal)));
    warnings.extend(old_mistakes.into_iter().map(Refusal::still_wrong));
    if labelled {
        warnings.extend(warnings::of_client_id(settings, &said, &title));
        let after = said.client_id.as_ref().ok().and_then(Option::as_ref);
        if before.is_some() && after.is_some() && before.as_ref() != after {
            warnings.push(Warning::new(&title, Notice::ClientIdChanged));
        }
    }
    if refusals.is_empty() && client_id == ClientIdState::Missing && labelled {
        warnings.push(Warning::new(&title, Notice::NoClientId));
    }
    let in_manifest = |refusal: Refusal| match &change.old {
        Some(_) => refusal,
        None => refusal.in_manifest(),
    };
    let mut all = Tally::default();
    all.extend(refusals.into_iter().map(in_manifest));
    let refusals = all;
    let log = LogLine::new(&namespace, &title, &refusals);
    let audit = Some(decision::audit(&new, &said));
    Ok(Verdict { refusals, warnings, mutated: None, audit, log: Some(log) })
}

/// Whether an identity has a client ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientIdState {
    /// It has one, or something is wrong with it.
    Present,
    /// It has none, and nothing else is wrong.
    Missing,
}

fn mistakes(
    settings: &Settings,
    governance: Option<&Governance>,
    account: &ServiceAccount,
    said: &AccountIdentity,
) -> (ClientIdState, Vec<Refusal>) {
    let (identity, mut refusals) = match service_account_identity(settings, governance, account, said) {
        Ok(identity) => (Some(identity), Vec::new()),
        Err(refusals) => (None, refusals),
    };
    for wrong in said.expiration.as_ref().err().into_iter().chain(said.layout.as_ref().err()) {
        refusals.push(Refusal::new(&account.reference.title(), Mistake::WrongAnnotation(wrong.clone())));
    }
    if account.label != UseLabel::True {
        // Other tools read the same annotations and may know their tenant, so only the values that are set are judged.
        refusals.retain(|refusal| matches!(refusal.mistake, Mistake::WrongAnnotation(_)));
    }
    let missing = identity.is_some_and(|identity| identity.client_id.is_none());
    (if missing { ClientIdState::Missing } else { ClientIdState::Present }, refusals)
}
