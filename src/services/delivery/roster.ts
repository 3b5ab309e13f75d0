import { domainOfKey } from "../../mail/delivery-key.ts";
import type { DirectoryReader, DomainRecord } from "../../ports/directory.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Resolver } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { errorText } from "../../runtime/log.ts";
import type { Destination } from "../health/health.ts";
import { DomainDesk } from "./desk.ts";
import type { ConnectionPool, Desk } from "./connection-pool.ts";
import { NowhereLog } from "./nowhere-log.ts";
import { recordOf } from "./rerouted.ts";
import type { Route, Way } from "./routes.ts";
import { findRoute, followsMx } from "./routes.ts";

export interface RosterHooks {
  makePool(destination: Destination): ConnectionPool;
  fellDue(desk: Desk): void;
  /** The domain's record or its pools changed. */
  routed(desk: Desk): void;
  /** The domain has another destination than before, and mail waits. */
  moved(desk: Desk): void;
  /** A pool lost its last domain. */
  orphaned(pool: ConnectionPool): void;
}

export interface RosterParts {
  readonly directory: DirectoryReader;
  readonly resolver: Resolver;
  readonly journal: Journal;
  readonly log: Logger;
  readonly clock: Clock;
  readonly hostname: () => string;
  readonly hooks: RosterHooks;
}

/** Domains looked up again in one turn after the directory changed. */
const SLICE = 100;
const RETRY = 5000;

/** Which domains there is mail for, and which pools they use; follows the directory and the MX records. */
export class Roster {
  readonly desks = new Map<string, Desk>();
  readonly pools = new Map<string, ConnectionPool>();
  readonly #parts: RosterParts;
  readonly #nowhere: NowhereLog;
  #stopped = false;

  constructor(parts: RosterParts) {
    this.#parts = parts;
    this.#nowhere = new NowhereLog(parts.journal, parts.log);
  }

  /** The desk of a domain; a new one gets its pools as soon as its route is known. */
  desk(domain: string): Desk {
    const known = this.desks.get(domain);
    if (known !== undefined) return known;
    const desk: Desk = new DomainDesk(domain, this.#parts.clock, this.#parts.hooks.fellDue);
    this.desks.set(domain, desk);
    if (this.#stopped) desk.stop();
    void this.#route(desk);
    return desk;
  }

  /** Looks one domain up anew, because mail came for it and it has nowhere to go. */
  reroute(desk: Desk): void {
    if (this.desks.get(desk.domain) === desk && desk.record !== undefined) void this.#route(desk);
  }

  /** Looks these domains up anew, or all of them; some in each turn. */
  refresh(domains?: readonly string[]): void {
    const chosen = domains && new Set(domains);
    const desks = [...this.desks.values()];
    this.#refreshSlice(chosen ? desks.filter(({ domain }) => chosen.has(domainOfKey(domain))) : desks);
  }

  /** Asks anew for the MX records of the domains that follow them. */
  refreshMx(): void {
    for (const desk of this.desks.values())
      if (desk.record !== undefined && followsMx(desk.record)) void this.#route(desk);
  }

  stop(): void {
    this.#stopped = true;
    for (const desk of this.desks.values()) desk.stop();
  }

  #refreshSlice(desks: readonly Desk[]): void {
    for (const desk of desks.slice(0, SLICE)) {
      void this.#route(desk);
      if (desk.record === undefined && desk.waiting === 0) this.#forget(desk);
    }
    const rest = desks.slice(SLICE);
    if (rest.length > 0) this.#parts.clock.after(1, () => this.#refreshSlice(rest));
  }

  /** The directory knows the domain no longer and nothing of it waits. */
  #forget(desk: Desk): void {
    desk.stop();
    this.desks.delete(desk.domain);
  }

  async #route(desk: Desk): Promise<void> {
    const { directory, resolver, hostname, log } = this.#parts;
    try {
      const record = recordOf(desk.domain, directory);
      desk.record = record;
      if (record === undefined)
        return this.#assign(desk, { kind: "none", why: "the domain is not configured" });
      const route = await findRoute(record, { resolver, hostname: hostname() });
      if (desk.record === record && !this.#stopped) this.#assign(desk, route, record);
    } catch (error) {
      log.error("route lookup failed", { domain: desk.domain, error: errorText(error) });
      this.#parts.clock.after(RETRY, () => void this.#route(desk));
    }
  }

  #assign(desk: Desk, route: Route, record?: DomainRecord): void {
    if (route.kind === "failed") this.#retry(desk);
    const keep = route.kind === "failed" && desk.tiers.length > 0;
    if (!keep) {
      this.#nowhere.look(desk, route, this.#parts.clock.elapsed());
      this.#setTiers(desk, route.kind === "known" && record !== undefined ? route.tiers : []);
    }
    this.#parts.hooks.routed(desk);
  }

  #setTiers(desk: Desk, tiers: readonly (readonly Way[])[]): void {
    const before = desk.pools;
    desk.tiers = tiers.map((ways) => ways.map(({ destination }) => this.#pool(destination)));
    desk.weights = new Map(tiers.flat().map(({ destination, weight }) => [this.#pool(destination), weight]));
    const after = new Set(desk.pools);
    for (const pool of after) {
      pool.desks.add(desk);
      if (desk.due) pool.due.add(desk);
    }
    for (const pool of before) if (!after.has(pool)) this.#leave(desk, pool);
    const came = desk.pools.some((pool) => !before.includes(pool));
    if (came && before.length > 0 && desk.waiting > 0) this.#parts.hooks.moved(desk);
  }

  #leave(desk: Desk, pool: ConnectionPool): void {
    for (const set of [pool.desks, pool.due, pool.granted]) set.delete(desk);
    pool.withdraw(desk);
    if (pool.desks.size > 0) return;
    this.pools.delete(poolKey(pool.destination));
    this.#parts.hooks.orphaned(pool);
  }

  #pool(destination: Destination): ConnectionPool {
    const key = poolKey(destination);
    const known = this.pools.get(key);
    if (known !== undefined) return known;
    const pool = this.#parts.hooks.makePool(destination);
    this.pools.set(key, pool);
    return pool;
  }

  #retry(desk: Desk): void {
    if (desk.waiting === 0 || this.#stopped) return;
    this.#parts.clock.after(RETRY, () => void this.#route(desk));
  }
}

/** Domains that want one host spoken to differently do not share connections. */
function poolKey({ host, port, ...transport }: Destination): string {
  return `${host} ${port} ${JSON.stringify(transport)}`;
}
