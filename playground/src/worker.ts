// Judges in a thread of its own, so that a large text does not freeze the page, and can be stopped.
import { base64 } from "virtual:policy";
import { judge, type Judged, type Question } from "./judge.ts";
import { wordsOf } from "./errors.ts";

/** What the worker says: the answer, why there is none, or that it is still at work. */
export type Answered = { judged: Judged } | { error: string } | { working: true };

/** How often it says that it is at work, in milliseconds. */
const BEAT = 500;

const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const policy = WebAssembly.compile(bytes);
const say = (answer: Answered) => self.postMessage(answer);

self.onmessage = async ({ data }: MessageEvent<Question & { module?: Uint8Array }>) => {
  try {
    const module = await (data.module === undefined ? policy : WebAssembly.compile(data.module as BufferSource));
    let said = performance.now();
    const judged = await judge(module, data, () => {
      if (performance.now() - said < BEAT) return;
      said = performance.now();
      say({ working: true });
    });
    say({ judged });
  } catch (error) {
    say({ error: wordsOf(error) });
  }
};
