import { domainOfKey } from "../../../mail/delivery-key.ts";
import type { Journal } from "../../../ports/journal.ts";
import type { Logger } from "../../../runtime/log.ts";
import type { DomainQueue } from "../pool/connection-pool.ts";
import type { Route } from "./routes.ts";

type Nowhere = Exclude<Route, { kind: "known" }>;

/** Journals once for each reason that a domain has no route, and that it has one again. In elapsed time. */
export class UnroutableLog {
  readonly #journal: Journal;
  readonly #log: Logger;
  readonly #reasons = new Map<string, { readonly route: Nowhere; readonly since: number }>();

  constructor(journal: Journal, log: Logger) {
    this.#journal = journal;
    this.#log = log;
  }

  look(queue: DomainQueue, route: Route, now: number): void {
    const { domain } = queue;
    const known = this.#reasons.get(domain);
    const common = { destination: `route of ${domain}`, domains: [domainOfKey(domain)] };
    if (route.kind === "known") {
      if (known === undefined) return;
      this.#reasons.delete(domain);
      this.#journal.record({ kind: "primary.up", ...common, outage: now - known.since, held: queue.waiting });
      return;
    }
    // A domain that was removed and holds nothing needs no route.
    if (queue.record === undefined && queue.waiting === 0) return void this.#reasons.delete(domain);
    if (isSame(known?.route, route)) return;
    this.#reasons.set(domain, { route, since: known?.since ?? now });
    this.#log.warn("no route for this domain", { domain, why: route.why });
    if (route.kind === "loop") this.#journal.record({ kind: "primary.loop", ...common, why: route.why });
    else this.#journal.record({ kind: "primary.down", ...common, why: route.why, held: queue.waiting });
  }
}

/** Whether the reason is the same. All DNS failures count as one reason, although their texts differ. */
function isSame(known: Nowhere | undefined, route: Nowhere): boolean {
  return known?.kind === route.kind && (route.kind === "failed" || known.why === route.why);
}
