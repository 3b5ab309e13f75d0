/** A value that is there, or comes: what is known at once is not waited for. */
export type Later<T> = T | Promise<T>;
