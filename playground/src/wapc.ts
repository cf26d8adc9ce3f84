// The waPC host: it calls a function of the guest and answers the guest's calls (wapc.io, "Specification"). A policy needs nothing else, but
// for random bytes of WASI.
import { WASI } from "@bjorn3/browser_wasi_shim";
import { wordsOf } from "./errors.ts";

/** What a host call is answered with; an exception's text is what the guest sees of a failure. */
export type HostCall = (binding: string, namespace: string, operation: string, payload: Uint8Array) => Uint8Array;

const text = new TextDecoder();
const bytes = new TextEncoder();

/** An instance of a module: its memory outlives a call. */
export class Guest {
  private operation: Uint8Array = new Uint8Array();
  private payload: Uint8Array = new Uint8Array();
  private response: Uint8Array | undefined;
  private failure: string | undefined;

  private constructor(private readonly exported: { memory: WebAssembly.Memory; wapc_init?: () => void; __guest_call: (operation: number, payload: number) => number }) {}

  /** Instantiates a module, as the PolicyServer does for each request. */
  static async start(module: WebAssembly.Module, host: HostCall): Promise<Guest> {
    let guest: Guest;
    let answer: Uint8Array = new Uint8Array();
    let refusal: Uint8Array = new Uint8Array();
    // A copy: the guest's memory can grow under a view.
    const read = (pointer: number, length: number) => new Uint8Array(guest.exported.memory.buffer, pointer, length).slice();
    const write = (pointer: number, data: Uint8Array) => new Uint8Array(guest.exported.memory.buffer).set(data, pointer);
    const wapc = {
      __guest_request(operation: number, payload: number) {
        write(operation, guest.operation);
        write(payload, guest.payload);
      },
      __guest_response(pointer: number, length: number) {
        guest.response = read(pointer, length);
      },
      __guest_error(pointer: number, length: number) {
        guest.failure = text.decode(read(pointer, length));
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
    guest = new Guest(instance.exports as unknown as Guest["exported"]);
    wasi.inst = { exports: guest.exported };
    guest.exported.wapc_init?.();
    return guest;
  }

  /** Calls a function; an exception's text is what the guest says of a failure. */
  bytes(operation: string, payload: Uint8Array): Uint8Array {
    [this.operation, this.payload, this.response, this.failure] = [bytes.encode(operation), payload, undefined, undefined];
    const done = this.exported.__guest_call(this.operation.length, this.payload.length);
    if (done !== 1 || this.response === undefined) throw new Error(this.failure ?? "the policy gave no answer");
    return this.response;
  }

  call(operation: string, payload: string): string {
    return text.decode(this.bytes(operation, bytes.encode(payload)));
  }
}

/** Calls `operation` of a fresh instance of `module`. */
export async function call(module: WebAssembly.Module, operation: string, payload: string, host: HostCall): Promise<string> {
  return (await Guest.start(module, host)).call(operation, payload);
}
