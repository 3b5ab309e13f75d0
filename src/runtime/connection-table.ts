/**
 * Counts open connections, in total and per client network, exactly and over all threads of the process. It is one
 * block of shared memory of fixed size: a lock, totals per thread, and an open-addressed table with one row per network
 * (64 bits of a keyed hash, then a count for each thread).
 *
 * Invariants: the table never grows; a row is removed when its counts reach zero; a network that finds no free row is
 * counted in the one overflow row, which has the same cap; the counts of a thread that died are removed when it starts
 * again (`forget`).
 */
import { randomBytes } from "node:crypto";
import { seededHash } from "./seeded-hash.ts";
import { SharedLock } from "./shared-lock.ts";

export interface ConnectionCaps {
  /** Connections in total. */
  readonly connections: number;
  /** Connections of one client network. */
  readonly connectionsPerClient: number;
  /** Connections of one address; if absent, addresses are not counted. */
  readonly connectionsPerAddress?: number;
}

interface Counted {
  readonly high: number;
  readonly low: number;
  readonly overflow: boolean;
}

/** Proof that one connection was counted; pass it to `release` once. */
export interface Ticket extends Counted {
  /** Present if the address is counted separately. */
  readonly address?: Counted;
}

type ConnectionAdmission =
  | { readonly kind: "admitted"; readonly ticket: Ticket }
  | { readonly kind: "refused"; readonly why: "total" | "client" | "address" };

/** Layout, in cells of 4 bytes; the totals begin at HEADER. */
const LOCK = 0;
const SEED = 1;
const SLOTS = 2;
const THREADS = 3;
const HEADER = 4;
/** Number of rows. */
const DEFAULT_SLOTS = 32_768;

/**
 * Makes the shared memory for `threads` threads; `slots` is the number of networks that can have a row of their own.
 */
export function connectionMemory(threads: number, slots = DEFAULT_SLOTS): SharedArrayBuffer {
  const cells = HEADER + 2 * threads + slots * (2 + threads);
  const memory = new SharedArrayBuffer(cells * 4);
  const view = new Int32Array(memory);
  view[SEED] = randomBytes(4).readInt32BE(0);
  view[SLOTS] = slots;
  view[THREADS] = threads;
  return memory;
}

/** One thread's view of the shared counts. */
export class ConnectionTable {
  readonly #cells: Int32Array;
  readonly #lock: SharedLock;
  readonly #thread: number;
  readonly #threads: number;
  readonly #slots: number;
  readonly #rows: number;

  /** `thread` is the number of this thread, from 0, below the number given to `connectionMemory`. */
  constructor(memory: SharedArrayBuffer, thread: number) {
    this.#cells = new Int32Array(memory);
    this.#thread = thread;
    this.#lock = new SharedLock(this.#cells, LOCK, thread);
    this.#slots = this.#cell(SLOTS);
    this.#threads = this.#cell(THREADS);
    this.#rows = HEADER + 2 * this.#threads;
  }

  /** Counts one connection of `network`, and of `address` if addresses have a cap, unless a cap is reached. */
  admit(network: string, caps: ConnectionCaps, address?: string): ConnectionAdmission {
    const own = this.#keyOf(network);
    const perAddress = address === undefined ? undefined : caps.connectionsPerAddress;
    const single = perAddress === undefined ? undefined : this.#keyOf(`address ${address}`);
    return this.#lock.hold(() => {
      if (this.#sum(HEADER) >= caps.connections) return { kind: "refused", why: "total" };
      if (this.#countOf(own) >= caps.connectionsPerClient) return { kind: "refused", why: "client" };
      if (single !== undefined && this.#countOf(single) >= (perAddress ?? 0))
        return { kind: "refused", why: "address" };
      this.#add(HEADER + this.#thread, 1);
      const ticket = this.#countOne(own);
      const more = single === undefined ? {} : { address: this.#countOne(single) };
      return { kind: "admitted", ticket: { ...ticket, ...more } };
    });
  }

  /** Removes one connection that this thread counted. */
  release(ticket: Ticket): void {
    this.#lock.hold(() => {
      this.#add(HEADER + this.#thread, -1);
      this.#uncount(ticket);
      if (ticket.address !== undefined) this.#uncount(ticket.address);
    });
  }

