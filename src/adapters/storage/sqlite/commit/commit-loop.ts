/**
 * Group commit. Every job that waits at the moment when a turn begins runs in one transaction; one flush makes all
 * of them durable; then all answers go out.
 *
 * Jobs run in the order settle, claim, accept, slices. A plain job has no savepoint, because savepoints cost: when
 * one fails for its own fault, the transaction is undone and run again with a savepoint a job, and only the guilty
 * one is refused. A long task is a generator; it gets a few milliseconds at the end of each turn.
 */
import type Database from "better-sqlite3";
import type { Clock } from "../../../../runtime/clock.ts";
import { Batch } from "./batch.ts";
import { StoreFailure, failureOf } from "../disk/failure.ts";
import { isUndone } from "../disk/wal.ts";
import { SliceQueue, type Connected, type Line } from "./slices.ts";

export type Rank = "settle" | "claim" | "accept";

const RANKS: readonly Rank[] = ["settle", "claim", "accept"];

/** Bounds of one transaction, for each rank: how many jobs, and bytes of theirs. */
const MAX_JOBS = 1000;
const MAX_BYTES = 32 * 1024 * 1024;

export interface Job<S, T = unknown> {
  readonly rank: Rank;
  /** Bytes that it writes, about. */
  readonly bytes: number;
  /** Wall time in ms after which the job must not begin. */
  readonly deadline?: number;
  /** Runs inside the transaction, possibly twice. */
  run(store: S, batch: Batch): T;
}

type Result = { readonly value: unknown } | StoreFailure;

interface Waiting<S> {
  readonly job: Job<S>;
  readonly answer: (result: Result) => void;
  /** What it came to, until the transaction is durable. */
  result?: Result;
}

interface LoopParts<S> {
  readonly clock: Clock;
  /** Undefined while the store is sick. */
  readonly store: () => S | undefined;
  /** What a failed statement comes to. */
  readonly judge: (error: unknown) => StoreFailure;
  /** A commit succeeded, before the answers go out. */
  readonly onCommitted: (store: S, batch: Batch, bytes: number) => void;
  /** The disk refused; `sick` has closed the connection when this returns. */
  readonly onTrouble: (failure: StoreFailure) => void;
  /** A transaction in which steps of long tasks may have run was rolled back. */
  readonly onSlicesUndone: (store: S) => void;
  /** Gives up space that was kept for what cannot wait; false when there is none left. */
  readonly makeRoom: () => boolean;
  /** After each turn; `idle` when nothing waits. */
  readonly onTurnEnd: (idle: boolean) => void;
}

export class CommitLoop<S extends Connected> {
  readonly #parts: LoopParts<S>;
  readonly #queues: Record<Rank, Waiting<S>[]> = { settle: [], claim: [], accept: [] };
  readonly #slices = new SliceQueue<S>();
  #scheduled = false;

  constructor(parts: LoopParts<S>) {
    this.#parts = parts;
  }

