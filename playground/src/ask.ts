// The worker: one question at a time, and a new worker where one does not answer.
import type { Judged } from "./judge.ts";
import type { Json } from "./kubernetes.ts";
import JudgeWorker from "./worker.ts?worker&inline";

/** How long the worker may take, in milliseconds: the PolicyServer's own limit is five seconds. */
const LIMIT = 5_000;
let worker = new JudgeWorker();
let last = 0;
/** The number of the newest question. */
export const newest = () => last;

export interface Answered {
  judged: Judged;
  milliseconds: number;
}

export function ask(manifests: string, settings: Json, namespace: string, module?: Uint8Array): Promise<Answered> {
  last += 1;
  const id = last;
  return new Promise((resolve, reject) => {
    const asked = worker;
    const timer = setTimeout(() => {
      asked.terminate();
      if (worker === asked) worker = new JudgeWorker();
      reject(new Error(`no answer within ${LIMIT / 1000} seconds: it was stopped`));
    }, LIMIT);
    asked.addEventListener("message", function answer({ data }: MessageEvent) {
      if (data.id !== id) return;
      clearTimeout(timer);
      asked.removeEventListener("message", answer);
      if (data.error === undefined) resolve(data as Answered);
      else reject(new Error(data.error as string));
    });
    asked.postMessage({ id, manifests, settings, namespace, module });
  });
}
