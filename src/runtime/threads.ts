/**
 * Starts worker threads. Each gets its data and a control port, and calls `serveControl` when it is ready, or ends with
 * an error; a thread that does neither in time is ended.
 */
import {
  MessageChannel,
  parentPort,
  Worker,
  workerData,
  type MessagePort,
  type Transferable,
} from "node:worker_threads";
import type { Clock } from "./clock.ts";
import { timeInWords } from "./quantities.ts";
import { explainNoThread } from "./thread-limit.ts";
import { withinSteps } from "./within-steps.ts";
import { openChannel, serveChannel, type Caller, type Methods } from "./channel.ts";

export interface ThreadPlan {
  readonly name: string;
  readonly entry: URL;
  /** Module that runs before the entry is loaded. */
  readonly before?: URL;
  /** Megabytes of V8's nursery for new objects: whenever it is full, the objects still in use are moved. */
  readonly nursery: number;
  /** Makes new data for each start, because ports in it are moved to the thread. */
  readonly data: () => ThreadData;
  /** Ms that the thread may take to become ready. */
  readonly patience: number;
}

/** Data for a thread: `value` is cloned into it, except for the objects in `moved`. */
export interface ThreadData {
  readonly value: unknown;
  readonly moved: readonly Transferable[];
}

/** The thread neither became ready nor ended in time. */
export class ThreadHangs extends Error {
  override readonly name = "ThreadHangs";
  /** True if it does not end either: it is blocked in a system call, and the process cannot exit in an orderly way. */
  readonly stuck: boolean;

  constructor({ name, patience }: ThreadPlan, stuck: boolean) {
    super(
      `the ${name} thread was not ready within ${timeInWords(patience)}; either the machine is far too busy, or a disk ` +
        "or network file system does not answer: look at them, then start again",
    );
    this.stuck = stuck;
  }
}

/** The thread was told to end and does not: it is blocked in a system call. */
export class ThreadStuck extends Error {
  override readonly name = "ThreadStuck";
  /** The process cannot exit in an orderly way either. */
  readonly stuck = true;

  constructor(thread: string) {
    super(
      `the ${thread} thread does not end: it stands in a call of the system, most likely for a disk that does not answer`,
    );
  }
}

/** The thread was told to finish, and took no turn for `silence` ms. */
export class ThreadSilent extends Error {
  override readonly name = "ThreadSilent";

  constructor(thread: string, silence: number) {
    super(
      `the ${thread} thread did not answer for ${timeInWords(silence)}, so it was ended; nothing that was accepted is lost`,
    );
  }
}

export interface Thread<M extends Methods> {
  readonly control: Caller<M>;
  /** Resolves when the thread has ended, with its exit code and the error, if there was one. */
  readonly ended: Promise<ThreadEnd>;
  /** Resolves as soon as the thread takes a turn; rejects with ChannelClosed once it has ended. */
  answers(): Promise<void>;
  terminate(): Promise<void>;
}

export interface ThreadEnd {
  readonly code: number;
  readonly error?: Error;
}

/** Method that every thread serves besides its own. */
type Alive = { alive(): void };

interface Envelope {
  readonly control: MessagePort;
  readonly value: unknown;
}

/** Ms that a thread may take to end when it is told to. */
const TO_END = 2000;

/** Starts a thread and waits until it is ready; rejects if it ends before that, or does neither in time. */
export async function startThread<M extends Methods>(plan: ThreadPlan, clock: Clock): Promise<Thread<M>> {
  const thread = beginThread<M>(plan, clock);
  await thread.ready;
  return thread;
}

/** A thread that may not be ready yet. Calls to it are kept in its port until then. */
export interface BegunThread<M extends Methods> extends Thread<M> {
  /** Resolves when the thread is ready; rejects if it ends before that, or does neither in time. */
  readonly ready: Promise<void>;
}

/** Starts a thread without waiting for it. */
export function beginThread<M extends Methods>(plan: ThreadPlan, clock: Clock): BegunThread<M> {
  const { port1, port2 } = new MessageChannel();
  const { value, moved } = plan.data();
  const envelope: Envelope = { control: port2, value };
  const worker = makeWorker(plan, envelope, [port2, ...moved]);
  const control = openChannel<M>(port1);
  port1.unref();
  const ended = endOf(worker);
  const failed = ended.then((end) => failStart(plan.name, end));
  const started = withinSteps(plan.patience, Promise.race([saysReady(worker), failed]), clock);
  const ready = started.then(async (outcome) => {
    if (outcome !== "late") return;
    // Otherwise callers of a stuck thread would wait for ever.
    control.close();
    throw new ThreadHangs(plan, !(await ends(worker, clock)));
  });
  return {
    control,
    ready,
    ended,
    answers: () => (control as unknown as Caller<Alive>).call("alive"),
    terminate: async () => void (await worker.terminate()),
  };
}

function makeWorker(plan: ThreadPlan, envelope: Envelope, transferList: Transferable[]): Worker {
  try {
    return new Worker(plan.entry, {
      name: plan.name,
      workerData: envelope,
      transferList,
      ...(plan.before !== undefined && { execArgv: ["--import", plan.before.href] }),
      // V8's limit counts two halves, and as much again for large objects.
      resourceLimits: { maxYoungGenerationSizeMb: 3 * plan.nursery },
    });
  } catch (error) {
    throw explainNoThread(plan.name, error);
  }
}

function saysReady(worker: Worker): Promise<"ready"> {
  return new Promise((resolve) => {
    worker.once("message", () => resolve("ready"));
  });
}

/** Terminates the thread; says whether it ended in time. */
async function ends(worker: Worker, clock: Clock): Promise<boolean> {
  return (await withinSteps(TO_END, worker.terminate(), clock)) !== "late";
}

function failStart(name: string, end: ThreadEnd): never {
  throw end.error ?? new Error(`the ${name} thread ended with code ${end.code} before it was ready`);
}

function endOf(worker: Worker): Promise<ThreadEnd> {
  return new Promise((resolve) => {
    let error: Error | undefined;
    // There may be two errors: a thread that runs out of memory while it ends by another error reports both.
    worker.on("error", (thrown) => {
      error ??= thrown instanceof Error ? thrown : new Error(String(thrown));
    });
    worker.once("exit", (code) => resolve(error === undefined ? { code } : { code, error }));
  });
}

/** Inside a thread: returns the data with which it was started. */
export function threadData<T>(): T {
  return (workerData as Envelope).value as T;
}

/** Inside a thread: serves the control methods and tells the starter that the thread is ready. */
export function serveControl<M extends Methods>(methods: M): void {
  serveChannel<M & Alive>((workerData as Envelope).control, { ...methods, alive: () => undefined });
  parentPort?.postMessage("ready");
}
