import type { StoreCondition } from "../../../../ports/store-condition.ts";
import { FILTER_BYTES, RefusedFilter } from "./refused-filter.ts";

/**
 * Condition, room and newest directory of the store, and which addresses primaries may have refused: written by the
 * storage thread, read by all threads without asking. That the storage thread is silent, somebody else must write.
 */
export type SharedState = SharedArrayBuffer;

const CONDITIONS: readonly StoreCondition[] = ["ok", "full", "sick"];

/** Bytes of all that comes before the filter. */
const HEAD = 24;

export function makeSharedState(): SharedState {
  return new SharedArrayBuffer(HEAD + FILTER_BYTES);
}

/** The filter in it; its bits are not secret, so strangers who make them collide only make us look. */
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
  /** The newest and 1; 0 before it was first told. */
  readonly generation: Int32Array;
}

/** Read at every command, so they are made once. */
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

/** A store that does not answer is as good as one that the disk refused. */
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

/** Bytes above the reserve; never negative. */
export function readRoom(shared: SharedState): number {
  return Number(Atomics.load(cellsOf(shared).room, 0));
}

export function writeRoom(shared: SharedState, bytes: number): void {
  Atomics.store(cellsOf(shared).room, 0, BigInt(Math.max(0, Math.floor(bytes))));
}

/** The directory's newest generation; undefined before it was first told. */
export function readGeneration(shared: SharedState): number | undefined {
  const told = Atomics.load(cellsOf(shared).generation, 0);
  return told === 0 ? undefined : told - 1;
}

export function writeGeneration(shared: SharedState, generation: number): void {
  Atomics.store(cellsOf(shared).generation, 0, generation + 1);
}
