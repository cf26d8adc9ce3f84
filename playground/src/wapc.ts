// The waPC host: it calls a function of the guest and answers the guest's calls (wapc.io, "Specification"). A policy needs nothing else, but
// for random bytes of WASI.
import { WASI } from "@bjorn3/browser_wasi_shim";
import { wordsOf } from "./errors.ts";

/** What a host call is answered with; an exception's text is what the guest sees of a failure. */
export type HostCall = (binding: string, namespace: string, operation: string, payload: Uint8Array) => Uint8Array;

const text = new TextDecoder();
const bytes = new TextEncoder();

/** Calls `operation` of a fresh instance of `module`, as the PolicyServer does for each request. */
export async function call(module: WebAssembly.Module, operation: string, payload: string, host: HostCall): Promise<string> {
  const request = { operation: bytes.encode(operation), payload: bytes.encode(payload) };
  let response: Uint8Array | undefined;
  let failure: string | undefined;
  let answer: Uint8Array = new Uint8Array();
  let refusal: Uint8Array = new Uint8Array();
  let memory: WebAssembly.Memory;
  // A copy: the guest's memory can grow under a view.
  const read = (pointer: number, length: number) => new Uint8Array(memory.buffer, pointer, length).slice();
  const write = (pointer: number, data: Uint8Array) => new Uint8Array(memory.buffer).set(data, pointer);
  const wapc = {
    __guest_request(operation: number, payload: number) {
      write(operation, request.operation);
      write(payload, request.payload);
    },
    __guest_response(pointer: number, length: number) {
      response = read(pointer, length);
    },
    __guest_error(pointer: number, length: number) {
      failure = text.decode(read(pointer, length));
    },
    __host_call(b: number, bLength: number, n: number, nLength: number, o: number, oLength: number, p: number, pLength: number): number {
      const word = (pointer: number, length: number) => text.decode(read(pointer, length));
      try {
        answer = host(word(b, bLength), word(n, nLength), word(o, oLength), read(p, pLength));
        return 1;
      } catch (error) {
        refusal = bytes.encode(wordsOf(error));
        return 0;
      }
    },
    __host_response: (pointer: number) => write(pointer, answer),
    __host_response_len: () => answer.length,
    __host_error: (pointer: number) => write(pointer, refusal),
    __host_error_len: () => refusal.length,
    __console_log() {},
  };
  const wasi = new WASI([], [], []);
  const instance = await WebAssembly.instantiate(module, { wapc, wasi_snapshot_preview1: wasi.wasiImport });
  const guest = instance.exports as unknown as {
    memory: WebAssembly.Memory;
    wapc_init?: () => void;
    __guest_call: (operation: number, payload: number) => number;
  };
  memory = guest.memory;
  wasi.inst = { exports: guest };
  guest.wapc_init?.();
  const done = guest.__guest_call(request.operation.length, request.payload.length);
  if (done !== 1 || response === undefined) {
    throw new Error(failure ?? "the policy gave no answer");
  }
  return text.decode(response);
}
