import type Database from "better-sqlite3";
import { Batch } from "./batch.ts";
import { failureOf, type StoreFailure } from "../disk/failure.ts";

/**
 * What long tasks may take of one turn, in ms; mail in flow waits no longer for them. Where the disk is slow, mail
 * waits for the commit as it is, and a quarter of that is taken, so that tasks need not wait for as many commits.
 */
const LEAST_TIME = 4;
const MOST_TIME = 20;
const SHARE = 0.25;

/** Statements on one connection; replaced as a whole when the connection is. */
export interface Connected {
  readonly database: Database.Database;
}

interface Task<S> {
  readonly task: (store: S, batch: () => Batch) => Generator<void, unknown, void>;
  resolve(value: never): void;
  reject(error: Error): void;
  steps?: Generator<void, unknown, void>;
  /** A transaction that holds some of its steps is durable. */
  begun?: boolean;
  outcome?: { readonly value: unknown } | StoreFailure;
}

/** Long tasks, one after the other, so that none sees another half done. */
export class SliceQueue<S extends Connected> {
  readonly #tasks: Task<S>[] = [];
  #batch = new Batch();
  #time = LEAST_TIME;

  /** How long the last commit took, in ms. */
  set lastCommit(took: number) {
    this.#time = Math.min(MOST_TIME, Math.max(LEAST_TIME, took * SHARE));
  }

  get empty(): boolean {
    return this.#tasks.length === 0;
  }

  add(task: Task<S>): void {
    this.#tasks.push(task);
  }

  /** Works on the first tasks until the time is used up, inside the caller's transaction. */
  step(store: S, batch: Batch): void {
    const end = performance.now() + this.#time;
    for (const task of this.#tasks) {
      this.#advance(store, task, batch, end);
      if (task.outcome === undefined || performance.now() >= end) return;
    }
  }

  /** The transaction is durable: finished tasks are answered. */
  answer(): void {
    while (this.#tasks[0]?.outcome !== undefined) {
      const { outcome, resolve, reject } = this.#tasks.shift() as Task<S>;
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome?.value as never);
    }
    for (const task of this.#tasks) task.begun = task.steps !== undefined;
  }

  /** The transaction was undone; what began in it begins again, what began before cannot be turned back to there. */
  beginAgain(failure: Error): void {
    for (const task of this.#tasks.splice(0)) {
      if (task.begun === true) task.reject(failure);
      else this.#tasks.push({ task: task.task, resolve: task.resolve, reject: task.reject });
    }
  }

  /** Gives up all tasks. */
  refuse(failure: Error): void {
    for (const task of this.#tasks.splice(0)) task.reject(failure);
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
