type Left<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];
type Defined<T> = Omit<T, Left<T>> & { readonly [K in Left<T>]?: Exclude<T[K], undefined> };

/** Returns the keys that have a value: a key that was left out is absent, not undefined. */
export function defined<T extends object>(given: T): Defined<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}
