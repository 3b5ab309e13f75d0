/**
 * Group commit. All jobs that wait when a turn begins run in one transaction; one flush makes all of them durable;
 * then all answers are sent.
 *
 * Jobs run in the order settle, claim, accept, slices. Plain jobs have no savepoints, because savepoints cost time. If
 * a job fails by its own fault, the transaction is rolled back and run again with a savepoint for each job, and only
 * the faulty job is refused. A long task is a generator; it gets a few milliseconds at the end of each turn.
 */
import type Database from "better-sqlite3";
import type { Clock } from "../../../../runtime/clock.ts";
import { Batch } from "./batch.ts";
import { StoreFailure, failureOf } from "../disk/failure.ts";
import { isUndone } from "../disk/wal.ts";
import { SliceQueue, type Connected, type Line } from "./slices.ts";

export type Rank = "settle" | "claim" | "accept";

const RANKS: readonly Rank[] = ["settle", "claim", "accept"];

/** Most jobs, and bytes of jobs, of each rank in one transaction. */
const MAX_JOBS = 1000;
const MAX_BYTES = 32 * 1024 * 1024;

export interface Job<S, T = unknown> {
  readonly rank: Rank;
  /** Approximate number of bytes that it writes. */
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
  /** The job's result, kept until the transaction is durable. */
  result?: Result;
}

interface LoopParts<S> {
  readonly clock: Clock;
  /** Undefined while the store is sick. */
  readonly store: () => S | undefined;
  /** Classifies the error of a failed statement. */
  readonly judge: (error: unknown) => StoreFailure;
  /** Called after a successful commit, before the answers are sent. */
  readonly onCommitted: (store: S, batch: Batch, bytes: number) => void;
  /** Called when the disk fails; after `sick` the connection is closed when this returns. */
  readonly onTrouble: (failure: StoreFailure) => void;
  /** Called when a transaction in which steps of long tasks may have run was rolled back. */
  readonly onSlicesUndone: (store: S) => void;
  /** Releases space that is reserved for writes that cannot wait; returns false if nothing is left of it. */
  readonly makeRoom: () => boolean;
  /** Called after each turn; `idle` if no job waits. */
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

  /** Submits several jobs; resolves when all are answered, with the failure of each, or undefined. */
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

  /** Runs a long task in slices; a transaction may end at each `yield`. */
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

  /** Takes the jobs of one turn, within the bounds; refuses those whose deadline has passed. */
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

  /** Runs a turn again on a full disk. The reserve, or else the ballast, has room for settling, which frees space. */
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

  /** Runs all jobs in one transaction; `careful` gives each a savepoint. Returns why nothing was committed, if so. */
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
      // An error of the COMMIT itself is no job's fault, and whether the transaction is on the disk is unknown.
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

/** Runs one job in a savepoint; keeps an error of its own for its answer, and throws an error of the disk. */
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
    // The connection will be closed, or SQLite has already rolled back.
  }
}
