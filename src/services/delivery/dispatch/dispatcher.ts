import { DSN_DOMAIN } from "../../../ports/dsn.ts";
import type { PrimaryStatus } from "../../../ports/health.ts";
import type { ClaimedMail, WorkEvent } from "../../../ports/work-store.ts";
import type { SendResult } from "../../../ports/smtp-client.ts";
import { errorText } from "../../../runtime/log.ts";
import { type Destination, Health, TlsMemory } from "../../health/health.ts";
import { Attempts } from "./attempts.ts";
import { Backlog } from "./backlog.ts";
import { Claims } from "./claims.ts";
import { Credits } from "./credits.ts";
import type { DeliverySettings, DispatcherParts } from "../ground/parts.ts";
import { DrainLog } from "./drain-log.ts";
import { ConnectionPool, type DomainQueue } from "../pool/connection-pool.ts";
import type { PoolHooks } from "../pool/pool-parts.ts";
import { Probations } from "../probation/probations.ts";
import { RoutedCallouts } from "./routed-callouts.ts";
import { RoutingTable } from "../routing/routing-table.ts";
import { handOver, poolFor } from "./sharing.ts";
import { stopPools } from "../pool/stopping.ts";

/** How long to wait after the store has failed to count or to wake mail, in ms. */
const RETRY = 1000;
/** How long a stop waits for the store, in ms: for claims, then for results. */
const LAST_WORD = 10_000;

/** Connects the store, the routing table and the pools: passes the events of each to the others that they concern. */
export class Dispatcher implements PoolHooks<ConnectionPool> {
  readonly #parts: DispatcherParts;
  readonly #settings: () => DeliverySettings;
  readonly #health: Health;
  readonly #claims: Claims;
  readonly #credits: Credits;
  readonly #attempts: Attempts;
  readonly #drains: DrainLog;
  readonly probations: Probations;
  readonly routing: RoutingTable;
  readonly backlog: Backlog;
  readonly callouts: RoutedCallouts;
  /** Pools that no domain uses any more, until their conversations have ended. */
  readonly #left = new Set<ConnectionPool>();
  /** Whether another count of the waiting mail is already scheduled. */
  #later = false;
  /** Domains whose mail the store could not make due. */
  readonly #asleep = new Set<DomainQueue>();
  #suspended = false;
  #recovered = false;
  #stopped = false;

