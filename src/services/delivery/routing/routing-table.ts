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
  /** The domain's record or its pools changed. */
  routed(queue: DomainQueue): void;
  /** The domain's probation at the pool has stopped. */
  stopped(pool: ConnectionPool, queue: DomainQueue): boolean;
  /** The domain has another destination than before, and mail waits. */
  moved(queue: DomainQueue): void;
  /** The domain's mail goes to the pool no more. */
  left(queue: DomainQueue, pool: ConnectionPool): void;
  /** No domain uses the pool any more. */
  unused(pool: ConnectionPool): void;
}

interface RoutingParts extends Pick<DeliveryParts, "directory" | "resolver" | "journal" | "log" | "clock"> {
  readonly hostname: () => string;
  readonly hooks: RoutingHooks;
}

/** Domains looked up again in one turn after the directory changed. */
const SLICE = 100;
/** After a lookup that failed or led nowhere, in ms. */
const RETRY = 5000;

/** Which domains there is mail for, and which pools they use; follows the directory and the MX records. */
export class RoutingTable {
  readonly queues = new Map<string, DomainQueue>();
  readonly pools = new Map<string, ConnectionPool>();
  readonly #parts: RoutingParts;
  readonly #unroutable: UnroutableLog;
  /** What their MX records were last: a lookup that fails moves no mail, not even to the hosts named beside them. */
  readonly #mx = new WeakMap<DomainQueue, Lookup<MxRecord>>();
  /** Those that are looked up again after a failure. */
  readonly #later = new Set<DomainQueue>();
  #stopped = false;

  constructor(parts: RoutingParts) {
    this.#parts = parts;
    this.#unroutable = new UnroutableLog(parts.journal, parts.log);
  }

  /** The queue of a domain; a new one gets its pools as soon as its route is known. */
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

  /** Looks one domain up anew, because mail came for it and it has nowhere to go. */
  reroute(queue: DomainQueue): void {
    if (this.queues.get(queue.domain) === queue && queue.record !== undefined) void this.#route(queue);
  }

  /** Looks these domains up anew, or all of them; some in each turn. */
  refresh(domains?: readonly string[]): void {
    this.#refreshSlice(domains ? this.queuesOf(domains) : [...this.queues.values()]);
  }

  /** The queues of these domains, those of mail that was sent elsewhere among them. */
  queuesOf(domains: readonly string[]): readonly DomainQueue[] {
    const chosen = new Set(domains);
    return [...this.queues.values()].filter(({ domain }) => chosen.has(domainOfKey(domain)));
  }

  /** Asks anew for the MX records of the domains that follow them. */
  refreshMx(): void {
    for (const queue of this.queues.values())
      if (queue.record !== undefined && followsMx(queue.record)) void this.#route(queue);
  }

  /** Leaves the places to which operators sent mail, once none of it waits, is on its way there, or is `held`. */
  leaveDetours(held: (queue: DomainQueue) => boolean): void {
    for (const queue of this.queues.values()) {
      const idle = queue.waiting === 0 && queue.pools.every((pool) => pool.unsettled + pool.claiming === 0);
      if (placeOfKey(queue.domain) === undefined || !idle || held(queue)) continue;
      // Its route is not known any more either, should one be looked up just now.
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

  /** Nothing of it waits, and nothing will come for it. */
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

  /** The MX records as they were last, while they cannot be had. */
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

  /** Whoever asks meanwhile waits for the same lookup: else each one that fails would begin a row of its own. */
  #routeLater(queue: DomainQueue): void {
    if (this.#stopped || this.#later.has(queue)) return;
    this.#later.add(queue);
    this.#parts.clock.after(RETRY, () => {
      this.#later.delete(queue);
      if (this.queues.get(queue.domain) === queue) void this.#route(queue);
    });
  }
}

/** Domains that want one host spoken to differently do not share connections. */
function poolKey({ host, port, ...transport }: Destination): string {
  return `${host} ${port} ${JSON.stringify(transport)}`;
}

/** The record of a delivery key: the domain's own, or with the place that an operator named for its primary. */
function recordOf(key: string, directory: DirectoryReader): DomainRecord | undefined {
  const record = directory.domain(domainOfKey(key), directory.generation());
  const place = parseHostPort(placeOfKey(key) ?? "");
  if (record === undefined || place === undefined) return record;
  const primaries = [{ ...place, preference: 0, tls: "opportunistic" as const }];
  // A pause is about the domain's own primaries: this mail was sent round them.
  return { ...record, paused: false, settings: { ...record.settings, primaries } };
}
