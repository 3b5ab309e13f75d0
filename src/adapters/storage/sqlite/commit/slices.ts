import type Database from "better-sqlite3";
import { Batch } from "./batch.ts";
import { failureOf, type StoreFailure } from "../disk/failure.ts";

/**
 * Time in ms that long tasks get in one turn; mail waits for them no longer than that. On a slow disk, mail waits for
 * the commit anyway, so tasks get a quarter of the commit's time and need fewer commits.
 */
const LEAST_TIME = 4;
const MOST_TIME = 20;
const SHARE = 0.25;

/** Prepared statements of one connection; all are replaced together with the connection. */
export interface Connected {
  readonly database: Database.Database;
}

/** `mail` is for operators' changes of any number of mails; `rest` is for everything else. */
export type Line = "mail" | "rest";

interface Task<S> {
  readonly task: (store: S, batch: () => Batch) => Generator<void, unknown, void>;
  resolve(value: never): void;
  reject(error: Error): void;
  steps?: Generator<void, unknown, void>;
  /** Some of its steps are durable. */
  begun?: boolean;
  outcome?: { readonly value: unknown } | StoreFailure;
}

/**
 * Queues of long tasks. Tasks of one line run one after the other, so that none sees another half done. The lines share
 * the time, so that a change of a million mails does not delay a returning primary, a pause or a reload.
 */
export class SliceQueue<S extends Connected> {
  readonly #lines: Readonly<Record<Line, Task<S>[]>> = { mail: [], rest: [] };
  #batch = new Batch();
  #time = LEAST_TIME;

  /** Sets how long the last commit took, in ms. */
  set lastCommit(took: number) {
    this.#time = Math.min(MOST_TIME, Math.max(LEAST_TIME, took * SHARE));
  }

  get empty(): boolean {
    return this.#lines.mail.length === 0 && this.#lines.rest.length === 0;
  }

  add(line: Line, task: Task<S>): void {
    this.#lines[line].push(task);
  }

  /** Runs steps of the first tasks until the time is used up, inside the caller's transaction. */
  step(store: S, batch: Batch): void {
    const lines = this.#busy;
    for (const tasks of lines) {
      const end = performance.now() + this.#time / lines.length;
      for (const task of tasks) {
        this.#advance(store, task, batch, end);
        if (task.outcome === undefined || performance.now() >= end) break;
      }
    }
  }

  /** Call it when the transaction is durable: answers the finished tasks. */
  answer(): void {
    for (const tasks of this.#busy) {
      while (tasks[0]?.outcome !== undefined) {
        const { outcome, resolve, reject } = tasks.shift() as Task<S>;
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome?.value as never);
      }
      for (const task of tasks) task.begun = task.steps !== undefined;
    }
  }

  /** Call it after a rollback: restarts tasks that began in this transaction, and rejects those that began earlier. */
  beginAgain(failure: Error): void {
    for (const tasks of this.#busy)
      for (const task of tasks.splice(0)) {
        if (task.begun === true) task.reject(failure);
        else tasks.push({ task: task.task, resolve: task.resolve, reject: task.reject });
      }
  }

  /** Rejects all tasks. */
  refuse(failure: Error): void {
    for (const tasks of this.#busy) for (const task of tasks.splice(0)) task.reject(failure);
  }

  /** Lines with tasks. */
  get #busy(): readonly Task<S>[][] {
    return Object.values(this.#lines).filter((tasks) => tasks.length > 0);
  }

  #advance(store: S, task: Task<S>, batch: Batch, end: number): void {
    const { database } = store;
    database.exec("SAVEPOINT slice");
    this.#batch = new Batch();
    try {
      task.steps ??= task.task(store, () => this.#batch);
      for (;;) {
        const step = task.steps.next();
        if (step.done === true) task.outcome = { value: step.value };
        if (step.done === true || performance.now() >= end) break;
      }
      batch.absorb(this.#batch);
    } catch (error) {
      this.#batch.rolledBack();
      const failure = failureOf(error);
      if (failure.why !== "row") throw failure;
      task.outcome = failure;
      database.exec("ROLLBACK TO slice");
    }
    database.exec("RELEASE slice");
  }
}
