import type { WorkStore } from "../../../ports/work-store.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { errorText, type Logger } from "../../../runtime/log.ts";
import type { DomainQueue } from "../pool/connection-pool.ts";

interface ReleasesParts {
  readonly store: Pick<WorkStore, "unhold">;
  readonly log: Logger;
  readonly clock: Clock;
}

/** How long to wait after the store has failed, in ms. */
const RETRY = 1000;

/** Releases mail that a probation has held. Nothing else would release it, so it retries until the store succeeds. */
export class Releases {
  readonly #parts: ReleasesParts;
  /** Domains whose release will be tried again, and the maximum number of recipients for each. */
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
