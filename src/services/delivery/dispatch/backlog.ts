import { DSN_DOMAIN } from "../../../ports/dsn.ts";
import type { DomainWork, WorkStore } from "../../../ports/work-store.ts";
import type { DomainQueue } from "../pool/connection-pool.ts";
import type { RoutingTable } from "../routing/routing-table.ts";

/** The mail that waits in the store, by domain: counted periodically, and updated by the store's events. */
export class Backlog {
  readonly #store: Pick<WorkStore, "work" | "wake">;
  readonly #routing: RoutingTable;

  constructor(store: Pick<WorkStore, "work" | "wake">, routing: RoutingTable) {
    this.#store = store;
    this.#routing = routing;
  }

  /** Counts the waiting mail anew, and starts the delivery of mail that is due. Rejects if the store fails. */
  async count(): Promise<readonly DomainWork[]> {
    const { queues } = this.#routing;
    const versions = new Map([...queues].map(([domain, queue]) => [domain, queue.version]));
    const work = (await this.#store.work()).filter(({ domain }) => domain !== DSN_DOMAIN);
    const listed = new Set(work.map(({ domain }) => domain));
    for (const each of work) this.#takeOver(each);
    for (const [domain, queue] of queues)
      if (!listed.has(domain) && queue.version === versions.get(domain)) queue.counted(undefined);
    return work;
  }

  /** Makes the waiting mail of these domains due at once. Rejects if the store fails. */
  async wake(queues: readonly DomainQueue[]): Promise<void> {
    if (queues.length === 0) return;
    for (const queue of queues) if (queue.waiting > 0) queue.becameDue();
    const work = await this.#store.wake(queues.map(({ domain }) => domain));
    for (const each of work) this.#takeOver(each);
  }

  /** Adds new recipients of a domain, which are due. */
  grew(domain: string, recipients: number): void {
    const queue = this.#routing.queue(domain);
    const wasEmpty = queue.waiting === 0;
    queue.grew(recipients);
    if (wasEmpty) this.#began(queue);
  }

  #takeOver(work: DomainWork): void {
    const queue = this.#routing.queue(work.domain);
    const wasEmpty = queue.waiting === 0;
    queue.counted(work);
    if (wasEmpty) this.#began(queue);
  }

  #began(queue: DomainQueue): void {
    if (queue.tiers.length === 0) this.#routing.reroute(queue);
    for (const pool of queue.pools) pool.watch.heldChanged();
  }
}
