import type { Journal } from "../../../ports/journal.ts";
import type { Settlement } from "../../../ports/work-store.ts";
import type { ConnectionPool } from "../pool/connection-pool.ts";

/** Journals how many recipients a primary accepted after its return, once no more mail is due. In elapsed time. */
export class DrainLog {
  readonly #journal: Journal;
  readonly #drains = new Map<ConnectionPool, { readonly since: number; delivered: number }>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  begin(pool: ConnectionPool, now: number): void {
    if (pool.held() > 0) this.#drains.set(pool, { since: now, delivered: 0 });
  }

  abandon(pool: ConnectionPool): void {
    this.#drains.delete(pool);
  }

  /** Counts the delivered recipients of one mail. */
  count(pool: ConnectionPool, settlements: readonly Settlement[] = []): void {
    const drain = this.#drains.get(pool);
    if (drain === undefined) return;
    for (const { outcome } of settlements) if (outcome.kind === "delivered") drain.delivered += 1;
  }

  look(pool: ConnectionPool, now: number): void {
    const drain = this.#drains.get(pool);
    if (drain === undefined || pool.due.size > 0 || pool.unsettled + pool.claiming > 0) return;
    this.#drains.delete(pool);
    const { delivered, since } = drain;
    this.#journal.record({ kind: "primary.drained", destination: pool.name, delivered, took: now - since });
  }
}
