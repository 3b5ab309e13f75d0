/**
 * Uses values that are already known without waiting for a turn of the event loop: a caller that keeps a promise marks
 * it with `remembered`, and `whenKnown` then acts at once if that promise has been fulfilled.
 */

/** A value, or a promise of it. The functions below do not wait for a value that is already there. */
export type Later<T> = T | Promise<T>;

/** Calls `act` with the value: at once if it is there, else when it arrives. */
export function andThen<T, R>(value: Later<T>, act: (value: T) => Later<R>): Later<R> {
  return value instanceof Promise ? value.then(act) : act(value);
}

const VALUES = new WeakMap<object, { readonly value: unknown }>();

/** Returns the same promise; `whenKnown` knows its value as soon as it is fulfilled. */
export function remembered<T>(promise: Promise<T>): Promise<T> {
  promise.then(
    (value) => VALUES.set(promise, { value }),
    () => undefined,
  );
  return promise;
}

/** Calls `act` with the value: at once if it is known, else when the promise is fulfilled. */
export function whenKnown<T, R>(promise: Promise<T>, act: (value: T) => Later<R>): Later<R> {
  const known = VALUES.get(promise);
  return known === undefined ? promise.then(act) : act(known.value as T);
}

/** Does what `whenKnown` does, for several promises. */
export function whenAllKnown<T, R>(
  promises: readonly Promise<T>[],
  act: (values: readonly T[]) => R,
): Later<R> {
  const known = promises.map((promise) => VALUES.get(promise));
  if (known.includes(undefined)) return Promise.all(promises).then(act);
  return act(known.map((entry) => entry?.value as T));
}
