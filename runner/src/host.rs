//! The module, and the host calls that it makes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::Value;
use wapc::WapcHost;
use wasmtime_provider::{WasmtimeEngineProviderBuilder, WasmtimeEngineProviderPre};

use check::policy::Finding;

use crate::response::{AdmissionResponse, ValidationResponse};

pub use check::policy::{GetResource, callback_failure};

/// Answers the look-ups of one evaluation; the error is the whole text that the guest sees.
pub type Answers = Arc<dyn Fn(&GetResource) -> Result<Vec<u8>, String> + Send + Sync>;

/// What one call cost in host calls, and what it logged.
#[derive(Debug, Clone, Default)]
pub struct HostCalls {
    /// The look-ups, in their order.
    pub look_ups: Vec<GetResource>,
    /// The log lines, as JSON.
    pub log: Vec<Value>,
}

/// Answers one host call, and notes it down.
///
/// # Errors
/// What the guest sees of a failure.
pub fn dispatch(
    call: (&str, &str, &str),
    payload: &[u8],
    seen: &mut HostCalls,
    answers: &Answers,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    match call {
        ("kubewarden", "tracing", "log") => {
            seen.log.push(serde_json::from_slice(payload)?);
            Ok(Vec::new())
        }
        ("kubewarden", "kubernetes", "get_resource") => {
            let request: GetResource = serde_json::from_slice(payload)?;
            seen.look_ups.push(request.clone());
            Ok(answers(&request)?)
        }
        (binding, namespace, operation) => {
            Err(format!("unknown operation: {binding} {namespace}/{operation}").into())
        }
    }
}

/// The user's folder for what can be made again (XDG Base Directory Specification); `None` without a home directory.
fn cache() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    folder.is_absolute().then(|| folder.join("azwi-policy"))
}

/// A compiled module, instantiated anew for each call as the PolicyServer does it.
pub struct Module {
    pre: WasmtimeEngineProviderPre,
}

/// The result of one evaluation.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// What the API server would get.
    pub response: AdmissionResponse,
    /// What the policy answered, if it was an answer.
    pub answer: Option<ValidationResponse>,
    /// The host calls.
    pub calls: HostCalls,
}

/// The result of one evaluation, with the findings as data.
#[derive(Debug, Clone)]
pub struct Examination {
    /// What the API server would get.
    pub response: AdmissionResponse,
    /// What the policy found.
    pub findings: Vec<Finding>,
    /// The host calls.
    pub calls: HostCalls,
}

impl Module {
    /// Compiles the module in the file `path`, or takes what was compiled of it before: wasmtime keeps that in the user's cache, by the
    /// module's digest, its own version and the processor.
    ///
    /// # Errors
    /// No such file, or no WebAssembly in it.
    pub fn from_file(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read the policy's module {}", path.display()))?;
        let builder = WasmtimeEngineProviderBuilder::new().module_bytes(&bytes);
        let builder = match cache() {
            Some(folder) => builder.enable_cache(Some(&folder)),
            None => builder,
        };
        let pre = builder.build_pre().with_context(|| format!("{} is not a policy", path.display()))?;
        Ok(Self { pre })
    }

