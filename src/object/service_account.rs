//! A ServiceAccount, as far as identity goes.

use crate::{
    json::{Cursor, Json, Malformed, Shape},
    object::{
        annotations::{Annotations, Unrecognized},
        metadata::{METADATA, Marks},
    },
    value::{
        identity::{ClientId, TenantId},
        names,
        reference::Reference,
        use_label::UseLabel,
    },
    verdict::facts::WrongValue,
};

/// Of a ServiceAccount only the metadata is looked into; `managedFields` alone can be larger than all the rest.
pub(crate) static SERVICE_ACCOUNT: Shape = Shape::Object(&[("metadata", &METADATA)]);

/// What a ServiceAccount says of its identity; wrong values are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Which one.
    pub(crate) reference: Reference,
    /// Its label.
    pub(crate) label: UseLabel,
    /// Its annotations.
    pub(crate) annotations: Annotations,
    /// Unrecognized labels and annotations that resemble those of workload identity.
    pub(crate) unrecognized: Unrecognized,
}

impl ServiceAccount {
    /// Reads a ServiceAccount that is written in `namespace`; one without a name is called by its `generateName`.
    ///
    /// # Errors
    /// No metadata, or something in it that is of another type.
    pub(crate) fn written(namespace: &str, object: &Json) -> Result<Self, Vec<Malformed>> {
        let root = Cursor::root("", object);
        let metadata = root.required("metadata", "an object")?;
        let text = |name| metadata.field(name)?.map(|at| at.as_text()).transpose();
        let name = match text("name")? {
            Some(name) => name.into_owned(),
            None => format!("{}*", text("generateName")?.unwrap_or_default()),
        };
        Self::read(Reference { namespace: namespace.into(), name: name.into() }, &root)
    }

    /// Reads the object's metadata.
    ///
    /// # Errors
    /// No metadata, or labels or annotations that are no objects of strings.
    pub(crate) fn read(reference: Reference, object: &Cursor<'_, '_>) -> Result<Self, Vec<Malformed>> {
        let metadata = object.required("metadata", "an object")?;
        let Marks { labels: [label], annotations, unrecognized } =
            Marks::read(&metadata, [names::USE_LABEL])?;
        Ok(Self { reference, label: UseLabel::from(label.as_deref()), annotations, unrecognized })
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
            && said(&metadata, "name", reference.name.as_str())
            && said(&metadata, "namespace", reference.namespace.as_str());
        if fits { Self::read(reference, &object).ok() } else { None }
    }

    /// The client ID; `None` where there is none.
    ///
    /// # Errors
    /// Something else than a UUID.
    pub(crate) fn client_id(&self) -> Result<Option<ClientId>, WrongValue> {
        self.annotations.parsed(names::CLIENT_ID)
    }

    /// The tenant ID; `None` where there is none.
    ///
    /// # Errors
    /// Something else than a UUID or a domain name.
    pub(crate) fn tenant_id(&self) -> Result<Option<TenantId>, WrongValue> {
        self.annotations.parsed(names::TENANT_ID)
    }
}
