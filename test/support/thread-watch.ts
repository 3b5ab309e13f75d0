import type { Worker } from "node:worker_threads";

/** Every thread that this process starts, while in scope. */
export function watchThreads(): { readonly named: (name: string) => readonly Worker[] } & Disposable {
  const workers: { name: string | null; worker: Worker }[] = [];
  // A thread that has ended has no name any more.
  const keep = (worker: Worker): void => void workers.push({ name: worker.threadName, worker });
  process.on("worker", keep);
  return {
    named: (wanted) => workers.filter(({ name }) => name === wanted).map(({ worker }) => worker),
    [Symbol.dispose]: () => void process.off("worker", keep),
  };
}
