/** A value that is there, or comes: what is known at once is not waited for. */
export type Later<T> = T | Promise<T>;

/** Acts on the value, at once where it is there. */
export function andThen<T, R>(value: Later<T>, act: (value: T) => Later<R>): Later<R> {
  return value instanceof Promise ? value.then(act) : act(value);
}
