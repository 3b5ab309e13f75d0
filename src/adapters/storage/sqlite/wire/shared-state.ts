import type { StoreCondition } from "../../../../ports/store-condition.ts";
import { FILTER_BYTES, RefusedFilter } from "./refused-filter.ts";

/**
 * Condition, room and newest directory of the store, and which addresses primaries may have refused: written by the
 * storage thread, read by all threads without asking.
 */
export type SharedState = SharedArrayBuffer;

const CONDITIONS: readonly StoreCondition[] = ["ok", "full", "sick"];
const CONDITION_AT = 0;
const ROOM_AT = 1;
const GENERATION_AT = 2;

/** Bytes of all that comes before the filter. */
const HEAD = 24;

export function makeSharedState(): SharedState {
  return new SharedArrayBuffer(HEAD + FILTER_BYTES);
}

/** The filter in it; its bits are not secret, so strangers who make them collide only make us look. */
export function refusedFilter(shared: SharedState): RefusedFilter {
  return new RefusedFilter(shared, HEAD);
}

/** Asked for at every command, so the views are made once. */
const views = new WeakMap<SharedState, Int32Array>();

function viewOf(shared: SharedState): Int32Array {
  let view = views.get(shared);
  if (view === undefined) views.set(shared, (view = new Int32Array(shared)));
  return view;
}

export function readCondition(shared: SharedState): StoreCondition {
  return CONDITIONS[Atomics.load(viewOf(shared), CONDITION_AT)] ?? "sick";
}

export function writeCondition(shared: SharedState, condition: StoreCondition): void {
  Atomics.store(viewOf(shared), CONDITION_AT, CONDITIONS.indexOf(condition));
}

/** Bytes above the reserve; never negative. */
export function readRoom(shared: SharedState): number {
  return Number(Atomics.load(new BigInt64Array(shared), ROOM_AT));
}

export function writeRoom(shared: SharedState, bytes: number): void {
  Atomics.store(new BigInt64Array(shared), ROOM_AT, BigInt(Math.max(0, Math.floor(bytes))));
}

/** The directory's newest generation; undefined before it was first told. */
export function readGeneration(shared: SharedState): number | undefined {
  const told = Atomics.load(viewOf(shared), 2 * GENERATION_AT);
  return told === 0 ? undefined : told - 1;
}

export function writeGeneration(shared: SharedState, generation: number): void {
  Atomics.store(viewOf(shared), 2 * GENERATION_AT, generation + 1);
}
