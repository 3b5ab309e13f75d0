/**
 * Counts what a client network did in the current period, exactly and over all threads of the process: one fixed
 * piece of shared memory with a row a network (64 bits of a keyed hash, the period, five counts). Periods are cut
 * from the clock, so that within any stretch of that length a network gets at most twice its cap.
 *
 * Invariants: the table never grows; where eight networks share the eight rows of a place and a ninth comes, the row
 * that counted least gives way, so that nobody gets rid of a high count by bringing others.
 */
import { randomBytes } from "node:crypto";
import { seededHash } from "./seeded-hash.ts";
import { SharedLock } from "./shared-lock.ts";

const RATED = ["connections", "mails", "recipients", "refusedRecipients", "kibibytes"] as const;
export type Rated = (typeof RATED)[number];

export interface RateRequest {
  readonly network: string;
  readonly what: Rated;
  /** How many; 0 asks without counting. */
  readonly amount: number;
  /** Counts above it are refused. */
  readonly cap: number;
  /** Number of the period: time divided by its length, rounded down. */
  readonly period: number;
}

/** Where things lie, and the width of a row, in cells of 4 bytes. */
const LOCK = 0;
const SEED = 1;
const HEADER = 2;
const ROW = 3 + RATED.length;
/** Places that a hash may choose, and rows of one place. */
const PLACES = 2048;
const WAYS = 8;
/** What a cell counts to. */
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

  /** Counts all of these, unless one would pass its cap: then nothing is counted and it answers false. */
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

  /** What a network has counted in a period; looks only, so that no row gives way. */
  count(request: Pick<RateRequest, "network" | "what" | "period">): number {
    const key = this.#keyOf(request);
    return this.#lock.hold(() => {
      const place = placeOf(key);
      for (let row = place; row < place + WAYS * ROW; row += ROW)
        if (this.#holds(row, key)) return this.#cell(row + 3 + RATED.indexOf(request.what));
      return 0;
    });
  }

  /** Frees the lock when this thread has died. Never waits. */
  freeLock(): void {
    this.#lock.free();
  }

  /** The row of this network in this period; a new or outlived one begins at zero, but not in place of `kept`. */
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
    // A cell has 32 bits, and only equality counts.
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
