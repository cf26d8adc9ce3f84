//! A ServiceAccount, as far as identity goes.

use std::borrow::Cow;

use crate::{
    json::{Cursor, FIELDS, Json, Malformed, Shape},
    object::annotations::Annotations,
    text::quote,
    value::{
        identity::{ClientId, TenantId},
        names,
        token::TokenExpiration,
        use_label::UseLabel,
    },
    verdict::{Code, Fault, Refusal},
};

/// Of a ServiceAccount only the metadata is looked into; `managedFields` alone can be larger than all the rest.
pub static SERVICE_ACCOUNT: Shape =
    Shape::Object(&[("metadata", &Shape::Object(&[("labels", &FIELDS), ("annotations", &FIELDS)]))]);

/// Which ServiceAccount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Reference {
    /// What messages call it.
    #[must_use]
    pub fn title(&self) -> String {
        format!("ServiceAccount {self}")
    }

    /// The command that sets an annotation of it.
    #[must_use]
    pub fn annotate(&self, annotation: &str, value: &str) -> String {
        let Self { namespace, name } = self;
        format!("kubectl annotate --overwrite serviceaccount -n {namespace} {name} {annotation}={value}")
    }
}

/// What a ServiceAccount says of its identity; wrong values are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Which one.
    pub reference: Reference,
    /// Its label.
    pub label: UseLabel,
    /// Its annotations.
    pub annotations: Annotations,
}

/// An annotation whose value can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongValue {
    /// The annotation's name.
    pub annotation: &'static str,
    /// Its value.
    pub found: String,
    /// What would be accepted.
    pub accepted: Cow<'static, str>,
    /// What to put in its place, as `<the managed identity's client id>`.
    pub placeholder: &'static str,
}

impl ServiceAccount {
    /// Reads the object's metadata.
    ///
    /// # Errors
    /// No metadata, or labels or annotations that are no objects of strings.
    pub fn read(reference: Reference, object: &Cursor<'_, '_>) -> Result<Self, Malformed> {
        let metadata = object.required("metadata", "an object")?;
        let labels = metadata.field("labels")?;
        let label = labels.as_ref().map(|labels| labels.field(names::USE_LABEL)).transpose()?.flatten();
        let label = label.map(|label| label.as_text()).transpose()?;
        let annotations = metadata.field("annotations")?;
        Ok(Self {
            reference,
            label: UseLabel::from(label.as_deref()),
            annotations: annotations.as_ref().map(Annotations::read).transpose()?.unwrap_or_default(),
        })
    }

    /// Reads what a host answered when it was asked for `reference`; `None` where that is no such ServiceAccount.
    #[must_use]
    pub fn from_answer(reference: Reference, answer: &str) -> Option<Self> {
        let json = Json::parse(answer, &SERVICE_ACCOUNT).ok()?;
        let object = Cursor::root("object", &json);
        let said = |at: &Cursor<'_, '_>, field: &str, expected: &str| match at.field(field) {
            Ok(Some(found)) => found.as_text().is_ok_and(|found| found == expected),
            Ok(None) => true,
            Err(_) => false,
        };
        let metadata = object.field("metadata").ok()??;
        let fits = said(&object, "kind", "ServiceAccount")
            && said(&metadata, "name", &reference.name)
            && said(&metadata, "namespace", &reference.namespace);
        if fits { Self::read(reference, &object).ok() } else { None }
    }

    /// The client id; `None` where there is none.
    ///
    /// # Errors
    /// Something else than a UUID.
    pub fn client_id(&self) -> Result<Option<ClientId>, WrongValue> {
        self.parse(names::CLIENT_ID, ClientId::ACCEPTED, "<the managed identity's client id>")
    }

    /// The tenant id; `None` where there is none.
    ///
    /// # Errors
    /// Something else than a UUID or a domain name.
    pub fn tenant_id(&self) -> Result<Option<TenantId>, WrongValue> {
        self.parse(names::TENANT_ID, TenantId::ACCEPTED, "<the tenant id>")
    }

    /// The token's expiration; `None` where there is none.
    ///
    /// # Errors
    /// Something else than seconds within the bounds.
    pub fn token_expiration(&self) -> Result<Option<TokenExpiration>, WrongValue> {
        token_expiration(&self.annotations)
    }

    fn parse<T: std::str::FromStr>(
        &self,
        annotation: &'static str,
        accepted: &'static str,
        placeholder: &'static str,
    ) -> Result<Option<T>, WrongValue> {
        let Some(found) = self.annotations.value(annotation) else { return Ok(None) };
        found.parse().map(Some).map_err(|_| WrongValue {
            annotation,
            found: found.to_owned(),
            accepted: Cow::Borrowed(accepted),
            placeholder,
        })
    }
}

/// The token's expiration as an object's annotation has it; `None` where it says nothing.
///
/// # Errors
/// Something else than seconds within the bounds.
pub fn token_expiration(annotations: &Annotations) -> Result<Option<TokenExpiration>, WrongValue> {
    let Some(found) = annotations.value(names::TOKEN_EXPIRATION) else { return Ok(None) };
    found.parse().map(Some).map_err(|_| WrongValue {
        annotation: names::TOKEN_EXPIRATION,
        found: found.to_owned(),
        accepted: Cow::Owned(TokenExpiration::accepted()),
        placeholder: "3600",
    })
}

impl WrongValue {
    /// What is wrong, as `annotation … is "x", expected a UUID`.
    #[must_use]
    pub fn problem(&self) -> String {
        format!("annotation {} is {}, expected {}", self.annotation, quote(&self.found), self.accepted)
    }

    /// Refuses because of an annotation of this ServiceAccount.
    #[must_use]
    pub fn of_service_account(&self, reference: &Reference) -> Refusal {
        Refusal {
            object: reference.title(),
            problem: self.problem(),
            hint: "repair it with:",
            cure: reference.annotate(self.annotation, self.placeholder),
            code: Code::BadRequest,
            fault: Fault::Elsewhere,
        }
    }
}
