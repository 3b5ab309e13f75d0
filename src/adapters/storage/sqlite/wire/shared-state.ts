import type { StoreCondition } from "../../../../ports/store-condition.ts";
import { FILTER_BYTES, RefusedFilter } from "./refused-filter.ts";

/**
 * Shared memory with the store's condition, its room, its newest directory generation, and the filter of refused
 * addresses. The storage thread writes it; all threads read it directly. Only the mark that the storage thread does not
 * respond is written by another thread.
 */
export type SharedState = SharedArrayBuffer;

const CONDITIONS: readonly StoreCondition[] = ["ok", "full", "sick"];

/** Bytes before the filter. */
const HEAD = 24;

export function makeSharedState(): SharedState {
  return new SharedArrayBuffer(HEAD + FILTER_BYTES);
}

/** Returns the filter. Its hash is not secret: collisions that strangers produce only cause needless queries. */
export function refusedFilter(shared: SharedState): RefusedFilter {
  return new RefusedFilter(shared, HEAD);
}

interface Cells {
  /** An index into CONDITIONS. */
  readonly condition: Int32Array;
  /** 1 while the storage thread does not answer. */
  readonly silent: Int32Array;
  /** Bytes. */
  readonly room: BigInt64Array;
  /** The newest generation plus 1; 0 before the first one is written. */
  readonly generation: Int32Array;
}

/** Made only once, because the state is read at every command. */
const cells = new WeakMap<SharedState, Cells>();

function cellsOf(shared: SharedState): Cells {
  const known = cells.get(shared);
  if (known !== undefined) return known;
  const made = {
    condition: new Int32Array(shared, 0, 1),
    silent: new Int32Array(shared, 4, 1),
    room: new BigInt64Array(shared, 8, 1),
    generation: new Int32Array(shared, 16, 1),
  };
  cells.set(shared, made);
  return made;
}

/** Returns `sick` also while the storage thread does not respond. */
export function readCondition(shared: SharedState): StoreCondition {
  const { condition, silent } = cellsOf(shared);
  if (Atomics.load(silent, 0) === 1) return "sick";
  return CONDITIONS[Atomics.load(condition, 0)] ?? "sick";
}

export function writeSilence(shared: SharedState, silent: boolean): void {
  Atomics.store(cellsOf(shared).silent, 0, silent ? 1 : 0);
}

export function writeCondition(shared: SharedState, condition: StoreCondition): void {
  Atomics.store(cellsOf(shared).condition, 0, CONDITIONS.indexOf(condition));
}

/** Returns the free bytes above the reserve; never negative. */
export function readRoom(shared: SharedState): number {
  return Number(Atomics.load(cellsOf(shared).room, 0));
}

export function writeRoom(shared: SharedState, bytes: number): void {
  Atomics.store(cellsOf(shared).room, 0, BigInt(Math.max(0, Math.floor(bytes))));
}

/** Returns the directory's newest generation; undefined before the first one is written. */
export function readGeneration(shared: SharedState): number | undefined {
  const told = Atomics.load(cellsOf(shared).generation, 0);
  return told === 0 ? undefined : told - 1;
}

export function writeGeneration(shared: SharedState, generation: number): void {
  Atomics.store(cellsOf(shared).generation, 0, generation + 1);
}