  /** Resolves when the job's transaction is durable; rejects with StoreFailure. */
  submit<T>(job: Job<S, T>): Promise<T> {
    return new Promise<T>((resolve, reject) =>
      this.#add(job, (result) => {
        if (result instanceof StoreFailure) reject(result);
        else resolve(result.value as T);
      }),
    );
  }

  /** The same for jobs that came together: resolves when all are answered, with what went wrong for each. */
  submitAll(jobs: readonly Job<S>[]): Promise<readonly (StoreFailure | undefined)[]> {
    return new Promise((resolve) => {
      const failures: (StoreFailure | undefined)[] = [];
      let open = jobs.length;
      for (const [i, job] of jobs.entries())
        this.#add(job, (result) => {
          failures[i] = result instanceof StoreFailure ? result : undefined;
          open -= 1;
          if (open === 0) resolve(failures);
        });
    });
  }

  /** Runs a long task in slices; each `yield` is a place where a transaction may end. */
  submitSlices<T>(
    task: (store: S, batch: () => Batch) => Generator<void, T, void>,
    line: Line = "rest",
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#slices.add(line, { task, resolve, reject });
      this.#schedule();
    });
  }

  get idle(): boolean {
    return this.#slices.empty && RANKS.every((rank) => this.#queues[rank].length === 0);
  }

  #add(job: Job<S>, answer: Waiting<S>["answer"]): void {
    this.#queues[job.rank].push({ job, answer });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    const store = this.#parts.store();
    const jobs = this.#take();
    if (store === undefined) {
      const failure = new StoreFailure("sick", "the store is out of order");
      this.#refuse(jobs, failure);
      this.#slices.refuse(failure);
    } else this.#runTurn(store, jobs);
    if (!this.idle) this.#schedule();
    this.#parts.onTurnEnd(this.idle);
  }

  /** The jobs of one turn, within bounds; those whose deadline has passed are refused here. */
  #take(): Waiting<S>[] {
    const now = this.#parts.clock.now();
    const jobs: Waiting<S>[] = [];
    for (const rank of RANKS) {
      const queue = this.#queues[rank];
      let bytes = 0;
      let taken = 0;
      while (taken < queue.length && taken < MAX_JOBS && bytes < MAX_BYTES) {
        const waiting = queue[taken] as Waiting<S>;
        const { deadline = Infinity } = waiting.job;
        taken += 1;
        if (now > deadline)
          waiting.answer(new StoreFailure("late", "the deadline passed before the transaction began"));
        else {
          bytes += waiting.job.bytes;
          jobs.push(waiting);
        }
      }
      queue.splice(0, taken);
    }
    return jobs;
  }

  #runTurn(store: S, jobs: readonly Waiting<S>[]): void {
    if (jobs.length === 0 && this.#slices.empty) return;
    let failure = this.#transaction(store, jobs, false);
    if (failure?.why === "row") failure = this.#transaction(store, jobs, true);
    if (failure === undefined) return;
    this.#parts.onTrouble(failure);
    if (failure.why === "full") this.#runWithoutAccepts(store, jobs, failure);
    else this.#refuseAll(jobs, failure);
  }

  /** On a full disk the reserve leaves room for closing attempts, which frees space; or else the ballast does. */
  #runWithoutAccepts(store: S, jobs: readonly Waiting<S>[], full: StoreFailure): void {
    const isAccept = ({ job }: Waiting<S>): boolean => job.rank === "accept";
    this.#refuse(jobs.filter(isAccept), full);
    const rest = jobs.filter((waiting) => !isAccept(waiting));
    let failure: StoreFailure | undefined = full;
    do {
      this.#slices.beginAgain(failure);
      if (rest.length === 0 && this.#slices.empty) return;
      failure = this.#transaction(store, rest, true);
    } while (failure?.why === "full" && this.#parts.makeRoom());
    if (failure === undefined) return;
    this.#parts.onTrouble(failure);
    this.#refuseAll(rest, failure);
  }

  #refuseAll(jobs: readonly Waiting<S>[], failure: StoreFailure): void {
    this.#slices.refuse(failure);
    this.#refuse(jobs, failure);
  }

  /** One transaction over all jobs; with `careful` each has a savepoint. Answers why nothing was committed. */
  #transaction(store: S, jobs: readonly Waiting<S>[], careful: boolean): StoreFailure | undefined {
    const batch = new Batch();
    const { database } = store;
    let jobsDone = false;
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const waiting of jobs) {
        if (careful) runCarefully(store, waiting, batch);
        else waiting.result = { value: waiting.job.run(store, batch) };
      }
      jobsDone = true;
      this.#slices.step(store, batch);
      const begun = performance.now();
      database.exec("COMMIT");
      this.#slices.lastCommit = performance.now() - begun;
    } catch (error) {
      rollBack(database);
      batch.rolledBack();
      if (jobsDone && !this.#slices.empty) this.#parts.onSlicesUndone(store);
      const failure = this.#parts.judge(error);
      // A fault that is no job's own, seen only at the commit, leaves nothing to be trusted.
      const inDoubt = jobsDone && (failure.why === "row" || !isUndone(database, error));
      return inDoubt ? new StoreFailure("sick", failure.message, error) : failure;
    }
    this.#parts.onCommitted(
      store,
      batch,
      jobs.reduce((bytes, { job }) => bytes + job.bytes, 0),
    );
    batch.committed();
    this.#answer(jobs);
    this.#slices.answer();
    return undefined;
  }

  #answer(jobs: readonly Waiting<S>[]): void {
    for (const { answer, result } of jobs) if (result !== undefined) answer(result);
  }

  #refuse(jobs: readonly Waiting<S>[], failure: StoreFailure): void {
    for (const { answer } of jobs) answer(failure);
  }
}

/** Runs one job in a savepoint; its own fault is kept for its answer, the disk's is thrown. */
function runCarefully<S extends Connected>(store: S, waiting: Waiting<S>, batch: Batch): void {
  const { database } = store;
  const own = new Batch();
  database.exec("SAVEPOINT job");
  try {
    waiting.result = { value: waiting.job.run(store, own) };
    batch.absorb(own);
  } catch (error) {
    own.rolledBack();
    const failure = failureOf(error);
    if (failure.why !== "row") throw failure;
    waiting.result = failure;
    database.exec("ROLLBACK TO job");
  }
  database.exec("RELEASE job");
}

function rollBack(database: Database.Database): void {
  try {
    if (database.inTransaction) database.exec("ROLLBACK");
  } catch {
    // The connection is about to be closed, or SQLite has rolled back by itself.
  }
}
