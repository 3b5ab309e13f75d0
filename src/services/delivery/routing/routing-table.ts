import { domainOfKey, placeOfKey } from "../../../mail/delivery-key.ts";
import { parseHostPort } from "../../../mail/network.ts";
import type { DirectoryReader, DomainRecord } from "../../../ports/directory.ts";
import type { Lookup, MxRecord } from "../../../ports/resolver.ts";
import { errorText } from "../../../runtime/log.ts";
import type { Destination } from "../../health/health.ts";
import type { DeliveryParts } from "../ground/parts.ts";
import { DomainQueueOf } from "../pool/domain-queue.ts";
import type { ConnectionPool, DomainQueue } from "../pool/connection-pool.ts";
import { UnroutableLog } from "./unroutable-log.ts";
import { findRoute, followsMx, type Route, type RouteParts, type NextHop } from "./routes.ts";

interface RoutingHooks {
  makePool(destination: Destination): ConnectionPool;
  /** Called when the domain's record or its pools changed. */
  routed(queue: DomainQueue): void;
  /** Whether the domain's probation at the pool has stopped. */
  stopped(pool: ConnectionPool, queue: DomainQueue): boolean;
  /** Called when the domain has another destination than before, and mail waits. */
  moved(queue: DomainQueue): void;
  /** Called when the domain no longer uses the pool. */
  left(queue: DomainQueue, pool: ConnectionPool): void;
  /** Called when no domain uses the pool any more. */
  unused(pool: ConnectionPool): void;
}

interface RoutingParts extends Pick<DeliveryParts, "directory" | "resolver" | "journal" | "log" | "clock"> {
  readonly hostname: () => string;
  readonly hooks: RoutingHooks;
}

/** Domains whose routes are looked up again in one turn of the event loop after the directory changed. */
const SLICE = 100;
/** How long to wait after a failed lookup, in ms. */
const RETRY = 5000;

/** The domains that have mail, and the pools that each uses. Follows the directory and the MX records. */
export class RoutingTable {
  readonly queues = new Map<string, DomainQueue>();
  readonly pools = new Map<string, ConnectionPool>();
  readonly #parts: RoutingParts;
  readonly #unroutable: UnroutableLog;
  /**
   * The last known MX records: a failed lookup moves no mail, not even to hosts that the configuration names beside
   * `mx`.
   */
  readonly #mx = new WeakMap<DomainQueue, Lookup<MxRecord>>();
  /** Queues whose route will be looked up again after a failure. */
  readonly #later = new Set<DomainQueue>();
  #stopped = false;

  constructor(parts: RoutingParts) {
    this.#parts = parts;
    this.#unroutable = new UnroutableLog(parts.journal, parts.log);
  }

  /** The queue of a domain. Creates it if needed; a new queue gets its pools as soon as its route is known. */
  queue(domain: string): DomainQueue {
    const known = this.queues.get(domain);
    if (known !== undefined) return known;
    const { clock, hooks } = this.#parts;
    const queue: DomainQueue = new DomainQueueOf(domain, clock, (pool) => hooks.stopped(pool, queue));
    this.queues.set(domain, queue);
    if (this.#stopped) queue.stop();
    void this.#route(queue);
    return queue;
  }

  /** Looks up the route of a domain again, because it has mail and no destination. */
  reroute(queue: DomainQueue): void {
    if (this.queues.get(queue.domain) === queue && queue.record !== undefined) void this.#route(queue);
  }

  /** Looks up the routes of these domains again, or of all; a slice in each turn of the event loop. */
  refresh(domains?: readonly string[]): void {
    this.#refreshSlice(domains ? this.queuesOf(domains) : [...this.queues.values()]);
  }

  /** The queues of these domains, including those of mail that an operator sent to another destination. */
  queuesOf(domains: readonly string[]): readonly DomainQueue[] {
    const chosen = new Set(domains);
    return [...this.queues.values()].filter(({ domain }) => chosen.has(domainOfKey(domain)));
  }

  /** Looks up again the MX records of the domains that use them. */
  refreshMx(): void {
    for (const queue of this.queues.values())
      if (queue.record !== undefined && followsMx(queue.record)) void this.#route(queue);
  }

  /**
   * Removes the queues of mail that operators sent to other destinations, once no such mail waits, is being sent, or is
   * `held`.
   */
  leaveDetours(held: (queue: DomainQueue) => boolean): void {
    for (const queue of this.queues.values()) {
      const idle = queue.waiting === 0 && queue.pools.every((pool) => pool.unsettled + pool.claiming === 0);
      if (placeOfKey(queue.domain) === undefined || !idle || held(queue)) continue;
      // A lookup that is running must not assign pools to this queue when it ends.
      queue.record = undefined;
      this.#setTiers(queue, []);
      this.#parts.hooks.routed(queue);
      this.#forget(queue);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const queue of this.queues.values()) queue.stop();
  }

  #refreshSlice(queues: readonly DomainQueue[]): void {
    for (const queue of queues.slice(0, SLICE)) {
      void this.#route(queue);
      if (queue.record === undefined && queue.waiting === 0) this.#forget(queue);
    }
    const rest = queues.slice(SLICE);
    if (rest.length > 0) this.#parts.clock.after(1, () => this.#refreshSlice(rest));
  }

  /** Removes a queue that has no waiting mail and will get none. */
  #forget(queue: DomainQueue): void {
    queue.stop();
    this.queues.delete(queue.domain);
  }

