/** A lock in shared memory for work of microseconds; who holds it is known, so that a dead thread's can be freed. */
export class SharedLock {
  readonly #cells: Int32Array;
  readonly #at: number;
  readonly #me: number;

  /** The lock is the cell `at`, 0 when free; `thread` counts from 0. */
  constructor(cells: Int32Array, at: number, thread: number) {
    this.#cells = cells;
    this.#at = at;
    this.#me = thread + 1;
  }

  hold<T>(task: () => T): T {
    for (;;) {
      const holder = Atomics.compareExchange(this.#cells, this.#at, 0, this.#me);
      if (holder === 0) break;
      Atomics.wait(this.#cells, this.#at, holder, 1);
    }
    try {
      return task();
    } finally {
      Atomics.store(this.#cells, this.#at, 0);
      Atomics.notify(this.#cells, this.#at, 1);
    }
  }

  /** Frees it where the thread died while it held it. */
  freeFrom(thread: number): void {
    Atomics.compareExchange(this.#cells, this.#at, thread + 1, 0);
  }
}
