import type { WorkStore } from "../../../ports/work-store.ts";
import type { ConnectionPool, DomainQueue } from "../pool/connection-pool.ts";
import type { Probations } from "../probation/probations.ts";

/**
 * Credits let the store claim fresh mail in the commit that accepts it and hand it over at once. A domain has some
 * while a pool of it is up and has room, and nothing older of it is due. A pool's room is shared by the domains
 * that used it last.
 */
export class Credits {
  readonly #store: Pick<WorkStore, "grant">;
  readonly #probations: Pick<Probations, "trusts">;
  /** Until what waits was counted for the first time. */
  #closed = true;

  constructor(store: Pick<WorkStore, "grant">, probations: Pick<Probations, "trusts">) {
    this.#store = store;
    this.#probations = probations;
  }

  /** Takes all back and gives none any more, until `open`. */
  close(queues: Iterable<DomainQueue>): void {
    this.#closed = true;
    for (const queue of queues) this.review(queue);
  }

  open(): void {
    this.#closed = false;
  }

  /** Gives, tops up or takes back, as the state of the domain and its pools asks. */
  review(queue: DomainQueue): void {
    let share = 0;
    if (!this.#closed && !queue.due)
      for (const pool of queue.active())
        if (this.#probations.trusts(pool, queue)) share += this.#share(pool, queue);
    if (share === 0) return this.#takeBack(queue);
    if (queue.credits <= share / 2 || queue.credits > share) this.#give(queue, share);
  }

  reviewPool(pool: ConnectionPool): void {
    // Reviewing moves queues within the set.
    for (const queue of Array.from(pool.granted)) this.review(queue);
  }

  /** A pool came up: the first domains that fit get credits; others when mail comes for them. */
  openPool(pool: ConnectionPool): void {
    let left = capacityOf(pool);
    for (const queue of pool.queues) {
      if (left <= 0) return;
      this.review(queue);
      left -= 1;
    }
  }

  /** One fresh mail came by a credit. */
  used(queue: DomainQueue): void {
    queue.credits = Math.max(0, queue.credits - 1);
  }

  #share(pool: ConnectionPool, queue: DomainQueue): number {
    const capacity = capacityOf(pool);
    if (capacity === 0) return 0;
    pool.granted.delete(queue);
    pool.granted.add(queue);
    while (pool.granted.size > capacity) this.#evict(pool);
    return Math.max(1, Math.floor(capacity / pool.granted.size));
  }

  #evict(pool: ConnectionPool): void {
    const [oldest] = pool.granted;
    if (oldest === undefined) return;
    pool.granted.delete(oldest);
    this.#takeBack(oldest);
  }

  #give(queue: DomainQueue, credits: number): void {
    queue.credits = credits;
    this.#store.grant(queue.domain, credits);
  }

  #takeBack(queue: DomainQueue): void {
    for (const pool of queue.pools) pool.granted.delete(queue);
    if (queue.credits === 0) return;
    this.#give(queue, 0);
  }
}

/** Mails that may come unasked: two for each connection, none to a pool that is saturated. */
function capacityOf(pool: ConnectionPool): number {
  if (!pool.up) return 0;
  if (pool.canary) return pool.unsettled === 0 ? 1 : 0;
  const { limit } = pool;
  return pool.unsettled >= 4 * limit ? 0 : 2 * limit;
}
