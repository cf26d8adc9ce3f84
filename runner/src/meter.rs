//! What a call costs in numbers that are the same at every run: wasm instructions (wasmtime's fuel), host calls, memory.
//!
//! The host's own provider counts none of these, so this is a second, smaller waPC host (waPC's protocol: `wapc-guest`
//! 1.2, `src/lib.rs`). Random bytes are fixed, or the seeds of hash maps would change the count.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use wasmtime::{Caller, Config, Engine, Extern, InstancePre, Linker, Memory, Module, Store, TypedFunc};
use wasmtime_wasi::{WasiCtxBuilder, p1::WasiP1Ctx};

use crate::host::{Answers, HostCalls, dispatch};

struct Guest {
    wasi: WasiP1Ctx,
    operation: Vec<u8>,
    request: Vec<u8>,
    response: Vec<u8>,
    error: Vec<u8>,
    host_response: Vec<u8>,
    host_error: Vec<u8>,
    answers: Answers,
    calls: HostCalls,
}

/// A module that is compiled with its instructions counted.
pub struct Meter {
    pre: InstancePre<Guest>,
    engine: Engine,
}

/// An instance of a metered module.
pub struct Instance {
    store: Store<Guest>,
    call: TypedFunc<(i32, i32), i32>,
    memory: Memory,
}

/// What one call cost.
#[derive(Debug)]
pub struct Cost {
    /// Wasm instructions, in wasmtime's unit of fuel: the same for the same module and input.
    pub instructions: u64,
    /// The answer, or the guest's error.
    pub answer: Result<Vec<u8>, String>,
    /// The host calls.
    pub calls: HostCalls,
    /// The guest's whole memory after the call, in bytes; it never shrinks, so this is its peak.
    pub memory: u64,
}

impl Meter {
    /// Compiles a module.
    ///
    /// # Errors
    /// No WebAssembly, or imports that no policy host has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config).map_err(|error| anyhow!("{error:#}"))?;
        let module = Module::new(&engine, bytes).map_err(|error| anyhow!("{error:#}"))?;
        let pre = linker(&engine)
            .and_then(|linker| linker.instantiate_pre(&module))
            .map_err(|error| anyhow!("{error:#}"))?;
        Ok(Self { pre, engine })
    }

    /// A fresh instance.
    ///
    /// # Errors
    /// It is not a policy.
    pub fn instance(&self, answers: Answers) -> Result<Instance> {
        let guest = Guest {
            wasi: WasiCtxBuilder::new().build_p1(),
            operation: Vec::new(),
            request: Vec::new(),
            response: Vec::new(),
            error: Vec::new(),
            host_response: Vec::new(),
            host_error: Vec::new(),
            answers,
            calls: HostCalls::default(),
        };
        let mut store = Store::new(&self.engine, guest);
        let wrong = |error: wasmtime::Error| anyhow!("{error:#}");
        store.set_fuel(u64::MAX).map_err(wrong)?;
        let instance = self.pre.instantiate(&mut store).map_err(wrong)?;
        for name in ["_initialize", "_start", "wapc_init"] {
            if let Ok(start) = instance.get_typed_func::<(), ()>(&mut store, name) {
                start.call(&mut store, ()).map_err(wrong)?;
            }
        }
        let call = instance
            .get_typed_func(&mut store, "__guest_call")
            .map_err(wrong)
            .context("it is not a waPC guest")?;
        let memory = instance.get_memory(&mut store, "memory").context("it exports no memory")?;
        Ok(Instance { store, call, memory })
    }
}

impl Instance {
    /// Calls one of the policy's functions.
    ///
    /// # Errors
    /// It traps.
    pub fn call(&mut self, operation: &str, payload: &[u8]) -> Result<Cost> {
        let wrong = |error: wasmtime::Error| anyhow!("{error:#}");
        let guest = self.store.data_mut();
        guest.operation = operation.as_bytes().to_vec();
        guest.request = payload.to_vec();
        guest.response.clear();
        guest.error.clear();
        self.store.set_fuel(u64::MAX).map_err(wrong)?;
        let lengths = (i32::try_from(operation.len())?, i32::try_from(payload.len())?);
        let status = self.call.call(&mut self.store, lengths).map_err(wrong)?;
        let instructions = u64::MAX - self.store.get_fuel().map_err(wrong)?;
        let memory = self.memory.data_size(&self.store) as u64;
        let guest = self.store.data_mut();
        let answer = if status == 1 {
            Ok(std::mem::take(&mut guest.response))
        } else {
            Err(String::from_utf8_lossy(&guest.error).into_owned())
        };
        Ok(Cost { instructions, answer, calls: std::mem::take(&mut guest.calls), memory })
    }

    /// Answers the look-ups that follow.
    pub fn set_answers(&mut self, answers: Answers) {
        self.store.data_mut().answers = answers;
    }
}

type Outcome<T> = wasmtime::Result<T>;

