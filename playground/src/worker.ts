// Judges in a thread of its own, so that a large text does not freeze the page, and can be stopped.
import { base64 } from "virtual:policy";
import { judge } from "./judge.ts";
import type { Json } from "./kubernetes.ts";

export interface Question {
  id: number;
  manifests: string;
  settings: Json;
  namespace: string;
  /** Another module than the policy: the tests have one that does not end. */
  module?: Uint8Array;
}

const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const module = WebAssembly.compile(bytes);

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  const start = performance.now();
  try {
    const chosen = data.module === undefined ? module : WebAssembly.compile(data.module as BufferSource);
    const judged = await judge(await chosen, data.manifests, data.settings, data.namespace);
    self.postMessage({ id: data.id, judged, milliseconds: performance.now() - start });
  } catch (error) {
    self.postMessage({ id: data.id, error: error instanceof Error ? error.message : String(error) });
  }
};
