//! A ServiceAccount that is created or updated: its mistakes are caught where they are made.

use crate::{
    decide::{decision, identity::service_account_identity, warnings},
    json::{Cursor, Json, Malformed},
    object::{
        annotations::Place,
        service_account::{Reference, ServiceAccount},
    },
    settings::Settings,
    value::{
        names,
        use_label::{Trigger, UseLabel},
    },
    verdict::{LogLine, Refusal, Verdict, Warning},
};

/// Checks a ServiceAccount as its pods will be. On UPDATE, what was wrong before is only a warning.
///
/// # Errors
/// A ServiceAccount that can't be understood.
pub fn judge(
    settings: &Settings,
    namespace: &str,
    object: &Json,
    old: Option<&Json>,
) -> Result<Verdict<'static>, Malformed> {
    let new = read(namespace, object)?;
    let old = old.and_then(|old| read(namespace, old).ok());
    let title = new.reference.title();
    let mut warnings = warnings::of_label(&title, &new.label);
    let endpoint = settings.endpoint_annotation();
    warnings.extend(new.annotations.warnings(&title, Place::ServiceAccount, endpoint));
    let annotated = [names::CLIENT_ID, names::TENANT_ID, names::TOKEN_EXPIRATION]
        .iter()
        .any(|name| new.annotations.value(name).is_some());
    let labelled = new.label == UseLabel::True;
    if !labelled && settings.trigger == Trigger::ServiceAccount {
        if annotated {
            warnings.push(Warning::new(
                &title,
                format!("its annotations have no effect without the label {}=true", names::USE_LABEL),
            ));
        }
        return Ok(Verdict::warned(warnings));
    }
    if !labelled && !annotated {
        return Ok(Verdict::warned(warnings));
    }
    let mut known = Vec::new();
    if let Some(old) = &old {
        mistakes(settings, old, &mut known);
    }
    let mut found = Vec::new();
    let identity = mistakes(settings, &new, &mut found);
    let was_there = |refusal: &Refusal| known.iter().any(|old| old.problem == refusal.problem);
    let (old_mistakes, refusals): (Vec<Refusal>, Vec<Refusal>) = found.into_iter().partition(was_there);
    warnings.extend(old_mistakes.iter().map(Refusal::warning));
    if refusals.is_empty() && identity == Some(MissingClientId::Missing) && labelled {
        warnings.push(decision::no_client_id_warning(&new.reference));
    }
    let message = refusals.first().map(|refusal| refusal.problem.clone());
    let log = LogLine { namespace: namespace.to_owned(), object: title, message };
    Ok(Verdict {
        refusals,
        warnings,
        mutated: None,
        audit: Some(decision::audit(&new, settings)),
        log: Some(log),
    })
}

/// Whether an identity has a client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MissingClientId {
    There,
    Missing,
}

fn mistakes(
    settings: &Settings,
    service_account: &ServiceAccount,
    refusals: &mut Vec<Refusal>,
) -> Option<MissingClientId> {
    let identity = service_account_identity(settings, service_account, refusals);
    if let Err(wrong) = service_account.token_expiration() {
        refusals.push(wrong.of_service_account(&service_account.reference));
    }
    identity.map(
        |(client_id, _)| if client_id.is_some() { MissingClientId::There } else { MissingClientId::Missing },
    )
}

fn read(namespace: &str, object: &Json) -> Result<ServiceAccount, Malformed> {
    let root = Cursor::root("", object);
    let metadata = root.required("metadata", "an object")?;
    let text = |name| metadata.field(name)?.map(|at| at.as_text()).transpose();
    let name = match text("name")? {
        Some(name) => name.into_owned(),
        None => format!("{}*", text("generateName")?.unwrap_or_default()),
    };
    ServiceAccount::read(Reference { namespace: namespace.to_owned(), name }, &root)
}
