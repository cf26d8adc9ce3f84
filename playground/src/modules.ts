// The two modules: the policy, byte for byte as it is released, and the engine, which is the crate check.
import { policy, engine } from "virtual:modules";

async function unpacked(base64: string): Promise<WebAssembly.Module> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(stream).arrayBuffer());
}

export interface Modules {
  policy: WebAssembly.Module;
  engine: WebAssembly.Module;
}

/** Both, compiled: once for the page and its worker. */
export const modules: Promise<Modules> = Promise.all([unpacked(policy), unpacked(engine)]).then(([policy, engine]) => ({ policy, engine }));
