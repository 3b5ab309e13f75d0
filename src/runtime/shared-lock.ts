/**
 * A lock in shared memory for work of microseconds; who holds it is known, so that a dead thread's can be freed. The main
 * thread does that, when it hears of the death; so it must never wait for a lock itself.
 */
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

  /** For others, once this thread has ended: frees it if the thread died while it held it. Never waits. */
  free(): void {
    Atomics.compareExchange(this.#cells, this.#at, this.#me, 0);
  }
}
