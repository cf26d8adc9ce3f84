// The worker: one question at a time, of several that wait only the newest is asked, and a new worker where one does not answer.
import type { Judged, Question } from "./judge.ts";
import { type Modules, modules as own } from "./modules.ts";
import type { Answered } from "./worker.ts";
import JudgeWorker from "./worker.ts?worker&inline";

/** How long the worker may take for an object, in milliseconds: the PolicyServer's own limit is five seconds. */
const LIMIT = 5_000;

/** The answer to a question; nothing if a newer question replaced it. */
type Done = Judged | undefined;

interface Waiting {
  question: Question;
  modules: Modules;
  resolve: (done: Done) => void;
  reject: (error: Error) => void;
}

let worker = new JudgeWorker();
let asked: Waiting | undefined;
let next: Waiting | undefined;

/** Asks, with another module than the policy where there is one: the tests have one that does not end. */
export async function ask(question: Question, module?: BufferSource): Promise<Done> {
  const { policy, engine } = await own;
  const modules = { engine, policy: module === undefined ? policy : await WebAssembly.compile(module) };
  return new Promise((resolve, reject) => {
    next?.resolve(undefined);
    next = { question, modules, resolve, reject };
    if (asked === undefined) send();
  });
}

function send() {
  [asked, next] = [next, undefined];
  if (asked === undefined) return;
  const { question, modules, resolve, reject } = asked;
  let timer = setTimeout(stop, LIMIT);
  function end(then: () => void) {
    clearTimeout(timer);
    [worker.onmessage, worker.onerror] = [null, null];
    then();
    send();
  }
  function stop() {
    worker.terminate();
    worker = new JudgeWorker();
    end(() => reject(new Error(`no answer within ${LIMIT / 1000} seconds: it was stopped`)));
  }
  worker.onmessage = ({ data }: MessageEvent<Answered>) => {
    if ("judged" in data) end(() => resolve(data.judged));
    else if ("error" in data) end(() => reject(new Error(data.error)));
    else {
      clearTimeout(timer);
      timer = setTimeout(stop, LIMIT);
    }
  };
  worker.onerror = ({ message }) => end(() => reject(new Error(message)));
  worker.postMessage({ question, modules });
}
