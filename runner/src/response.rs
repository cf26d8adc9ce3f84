//! What the policy answers, and what the host makes of it for the API server.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use check::policy::ValidationResponse;

/// Kubernetes' `AdmissionResponse`, field by field as kwctl prints it (policy-evaluator `admission_response.rs`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionResponse {
    /// The request's.
    pub uid: String,
    /// Whether it is allowed.
    pub allowed: bool,
    /// `JSONPatch`, where there is a patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_type: Option<String>,
    /// The patch, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Audit annotations.
    pub audit_annotations: Option<BTreeMap<String, String>>,
    /// Warnings.
    pub warnings: Option<Vec<String>>,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

impl AdmissionResponse {
    /// What the host makes of an answer: the difference of the objects becomes a JSON patch.
    ///
    /// # Errors
    /// A patch that can't be written as JSON.
    pub fn of(uid: &str, object: Option<&Value>, answer: &ValidationResponse) -> Result<Self> {
        let patch = match (object, &answer.mutated_object) {
            (Some(object), Some(mutated)) => {
                let patch = json_patch::diff(object, mutated);
                (!patch.0.is_empty()).then(|| serde_json::to_string(&patch)).transpose()?
            }
            (None, Some(_)) => {
                let message = "Incoming object is null, which happens only with DELETE operations, but the policy is attempting a mutation. This is not allowed";
                let status = Some(Status { message: Some(message.to_owned()), code: None });
                return Ok(Self { status, ..Self::bare(uid, false) });
            }
            (_, None) => None,
        };
        let status = (answer.message.is_some() || answer.code.is_some())
            .then(|| Status { message: answer.message.clone(), code: answer.code });
        Ok(Self {
            patch_type: patch.as_ref().map(|_| "JSONPatch".to_owned()),
            patch: patch.map(|patch| STANDARD.encode(patch)),
            status,
            audit_annotations: answer.audit_annotations.clone(),
            warnings: answer.warnings.clone(),
            ..Self::bare(uid, answer.accepted)
        })
    }

    /// What the host says of an error or a trap of the policy.
    #[must_use]
    pub fn internal_error(uid: &str, error: &str) -> Self {
        let message = Some(format!("internal server error: {error}"));
        Self { status: Some(Status { message, code: Some(500) }), ..Self::bare(uid, false) }
    }

    fn bare(uid: &str, allowed: bool) -> Self {
        Self {
            uid: uid.to_owned(),
            allowed,
            patch_type: None,
            patch: None,
            status: None,
            audit_annotations: None,
            warnings: None,
        }
    }

    /// The patch, decoded; `None` where there is none.
    ///
    /// # Errors
    /// It is not JSON patch in base64.
    pub fn decoded_patch(&self) -> Result<Option<json_patch::Patch>> {
        let Some(patch) = &self.patch else { return Ok(None) };
        let bytes = STANDARD.decode(patch).context("the patch is not base64")?;
        Ok(Some(serde_json::from_slice(&bytes).context("the patch is not a JSON patch")?))
    }

    /// The object after the patch, as the API server would store it.
    ///
    /// # Errors
    /// A patch that does not fit the object.
    pub fn apply(&self, object: &Value) -> Result<Value> {
        let mut object = object.clone();
        if let Some(patch) = self.decoded_patch()? {
            json_patch::patch(&mut object, &patch)?;
        }
        Ok(object)
    }

    /// Why it is refused.
    #[must_use]
    pub fn message(&self) -> &str {
        self.status.as_ref().and_then(|status| status.message.as_deref()).unwrap_or_default()
    }
}
