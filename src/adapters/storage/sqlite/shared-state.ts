import type { StoreCondition } from "../../../ports/queue.ts";

/** Condition and room of the store, written by the storage thread, read by all threads without asking. */
export type SharedState = SharedArrayBuffer;

const CONDITIONS: readonly StoreCondition[] = ["ok", "full", "sick"];
const CONDITION_AT = 0;
const ROOM_AT = 1;

export function makeSharedState(): SharedState {
  return new SharedArrayBuffer(16);
}

/** Asked for at every command, so the views are made once. */
const views = new WeakMap<SharedState, Int32Array>();

export function readCondition(shared: SharedState): StoreCondition {
  let view = views.get(shared);
  if (view === undefined) views.set(shared, (view = new Int32Array(shared)));
  return CONDITIONS[Atomics.load(view, CONDITION_AT)] ?? "sick";
}

export function writeCondition(shared: SharedState, condition: StoreCondition): void {
  Atomics.store(new Int32Array(shared), CONDITION_AT, CONDITIONS.indexOf(condition));
}

/** Bytes above the reserve; never negative. */
export function readRoom(shared: SharedState): number {
  return Number(Atomics.load(new BigInt64Array(shared), ROOM_AT));
}

export function writeRoom(shared: SharedState, bytes: number): void {
  Atomics.store(new BigInt64Array(shared), ROOM_AT, BigInt(Math.max(0, Math.floor(bytes))));
}
