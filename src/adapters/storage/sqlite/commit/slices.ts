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

/** `mail`: what an operator does to any number of mails; `rest`: all else. */
export type Line = "mail" | "rest";

interface Task<S> {
  readonly task: (store: S, batch: () => Batch) => Generator<void, unknown, void>;
  resolve(value: never): void;
  reject(error: Error): void;
  steps?: Generator<void, unknown, void>;
  /** A transaction that holds some of its steps is durable. */
  begun?: boolean;
  outcome?: { readonly value: unknown } | StoreFailure;
}

/**
 * Long tasks, those of one line one after the other, so that none sees another half done. The lines share the time:
 * what is done to a million mails holds back no primary that returns, no pause and no reload.
 */
export class SliceQueue<S extends Connected> {
  readonly #lines: Readonly<Record<Line, Task<S>[]>> = { mail: [], rest: [] };
  #batch = new Batch();
  #time = LEAST_TIME;

  /** How long the last commit took, in ms. */
  set lastCommit(took: number) {
    this.#time = Math.min(MOST_TIME, Math.max(LEAST_TIME, took * SHARE));
  }

  get empty(): boolean {
    return this.#lines.mail.length === 0 && this.#lines.rest.length === 0;
  }

  add(line: Line, task: Task<S>): void {
    this.#lines[line].push(task);
  }

  /** Works on the first tasks until the time is used up, inside the caller's transaction. */
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

  /** The transaction is durable: finished tasks are answered. */
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

  /** The transaction was undone; what began in it begins again, what began before cannot be turned back to there. */
  beginAgain(failure: Error): void {
    for (const tasks of this.#busy)
      for (const task of tasks.splice(0)) {
        if (task.begun === true) task.reject(failure);
        else tasks.push({ task: task.task, resolve: task.resolve, reject: task.reject });
      }
  }

  /** Gives up all tasks. */
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