  constructor(parts: DispatcherParts, settings: () => DeliverySettings) {
    this.#parts = parts;
    this.#settings = settings;
    const hostname = (): string => settings().hostname;
    const ownAddresses = (): DeliverySettings["ownAddresses"] => settings().ownAddresses;
    this.#health = new Health({ ...parts, hostname, ownAddresses, memory: new TlsMemory(parts) });
    this.probations = new Probations({ ...parts, resumed: (queue) => this.#wakeSoon([queue]) });
    this.#claims = new Claims({
      ...parts,
      probations: this.probations,
      claimed: (pool, queue, mails) => this.#claimed(pool, queue, mails),
      resumed: () => this.#advanceAll(),
    });
    this.#credits = new Credits(parts.store, this.probations);
    this.#drains = new DrainLog(parts.journal);
    this.routing = new RoutingTable({ ...parts, hostname, hooks: this });
    this.backlog = new Backlog(parts.store, this.routing);
    this.callouts = new RoutedCallouts(parts, this.routing, this.probations);
    this.#attempts = new Attempts({
      ...parts,
      probations: this.probations,
      callouts: this.callouts,
      drains: this.#drains,
      closed: (pool, queue) => this.#closed(pool, queue),
    });
    parts.store.onEvent((event) => this.#happened(event));
  }

  status(pool: ConnectionPool): PrimaryStatus {
    const probation = this.probations.status(pool);
    const acceptAll = this.callouts.acceptAll(pool);
    return {
      ...pool.watch.status(),
      allowed: pool.limit,
      ...(probation.length > 0 && { probation }),
      ...(acceptAll.length > 0 && { acceptAll }),
    };
  }

  /** Whether the domain's primary of that name is in probation, or is believed to be away. */
  isDoubted(domain: string, destination: string): boolean {
    const queue = this.routing.queues.get(domain);
    if (queue === undefined) return false;
    const pools = queue.pools.filter(({ name }) => name === destination);
    return pools.some((pool) => pool.away || !this.probations.trusts(pool, queue));
  }

  // -------------------------------------------------------------- what the store tells

  #happened(event: WorkEvent): void {
    if (event.kind === "claimed") return this.#granted(event.mail);
    if (this.#stopped) return;
    if (event.kind === "condition") return this.#suspend(event.condition === "sick");
    if (event.domain === DSN_DOMAIN) return this.#parts.dsnTriggers.waiting();
    this.backlog.grew(event.domain, event.recipients);
  }

  /** Fresh mail, claimed in the commit that accepted it. */
  #granted(mail: ClaimedMail): void {
    if (this.#stopped) return void this.#attempts.release(mail);
    const queue = this.routing.queue(mail.domain);
    this.#credits.used(queue);
    const { probations } = this;
    const pool = poolFor(queue, { probations, random: this.#parts.random });
    if (pool === undefined || !queue.open) this.#attempts.release(mail, queue);
    else handOver(mail, { pool, queue }, probations);
    this.#credits.review(queue);
  }

  #suspend(sick: boolean): void {
    if (this.#suspended === sick) return;
    this.#suspended = sick;
    // Credits are given again after the waiting mail has been counted.
    if (sick) this.#credits.close(this.routing.queues.values());
    for (const pool of this.routing.pools.values()) pool.suspend(sick);
    if (!sick) void this.begin();
  }

  /** Counts the waiting mail, then begins to claim; retries later on failure. Resolves after one try, never rejects. */
  begin(): Promise<void> {
    return this.#begin().catch((error: unknown) => {
      this.#parts.log.error("counting the queue failed, trying again", { error: errorText(error) });
      if (!this.#stopped) this.#beginLater();
    });
  }

  /** Tries again once, after a second, even if this is called several times in between. */
  #beginLater(): void {
    if (this.#later) return;
    this.#later = true;
    this.#parts.clock.after(RETRY, () => {
      this.#later = false;
      void this.begin();
    });
  }

  async #begin(): Promise<void> {
    if (!this.#recovered) await this.probations.recover();
    this.#recovered = true;
    await this.backlog.count();
    if (this.#stopped || this.#suspended) return;
    this.#credits.open();
    this.#claims.begin();
    for (const pool of this.routing.pools.values()) if (pool.up) this.#credits.openPool(pool);
  }

  #claimed(pool: ConnectionPool, queue: DomainQueue, mails: readonly ClaimedMail[]): void {
    queue.claimed(mails);
    if (queue.open) pool.take(mails);
    else {
      this.probations.unsent(pool, queue, mails.length);
      for (const mail of mails) this.#attempts.release(mail, queue);
    }
    // If the claim returned fewer mails than asked for, there is room for other domains of this pool.
    pool.advance();
    this.#credits.review(queue);
    this.#lookForDrained(pool, queue);
  }

  // -------------------------------------------------------------- what the routing table tells

  makePool(destination: Destination): ConnectionPool {
    const { clock } = this.#parts;
    const settings = this.#settings;
    const pool = new ConnectionPool(destination, { clock, health: this.#health, settings, hooks: this });
    pool.suspend(this.#suspended);
    return pool;
  }

  routed(queue: DomainQueue): void {
    if (!queue.open) for (const pool of queue.pools) pool.withdraw(queue);
    else if (queue.due) queue.becameDue();
    this.#credits.review(queue);
    this.probations.review(queue);
    if (queue.waiting > 0) for (const pool of queue.pools) pool.watch.heldChanged();
  }

  stopped(pool: ConnectionPool, queue: DomainQueue): boolean {
    return this.probations.hasStopped(pool, queue);
  }

  /** Mail that the old destination deferred need not wait for the new one. */
  moved(queue: DomainQueue): void {
    this.#wakeSoon([queue]);
  }

  left(queue: DomainQueue, pool: ConnectionPool): void {
    this.probations.left(pool, queue);
  }

  unused(pool: ConnectionPool): void {
    this.#drains.abandon(pool);
    this.#left.add(pool);
    void pool.retire().then(() => this.#left.delete(pool));
  }

  // -------------------------------------------------------------- what the pools tell

  hasRoom(pool: ConnectionPool): void {
    this.#claims.fill(pool);
  }

  finished(pool: ConnectionPool, mail: ClaimedMail, result: SendResult): void {
    this.#attempts.finished({ pool, queue: this.routing.queue(mail.domain) }, mail, result);
  }

  unsent(pool: ConnectionPool, mails: readonly ClaimedMail[]): void {
    for (const mail of mails) this.#attempts.unsent({ pool, queue: this.routing.queue(mail.domain) }, mail);
  }

  proving(pool: ConnectionPool, mail: ClaimedMail): boolean {
    return !this.probations.trusts(pool, this.routing.queue(mail.domain));
  }

  changed(pool: ConnectionPool, returned: boolean): void {
    if (pool.up) this.#credits.openPool(pool);
    else this.#credits.reviewPool(pool);
    if (pool.away) this.#drains.abandon(pool);
    // Another pool of the same domains may be the best one now.
    for (const queue of pool.due) for (const other of queue.active()) if (other !== pool) other.advance();
    for (const queue of pool.queues) this.probations.review(queue);
    if (!returned) return;
    this.#drains.begin(pool, this.#parts.clock.elapsed());
    this.#wakeSoon([...pool.queues].filter((queue) => queue.open));
  }

  #wakeSoon(queues: readonly DomainQueue[]): void {
    this.backlog.wake(queues).catch((error: unknown) => {
      if (this.#stopped) return;
      const fields = { domain: queues[0]?.domain, error: errorText(error) };
      this.#parts.log.error("waking mail failed, trying again", fields);
      if (this.#asleep.size === 0) this.#parts.clock.after(RETRY, () => this.#wakeAsleep());
      for (const queue of queues) this.#asleep.add(queue);
    });
  }

  #wakeAsleep(): void {
    const queues = [...this.#asleep].filter((queue) => this.routing.queues.get(queue.domain) === queue);
    this.#asleep.clear();
    if (!this.#stopped) this.#wakeSoon(queues);
  }

  /** Stops everything: the conversations (see stopPools) and running claims first, then the writing of results. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.callouts.stop();
    this.#credits.close(this.routing.queues.values());
    this.routing.stop();
    this.probations.stop();
    const pools = [...this.routing.pools.values(), ...this.#left];
    await Promise.all([stopPools(pools, this.#parts.clock), this.#claims.ended(LAST_WORD)]);
    await this.#attempts.stop(LAST_WORD);
  }

  #closed(pool: ConnectionPool, queue: DomainQueue): void {
    pool.settled();
    this.#credits.review(queue);
    this.#lookForDrained(pool, queue);
  }

  /** Looks at all pools of the domain: this pool may have taken the last due mail of another one. */
  #lookForDrained(pool: ConnectionPool, queue: DomainQueue): void {
    const now = this.#parts.clock.elapsed();
    for (const each of new Set([pool, ...queue.pools])) this.#drains.look(each, now);
  }

  #advanceAll(): void {
    for (const pool of this.routing.pools.values()) pool.advance();
  }
}