  /** Removes all connections that this thread still had counted when it died earlier. */
  forget(): void {
    this.#lock.hold(() => {
      this.#cells[HEADER + this.#thread] = 0;
      this.#cells[HEADER + this.#threads + this.#thread] = 0;
      this.#rebuild();
    });
  }

  /** Frees the lock if this thread died while holding it. Never waits. */
  freeLock(): void {
    this.#lock.free();
  }

  /** Returns the number of open connections. Never waits, so that the main thread may call it. */
  total(): number {
    return this.#sum(HEADER);
  }

  /** Returns the number of networks that have a row. */
  networks(): number {
    return this.#lock.hold(() => {
      let used = 0;
      for (let slot = 0; slot < this.#slots; slot++) if (this.#cell(this.#row(slot)) !== 0) used += 1;
      return used;
    });
  }

  #keyOf(text: string): readonly [high: number, low: number] {
    return [seededHash(text, this.#cell(SEED)) | 1, seededHash(text, ~this.#cell(SEED))];
  }

  #countOf([high, low]: readonly [number, number]): number {
    const row = this.#find(high, low);
    return this.#sum(row === -1 ? HEADER + this.#threads : row + 2);
  }

  #countOne([high, low]: readonly [number, number]): Counted {
    const row = this.#find(high, low);
    if (row !== -1) this.#cells.set([high, low], row);
    this.#add((row === -1 ? HEADER + this.#threads : row + 2) + this.#thread, 1);
    return { high, low, overflow: row === -1 };
  }

  #uncount({ high, low, overflow }: Counted): void {
    if (overflow) return this.#add(HEADER + this.#threads + this.#thread, -1);
    const row = this.#find(high, low);
    if (row === -1 || this.#cell(row) === 0) return;
    this.#add(row + 2 + this.#thread, -1);
    if (this.#sum(row + 2) === 0) this.#remove((row - this.#rows) / this.#width());
  }

  /** Returns the row of this key, else the first free row of its probe sequence, else -1. */
  #find(high: number, low: number): number {
    const home = this.#home(high, low);
    for (let step = 0; step < this.#slots; step++) {
      const row = this.#row((home + step) % this.#slots);
      if (this.#cell(row) === 0) return row;
      if (this.#cell(row) === high && this.#cell(row + 1) === low) return row;
    }
    return -1;
  }

  /** Empties a slot and moves later rows of the same run back, so that no search ends too early. */
  #remove(slot: number): void {
    let hole = slot;
    for (let step = 1; step < this.#slots; step++) {
      const next = (slot + step) % this.#slots;
      const row = this.#row(next);
      if (this.#cell(row) === 0) break;
      const home = this.#home(this.#cell(row), this.#cell(row + 1));
      if (distance(home, hole, this.#slots) > distance(home, next, this.#slots)) continue;
      this.#cells.copyWithin(this.#row(hole), row, row + this.#width());
      hole = next;
    }
    this.#cells.fill(0, this.#row(hole), this.#row(hole) + this.#width());
  }

  /**
   * Builds the table anew without this thread's counts, which also discards a change that it had begun when it died.
   */
  #rebuild(): void {
    const old = this.#cells.slice(this.#rows);
    this.#cells.fill(0, this.#rows);
    for (let at = 0; at < old.length; at += this.#width()) {
      const counts = old.subarray(at + 2, at + this.#width());
      counts[this.#thread] = 0;
      const row = counts.some((count) => count > 0) ? this.#find(old[at] ?? 0, old[at + 1] ?? 0) : -1;
      if (row === -1) continue;
      this.#cells.set(old.subarray(at, at + 2), row);
      counts.forEach((count, index) => this.#add(row + 2 + index, count));
    }
  }

  #sum(from: number): number {
    let sum = 0;
    for (let thread = 0; thread < this.#threads; thread++) sum += this.#cell(from + thread);
    return sum;
  }

  #add(index: number, amount: number): void {
    this.#cells[index] = this.#cell(index) + amount;
  }

  #cell(index: number): number {
    return this.#cells[index] ?? 0;
  }

  #width(): number {
    return 2 + this.#threads;
  }

  #row(slot: number): number {
    return this.#rows + slot * this.#width();
  }

  #home(high: number, low: number): number {
    return ((high ^ low) >>> 0) % this.#slots;
  }
}

function distance(from: number, to: number, slots: number): number {
  return (to - from + slots) % slots;
}
