import type { WorkStore } from "../../../ports/work-store.ts";
import type { ConnectionPool, DomainQueue } from "../pool/connection-pool.ts";
import type { Probations } from "../probation/probations.ts";

/**
 * Credits let the store claim fresh mail in the commit that accepts it and pass it to delivery at once. A domain has
 * credits while one of its pools is up and has room, and the domain has no older mail that is due. The domains that
 * used a pool last share its room.
 */
export class Credits {
  readonly #store: Pick<WorkStore, "grant">;
  readonly #probations: Pick<Probations, "trusts">;
  /** True until the waiting mail has been counted, and while no credits may be given. */
  #closed = true;

  constructor(store: Pick<WorkStore, "grant">, probations: Pick<Probations, "trusts">) {
    this.#store = store;
    this.#probations = probations;
  }

  /** Takes all credits back and gives none until `open` is called. */
  close(queues: Iterable<DomainQueue>): void {
    this.#closed = true;
    for (const queue of queues) this.review(queue);
  }

  open(): void {
    this.#closed = false;
  }

  /** Gives, tops up or takes back the credits of a domain, depending on its state and that of its pools. */
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

  /** Called when a pool is up: as many domains as fit get credits; others get some when mail for them arrives. */
  openPool(pool: ConnectionPool): void {
    let left = capacityOf(pool);
    for (const queue of pool.queues) {
      if (left <= 0) return;
      this.review(queue);
      left -= 1;
    }
  }

  /** Called when one fresh mail was claimed with a credit. */
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

/** How many fresh mails a pool can take without claiming them: two for each connection, none if it is saturated. */
function capacityOf(pool: ConnectionPool): number {
  if (!pool.up) return 0;
  if (pool.canary) return pool.unsettled === 0 ? 1 : 0;
  const { limit } = pool;
  return pool.unsettled >= 4 * limit ? 0 : 2 * limit;
}