fn memory(caller: &mut Caller<'_, Guest>) -> Outcome<Memory> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => Err(wasmtime::Error::msg("the guest exports no memory")),
    }
}

fn read(caller: &mut Caller<'_, Guest>, at: i32, length: i32) -> Outcome<Vec<u8>> {
    let memory = memory(caller)?;
    let mut bytes = vec![0; usize::try_from(length)?];
    memory.read(&caller, usize::try_from(at)?, &mut bytes)?;
    Ok(bytes)
}

fn write(caller: &mut Caller<'_, Guest>, at: i32, bytes: &[u8]) -> Outcome<()> {
    let memory = memory(caller)?;
    Ok(memory.write(caller, usize::try_from(at)?, bytes)?)
}

fn length(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}

/// waPC's nine functions and WASI's.
fn linker(engine: &Engine) -> Outcome<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p1::add_to_linker_sync(&mut linker, |guest: &mut Guest| &mut guest.wasi)?;
    linker.allow_shadowing(true);
    let random = |mut caller: Caller<'_, Guest>, at: i32, length: i32| -> Outcome<i32> {
        let bytes = vec![7; usize::try_from(length)?];
        write(&mut caller, at, &bytes).map(|()| 0)
    };
    linker.func_wrap("wasi_snapshot_preview1", "random_get", random)?;
    linker.func_wrap(
        "wapc",
        "__guest_request",
        |mut caller: Caller<'_, Guest>, operation: i32, payload: i32| -> Outcome<()> {
            let (name, request) =
                (caller.data().operation.clone(), std::mem::take(&mut caller.data_mut().request));
            write(&mut caller, operation, &name)?;
            write(&mut caller, payload, &request)
        },
    )?;
    linker.func_wrap("wapc", "__guest_response", |mut caller: Caller<'_, Guest>, at: i32, length: i32| {
        read(&mut caller, at, length).map(|bytes| caller.data_mut().response = bytes)
    })?;
    linker.func_wrap("wapc", "__guest_error", |mut caller: Caller<'_, Guest>, at: i32, length: i32| {
        read(&mut caller, at, length).map(|bytes| caller.data_mut().error = bytes)
    })?;
    linker.func_wrap("wapc", "__console_log", |_: Caller<'_, Guest>, _: i32, _: i32| {})?;
    linker.func_wrap("wapc", "__host_call", host_call)?;
    host_results(&mut linker)?;
    Ok(linker)
}

/// How the guest fetches what a host call has given.
fn host_results(linker: &mut Linker<Guest>) -> Outcome<()> {
    linker.func_wrap("wapc", "__host_response_len", |caller: Caller<'_, Guest>| {
        length(&caller.data().host_response)
    })?;
    linker.func_wrap("wapc", "__host_response", |mut caller: Caller<'_, Guest>, at: i32| -> Outcome<()> {
        let bytes = std::mem::take(&mut caller.data_mut().host_response);
        write(&mut caller, at, &bytes)
    })?;
    linker.func_wrap("wapc", "__host_error_len", |caller: Caller<'_, Guest>| {
        length(&caller.data().host_error)
    })?;
    linker.func_wrap("wapc", "__host_error", |mut caller: Caller<'_, Guest>, at: i32| -> Outcome<()> {
        let bytes = std::mem::take(&mut caller.data_mut().host_error);
        write(&mut caller, at, &bytes)
    })?;
    Ok(())
}

#[allow(clippy::too_many_arguments)] // waPC's signature
fn host_call(
    mut caller: Caller<'_, Guest>,
    binding: i32,
    binding_length: i32,
    namespace: i32,
    namespace_length: i32,
    operation: i32,
    operation_length: i32,
    payload: i32,
    payload_length: i32,
) -> Outcome<i32> {
    let mut text =
        |at, length| read(&mut caller, at, length).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let names = (
        text(binding, binding_length)?,
        text(namespace, namespace_length)?,
        text(operation, operation_length)?,
    );
    let payload = read(&mut caller, payload, payload_length)?;
    let guest = caller.data_mut();
    let answers = Arc::clone(&guest.answers);
    match dispatch((&names.0, &names.1, &names.2), &payload, &mut guest.calls, &answers) {
        Ok(response) => {
            guest.host_response = response;
            Ok(1)
        }
        Err(error) => {
            // As `wapc::ModuleState::do_host_call` has it.
            guest.host_error = format!("Host error: {error}").into_bytes();
            Ok(0)
        }
    }
}

/// Calls `operation` on a fresh instance.
///
/// # Errors
/// It traps, or is not a policy.
pub fn once(meter: &Meter, operation: &str, payload: &[u8], answers: Answers) -> Result<Cost> {
    let cost = meter.instance(answers)?.call(operation, payload)?;
    if let Err(error) = &cost.answer {
        bail!("the policy answers with an error: {error}");
    }
    Ok(cost)
}
