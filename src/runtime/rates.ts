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

export const RATED = ["connections", "mails", "recipients", "refusedRecipients", "kibibytes"] as const;
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

const LOCK = 0;
const SEED = 1;
const HEADER = 2;
const WAYS = 8;
const ROW = 3 + RATED.length;
const PLACES = 2048;
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

function placeOf(high: number, low: number): number {
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

  /** Counts, unless that would pass the cap: then nothing is counted and it answers false. */
  take(request: RateRequest): boolean {
    const seed = this.#cell(SEED);
    const high = seededHash(request.network, seed);
    const low = seededHash(request.network, ~seed);
    return this.#lock.hold(() => {
      // A cell has 32 bits, and only equality counts.
      const row = this.#row(high, low, request.period | 0);
      const at = row + 3 + RATED.indexOf(request.what);
      const count = this.#cell(at) + request.amount;
      if (count > request.cap) return false;
      this.#cells[at] = Math.min(count, MOST);
      return true;
    });
  }

  /** What a network has counted in a period; looks only, so that no row gives way. */
  count({ network, what, period }: Pick<RateRequest, "network" | "what" | "period">): number {
    const seed = this.#cell(SEED);
    const high = seededHash(network, seed);
    const low = seededHash(network, ~seed);
    return this.#lock.hold(() => {
      const place = placeOf(high, low);
      for (let row = place; row < place + WAYS * ROW; row += ROW)
        if (this.#holds(row, { high, low, period: period | 0 }))
          return this.#cell(row + 3 + RATED.indexOf(what));
      return 0;
    });
  }

  /** Frees the lock that a dead thread may hold. */
  forget(thread: number): void {
    this.#lock.freeFrom(thread);
  }

  /** The row of this network in this period; a new or outlived one begins at zero. */
  #row(high: number, low: number, period: number): number {
    const place = placeOf(high, low);
    let victim = place;
    let least = Infinity;
    for (let way = 0; way < WAYS; way++) {
      const row = place + way * ROW;
      if (this.#holds(row, { high, low, period })) return row;
      const weight = this.#cell(row + 2) === period ? this.#sum(row) : -1;
      if (weight < least) [victim, least] = [row, weight];
    }
    this.#cells.fill(0, victim, victim + ROW);
    this.#cells.set([high, low, period], victim);
    return victim;
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
