/**
 * Counts the activity of client networks in the current period, exactly and over all threads of the process, in one
 * block of shared memory of fixed size with a row per network (64 bits of a keyed hash, the period, five counts).
 * Periods are fixed sections of the clock, so within any span of that length a network gets at most twice its cap.
 *
 * Invariants: the table never grows; if the eight rows of a bucket are taken and a ninth network needs one, the row
 * with the lowest counts is replaced, so that a client cannot get rid of a high count by connecting from other
 * networks.
 */
import { randomBytes } from "node:crypto";
import { seededHash } from "./seeded-hash.ts";
import { SharedLock } from "./shared-lock.ts";

const RATED = ["connections", "mails", "recipients", "refusedRecipients", "kibibytes"] as const;
export type Rated = (typeof RATED)[number];

export interface RateRequest {
  readonly network: string;
  readonly what: Rated;
  /** Amount to add; 0 only asks, without counting. */
  readonly amount: number;
  /** A request that would raise the count above this is refused. */
  readonly cap: number;
  /** Number of the period: time divided by its length, rounded down. */
  readonly period: number;
}

/** Layout, and the width of a row, in cells of 4 bytes. */
const LOCK = 0;
const SEED = 1;
const HEADER = 2;
const ROW = 3 + RATED.length;
/** Number of buckets, chosen by hash, and number of rows in a bucket. */
const PLACES = 2048;
const WAYS = 8;
/** The largest count of a cell. */
const MOST = 2 ** 31 - 1;

export function rateMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((HEADER + PLACES * WAYS * ROW) * 4);
  new Int32Array(memory)[SEED] = randomBytes(4).readInt32BE(0);
  return memory;
}

interface RowKey {
  readonly high: number;
  readonly low: number;
  readonly period: number;
}

function placeOf({ high, low }: RowKey): number {
  return HEADER + (((high ^ low) >>> 0) % PLACES) * WAYS * ROW;
}

/** One thread's view of the shared counts. */
export class RateTable {
  readonly #cells: Int32Array;
  readonly #lock: SharedLock;

  constructor(memory: SharedArrayBuffer, thread: number) {
    this.#cells = new Int32Array(memory);
    this.#lock = new SharedLock(this.#cells, LOCK, thread);
  }

  /** Counts all of these requests and returns true; if one would exceed its cap, counts nothing and returns false. */
  take(...requests: readonly RateRequest[]): boolean {
    const keys = requests.map((request) => this.#keyOf(request));
    return this.#lock.hold(() => {
      const cells: number[] = [];
      let before = -1;
      for (const [at, { what, amount, cap }] of requests.entries()) {
        before = this.#row(keys[at] as RowKey, before);
        const cell = before + 3 + RATED.indexOf(what);
        if (this.#cell(cell) + amount > cap) return false;
        cells.push(cell);
      }
      for (const [at, { amount }] of requests.entries()) {
        const cell = cells[at] as number;
        this.#cells[cell] = Math.min(this.#cell(cell) + amount, MOST);
      }
      return true;
    });
  }

  /** Returns the count of a network in a period. It only reads, so no row is replaced. */
  count(request: Pick<RateRequest, "network" | "what" | "period">): number {
    const key = this.#keyOf(request);
    return this.#lock.hold(() => {
      const place = placeOf(key);
      for (let row = place; row < place + WAYS * ROW; row += ROW)
        if (this.#holds(row, key)) return this.#cell(row + 3 + RATED.indexOf(request.what));
      return 0;
    });
  }

  /** Frees the lock if this thread died while holding it. Never waits. */
  freeLock(): void {
    this.#lock.free();
  }

  /**
   * Returns the row of this network in this period. A row that is new or from an earlier period starts at zero; the row
   * `kept` is never replaced.
   */
  #row(key: RowKey, kept: number): number {
    const { high, low, period } = key;
    const place = placeOf(key);
    let victim = place;
    let least = Infinity;
    for (let way = 0; way < WAYS; way++) {
      const row = place + way * ROW;
      if (this.#holds(row, key)) return row;
      const weight = this.#cell(row + 2) === period ? this.#sum(row) : -1;
      if (weight < least && row !== kept) [victim, least] = [row, weight];
    }
    this.#cells.fill(0, victim, victim + ROW);
    this.#cells.set([high, low, period], victim);
    return victim;
  }

  #keyOf({ network, period }: Pick<RateRequest, "network" | "period">): RowKey {
    const seed = this.#cell(SEED);
    const [high, low] = [seededHash(network, seed), seededHash(network, ~seed)];
    // A cell has 32 bits; periods are only compared for equality.
    return { high, low, period: period | 0 };
  }

  #holds(row: number, { high, low, period }: RowKey): boolean {
    return this.#cell(row) === high && this.#cell(row + 1) === low && this.#cell(row + 2) === period;
  }

  #sum(row: number): number {
    let sum = 0;
    for (let at = row + 3; at < row + ROW; at++) sum += this.#cell(at);
    return sum;
  }

  #cell(index: number): number {
    return this.#cells[index] ?? 0;
  }
}
