// Judges in a thread of its own, so that a large text does not freeze the page, and can be stopped.
import { judge, type Judged, type Question } from "./judge.ts";
import type { Modules } from "./modules.ts";
import { wordsOf } from "./errors.ts";

/** What the worker says: the answer, why there is none, or that it is still at work. */
export type Answered = { judged: Judged } | { error: string } | { working: true };

/** How often it says that it is at work, in milliseconds. */
const BEAT = 500;

const say = (answer: Answered) => self.postMessage(answer);

self.onmessage = async ({ data: { question, modules } }: MessageEvent<{ question: Question; modules: Modules }>) => {
  try {
    let said = performance.now();
    const judged = await judge(modules, question, () => {
      if (performance.now() - said < BEAT) return;
      said = performance.now();
      say({ working: true });
    });
    say({ judged });
  } catch (error) {
    say({ error: wordsOf(error) });
  }
};
