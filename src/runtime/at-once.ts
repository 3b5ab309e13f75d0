/**
 * Answers that are here already are used without a turn of the event loop: whoever remembers a promise marks it with
 * `remembered`, and `whenKnown` then acts at once when it has been fulfilled.
 */

/** A value that is there, or comes: what is known at once is not waited for. */
export type Later<T> = T | Promise<T>;

/** Acts on the value, at once where it is there. */
export function andThen<T, R>(value: Later<T>, act: (value: T) => Later<R>): Later<R> {
  return value instanceof Promise ? value.then(act) : act(value);
}

const VALUES = new WeakMap<object, { readonly value: unknown }>();

/** The same promise, whose value is known to `whenKnown` from its fulfilment on. */
export function remembered<T>(promise: Promise<T>): Promise<T> {
  promise.then(
    (value) => VALUES.set(promise, { value }),
    () => undefined,
  );
  return promise;
}

/** Acts on the value, at once where it is known. */
export function whenKnown<T, R>(promise: Promise<T>, act: (value: T) => Later<R>): Later<R> {
  const known = VALUES.get(promise);
  return known === undefined ? promise.then(act) : act(known.value as T);
}

/** The same for several. */
export function whenAllKnown<T, R>(
  promises: readonly Promise<T>[],
  act: (values: readonly T[]) => R,
): Later<R> {
  const known = promises.map((promise) => VALUES.get(promise));
  if (known.includes(undefined)) return Promise.all(promises).then(act);
  return act(known.map((entry) => entry?.value as T));
}
