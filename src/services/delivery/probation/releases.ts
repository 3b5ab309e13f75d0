import type { WorkStore } from "../../../ports/work-store.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { errorText, type Logger } from "../../../runtime/log.ts";
import type { DomainQueue } from "../pool/connection-pool.ts";

interface ReleasesParts {
  readonly store: Pick<WorkStore, "unhold">;
  readonly log: Logger;
  readonly clock: Clock;
}

/** After the store has failed, in ms. */
const RETRY = 1000;

/** Lets mail go that probation set aside. Nobody else would think of it, so a store that fails is asked until it does. */
export class Releases {
  readonly #parts: ReleasesParts;
  /** Most recipients, for the domains that the store is asked for once more. */
  readonly #later = new Map<DomainQueue, number>();
  #stopped = false;

  constructor(parts: ReleasesParts) {
    this.#parts = parts;
  }

  release(queue: DomainQueue, limit = Infinity): void {
    const { store, clock } = this.#parts;
    store.unhold({ domain: queue.domain, limit, now: clock.now() }).catch((error: unknown) => {
      if (!this.#stopped) this.#releaseLater(queue, limit, error);
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #releaseLater(queue: DomainQueue, limit: number, error: unknown): void {
    const before = this.#later.get(queue);
    this.#later.set(queue, Math.max(limit, before ?? 0));
    if (before !== undefined) return;
    const { log, clock } = this.#parts;
    const fields = { domain: queue.domain, error: errorText(error) };
    log.error("mail held by probation could not be released, trying again", fields);
    clock.after(RETRY, () => {
      const most = this.#later.get(queue);
      this.#later.delete(queue);
      if (!this.#stopped) this.release(queue, most);
    });
  }
}