  async #route(queue: DomainQueue): Promise<void> {
    const { directory, hostname, log } = this.#parts;
    try {
      const record = recordOf(queue.domain, directory);
      queue.record = record;
      if (record === undefined)
        return this.#assign(queue, { kind: "none", why: "the domain is not configured" });
      const route = await findRoute(record, { resolver: this.#lastKnown(queue), hostname: hostname() });
      if (queue.record === record && !this.#stopped) this.#assign(queue, route);
    } catch (error) {
      log.error("route lookup failed", { domain: queue.domain, error: errorText(error) });
      this.#routeLater(queue);
    }
  }

  /** A resolver that answers with the last known MX records if a lookup fails. */
  #lastKnown(queue: DomainQueue): RouteParts["resolver"] {
    const mx = async (domain: string): Promise<Lookup<MxRecord>> => {
      const lookup = await this.#parts.resolver.mx(domain);
      if (lookup.kind !== "failed") this.#mx.set(queue, lookup);
      return this.#mx.get(queue) ?? lookup;
    };
    return { mx };
  }

  #assign(queue: DomainQueue, route: Route): void {
    if (route.kind === "failed" && queue.waiting > 0) this.#routeLater(queue);
    this.#unroutable.look(queue, route, this.#parts.clock.elapsed());
    this.#setTiers(queue, route.kind === "known" ? route.tiers : []);
    this.#parts.hooks.routed(queue);
  }

  #setTiers(queue: DomainQueue, tiers: readonly (readonly NextHop[])[]): void {
    const before = queue.pools;
    queue.tiers = tiers.map((hops) => hops.map(({ destination }) => this.#pool(destination)));
    queue.weights = new Map(tiers.flat().map(({ destination, weight }) => [this.#pool(destination), weight]));
    const after = new Set(queue.pools);
    for (const pool of after) pool.queues.add(queue);
    for (const pool of before) if (!after.has(pool)) this.#leave(queue, pool);
    const came = queue.pools.some((pool) => !before.includes(pool));
    if (came && before.length > 0 && queue.waiting > 0) this.#parts.hooks.moved(queue);
  }

  #leave(queue: DomainQueue, pool: ConnectionPool): void {
    for (const set of [pool.queues, pool.due, pool.granted]) set.delete(queue);
    pool.withdraw(queue);
    this.#parts.hooks.left(queue, pool);
    if (pool.queues.size > 0) return;
    this.pools.delete(poolKey(pool.destination));
    this.#parts.hooks.unused(pool);
  }

  #pool(destination: Destination): ConnectionPool {
    const key = poolKey(destination);
    const known = this.pools.get(key);
    if (known !== undefined) return known;
    const pool = this.#parts.hooks.makePool(destination);
    this.pools.set(key, pool);
    return pool;
  }

  /** Schedules one retry, even if several lookups fail: otherwise each failure would start a series of retries. */
  #routeLater(queue: DomainQueue): void {
    if (this.#stopped || this.#later.has(queue)) return;
    this.#later.add(queue);
    this.#parts.clock.after(RETRY, () => {
      this.#later.delete(queue);
      if (this.queues.get(queue.domain) === queue) void this.#route(queue);
    });
  }
}

/** The key of a pool: domains with different connection settings for one host do not share connections. */
function poolKey({ host, port, ...transport }: Destination): string {
  return `${host} ${port} ${JSON.stringify(transport)}`;
}

/** The record of a delivery key: the domain's own, or a copy whose only primary is the one that an operator named. */
function recordOf(key: string, directory: DirectoryReader): DomainRecord | undefined {
  const record = directory.domain(domainOfKey(key), directory.generation());
  const place = parseHostPort(placeOfKey(key) ?? "");
  if (record === undefined || place === undefined) return record;
  const primaries = [{ ...place, preference: 0, tls: "opportunistic" as const }];
  // A pause applies to the domain's own primaries only, and this mail goes elsewhere.
  return { ...record, paused: false, settings: { ...record.settings, primaries } };
}
