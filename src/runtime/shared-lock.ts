/**
 * A lock in shared memory for work of microseconds. It stores which thread holds it, so that the lock of a dead thread
 * can be freed. The main thread frees it when it learns of the death; so the main thread must never wait for a lock
 * itself.
 */
export class SharedLock {
  readonly #cells: Int32Array;
  readonly #at: number;
  readonly #me: number;

  /** `at` is the index of the lock's cell, which is 0 when free; `thread` is the number of this thread, from 0. */
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

  /**
   * Called by another thread after this one has ended: frees the lock if this thread died while holding it. Never
   * waits.
   */
  free(): void {
    Atomics.compareExchange(this.#cells, this.#at, this.#me, 0);
  }
}