    /// Compiles a module, every time anew.
    ///
    /// # Errors
    /// No WebAssembly.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let pre = WasmtimeEngineProviderBuilder::new().module_bytes(bytes).build_pre()?;
        Ok(Self { pre })
    }

    /// A fresh instance, whose host calls are answered by `answers`.
    ///
    /// # Errors
    /// The module imports what no policy host has.
    pub fn instance(&self, answers: Answers) -> Result<Instance> {
        let calls = Arc::new(Mutex::new(HostCalls::default()));
        let seen = Arc::clone(&calls);
        let callback = move |_id: u64, binding: &str, namespace: &str, operation: &str, payload: &[u8]| {
            // Answered outside of the lock: a look-up may take its time.
            let mut own = HostCalls::default();
            let outcome = dispatch((binding, namespace, operation), payload, &mut own, &answers);
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.look_ups.append(&mut own.look_ups);
            seen.log.append(&mut own.log);
            outcome
        };
        let provider = self.pre.rehydrate(None)?;
        let host = WapcHost::new(Box::new(provider), Some(Box::new(callback)))?;
        Ok(Instance { host, calls })
    }

    /// What the policy says of these settings.
    ///
    /// # Errors
    /// It says nothing that a host would understand.
    pub fn validate_settings(&self, settings: &Value) -> Result<Result<(), String>> {
        #[derive(Deserialize)]
        struct Answer {
            valid: bool,
            message: Option<String>,
        }
        let instance = self.instance(Arc::new(|request: &GetResource| Err(request.not_granted())))?;
        let answer = instance.host.call("validate_settings", settings.to_string().as_bytes());
        let answer = match answer {
            Ok(answer) => serde_json::from_slice::<Answer>(&answer)?,
            Err(error) => return Ok(Err(format!("Error invoking settings validation callback: {error:?}"))),
        };
        Ok(if answer.valid { Ok(()) } else { Err(answer.message.unwrap_or_default()) })
    }

    /// Runs one admission request through the policy, and returns its findings as data. Other policies have no such function, so only their
    /// answer is used.
    ///
    /// # Errors
    /// The module can't be instantiated, or its findings are none that this program knows.
    pub fn examine(&self, settings: &Value, request: &Value, answers: Answers) -> Result<Examination> {
        #[derive(Deserialize)]
        struct Found {
            response: ValidationResponse,
            findings: Vec<Finding>,
        }
        let instance = self.instance(Arc::clone(&answers))?;
        let payload = serde_json::json!({"request": request, "settings": settings}).to_string();
        let uid = request.get("uid").and_then(Value::as_str).unwrap_or_default();
        match instance.call("findings", payload.as_bytes()) {
            Ok(found) => {
                let Found { response, findings } =
                    serde_json::from_slice(&found).context("the module's findings can't be read")?;
                let response = AdmissionResponse::of(uid, request.get("object"), &response)?;
                Ok(Examination { response, findings, calls: instance.calls() })
            }
            Err(error) if error.to_string().contains("No handler registered") => {
                let Evaluation { response, calls, .. } = self.evaluate(settings, request, answers)?;
                let findings = unnamed(&response);
                Ok(Examination { response, findings, calls })
            }
            Err(error) => {
                let response = AdmissionResponse::internal_error(uid, &error.to_string());
                let findings = unnamed(&response);
                Ok(Examination { response, findings, calls: instance.calls() })
            }
        }
    }

    /// Asks the policy's function `findings`, with the payload of a question; the look-ups are noted down.
    ///
    /// # Errors
    /// The module can't be instantiated, or its findings are none that this program knows.
    pub fn ask(&self, payload: &str, answers: &Answers) -> Result<check::policy::Examination> {
        use check::policy::Examination;
        let instance = self.instance(Arc::clone(answers))?;
        let examination = match instance.call("findings", payload.as_bytes()) {
            Ok(found) => serde_json::from_slice::<Examination>(&found)
                .context("the module's findings can't be read")?,
            // Another policy has no such function.
            Err(error) if error.to_string().contains("No handler registered") => {
                match instance.call("validate", payload.as_bytes()) {
                    Ok(answer) => Examination::unnamed(serde_json::from_slice(&answer)?),
                    Err(error) => Examination::failed(&error.to_string()),
                }
            }
            Err(error) => Examination::failed(&error.to_string()),
        };
        Ok(Examination { look_ups: instance.calls().look_ups, ..examination })
    }

    /// Puts one admission request through the policy.
    ///
    /// # Errors
    /// The module can't be instantiated; a trap or an error of the policy is a response, as in a cluster.
    pub fn evaluate(&self, settings: &Value, request: &Value, answers: Answers) -> Result<Evaluation> {
        let instance = self.instance(answers)?;
        let payload = serde_json::json!({"request": request, "settings": settings}).to_string();
        let uid = request.get("uid").and_then(Value::as_str).unwrap_or_default();
        let (response, answer) = match instance.call("validate", payload.as_bytes()) {
            Ok(bytes) => match serde_json::from_slice::<ValidationResponse>(&bytes) {
                Ok(answer) => (AdmissionResponse::of(uid, request.get("object"), &answer)?, Some(answer)),
                Err(error) => (AdmissionResponse::internal_error(uid, &error.to_string()), None),
            },
            Err(error) => (AdmissionResponse::internal_error(uid, &error.to_string()), None),
        };
        Ok(Evaluation { response, answer, calls: instance.calls() })
    }
}

/// What a policy says that exports no findings.
fn unnamed(response: &AdmissionResponse) -> Vec<Finding> {
    let answer = ValidationResponse {
        accepted: response.allowed,
        message: Some(response.message().to_owned()),
        warnings: response.warnings.clone(),
        ..ValidationResponse::default()
    };
    check::policy::Examination::unnamed(answer).findings
}

/// An instance of a module: its memory outlives a call.
pub struct Instance {
    host: WapcHost,
    calls: Arc<Mutex<HostCalls>>,
}

impl Instance {
    /// Calls one of the policy's functions.
    ///
    /// # Errors
    /// The policy answers with an error, or traps.
    pub fn call(&self, operation: &str, payload: &[u8]) -> Result<Vec<u8>> {
        self.host.call(operation, payload).map_err(|error| anyhow!("{error}"))
    }

    /// The host calls since the last time this was asked.
    #[must_use]
    pub fn calls(&self) -> HostCalls {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
