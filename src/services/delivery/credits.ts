import type { WorkStore } from "../../ports/queue.ts";
import type { ConnectionPool, Desk } from "./connection-pool.ts";

/**
 * Credits let the store claim fresh mail in the commit that accepts it and hand it over at once. A domain has some
 * while a pool of it is up and has room, and nothing older of it is due. A pool's room is shared by the domains
 * that used it last.
 */
export class Credits {
  readonly #store: Pick<WorkStore, "grant">;
  readonly #trusted: (pool: ConnectionPool, desk: Desk) => boolean;
  /** Until the queue was counted for the first time. */
  #closed = true;

  /** `trusted`: the domain is in no probation at the pool. */
  constructor(store: Pick<WorkStore, "grant">, trusted: (pool: ConnectionPool, desk: Desk) => boolean) {
    this.#store = store;
    this.#trusted = trusted;
  }

  /** Takes all back and gives none any more, until `open`. */
  close(desks: Iterable<Desk>): void {
    this.#closed = true;
    for (const desk of desks) this.review(desk);
  }

  open(): void {
    this.#closed = false;
  }

  /** Gives, tops up or takes back, as the state of the domain and its pools asks. */
  review(desk: Desk): void {
    const usable = this.#closed || desk.due ? [] : desk.active().filter((pool) => pool.up);
    const pools = usable.filter((pool) => this.#trusted(pool, desk));
    const share = pools.reduce((sum, pool) => sum + this.#share(pool, desk), 0);
    if (share === 0) return this.#takeBack(desk);
    if (desk.credits <= share / 2 || desk.credits > share) this.#give(desk, share);
  }

  reviewPool(pool: ConnectionPool): void {
    // Reviewing moves desks within the set.
    for (const desk of Array.from(pool.granted)) this.review(desk);
  }

  /** A pool came up: the first domains that fit get credits; others when mail comes for them. */
  openPool(pool: ConnectionPool): void {
    let left = capacityOf(pool);
    for (const desk of pool.desks) {
      if (left <= 0) return;
      this.review(desk);
      left -= 1;
    }
  }

  /** One fresh mail came by a credit. */
  used(desk: Desk): void {
    desk.credits = Math.max(0, desk.credits - 1);
  }

  #share(pool: ConnectionPool, desk: Desk): number {
    const capacity = capacityOf(pool);
    if (capacity === 0) return 0;
    pool.granted.delete(desk);
    pool.granted.add(desk);
    while (pool.granted.size > capacity) this.#evict(pool);
    return Math.max(1, Math.floor(capacity / pool.granted.size));
  }

  #evict(pool: ConnectionPool): void {
    const [oldest] = pool.granted;
    if (oldest === undefined) return;
    pool.granted.delete(oldest);
    this.#takeBack(oldest);
  }

  #give(desk: Desk, credits: number): void {
    desk.credits = credits;
    this.#store.grant(desk.domain, credits);
  }

  #takeBack(desk: Desk): void {
    for (const pool of desk.pools) pool.granted.delete(desk);
    if (desk.credits === 0) return;
    this.#give(desk, 0);
  }
}

/** Mails that may come unasked: two for each connection, none to a pool that is saturated. */
function capacityOf(pool: ConnectionPool): number {
  if (!pool.up) return 0;
  if (pool.canary) return pool.unsettled === 0 ? 1 : 0;
  const { limit } = pool;
  return pool.unsettled >= 4 * limit ? 0 : 2 * limit;
}
