import { domainOfKey } from "../../../mail/delivery-key.ts";
import type { ProbationStatus } from "../../../ports/health.ts";
import type { Journal } from "../../../ports/journal.ts";
import type { SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail, WorkStore } from "../../../ports/work-store.ts";
import { type SteadyClock, steadyClock } from "../../../runtime/clock.ts";
import type { ConnectionPool, DomainQueue, QueueAtPool } from "../pool/connection-pool.ts";
import { chooseCanary } from "./canary.ts";
import { KnownRecipients, type KnownRecipientsParts } from "./known-recipients.ts";
import { Probation } from "./probation.ts";
import { Releases } from "./releases.ts";

interface ProbationsParts extends KnownRecipientsParts {
  readonly store: Pick<WorkStore, "due" | "accepted" | "unhold">;
  readonly journal: Journal;
  /** Called when a stop has ended: mail of the domain that only this primary accepts was deferred until now. */
  readonly resumed: (queue: DomainQueue) => void;
}

/** Outages of this length or longer are followed by a probation; in ms. */
const LONG_OUTAGE = 5 * 60_000;

const NOBODY: ReadonlySet<number> = new Set();

/** The decision for one return of the pool; `probation` is undefined if none was needed. */
interface Entry {
  readonly epoch: number;
  readonly probation: Probation | undefined;
}

/**
 * The probations of all domains at all primaries. A probation begins with the first mail after an outage of 5 min or
 * more; after a start, if mail had waited for 5 min when the primary was reached, or an earlier probation had held
 * mail; and when the domain moves away from a pool at which it was in probation, or that was away for 5 min or more.
 */
export class Probations {
  readonly #parts: ProbationsParts;
  /** A clock that cannot be set, so that canaries are neither early nor late when the wall clock changes. */
  readonly #steady: SteadyClock;
  readonly #known: KnownRecipients;
  readonly #releases: Releases;
  readonly #entries = new WeakMap<ConnectionPool, Map<DomainQueue, Entry>>();
  /**
   * Domains that start a probation at each of their next pools, because an earlier process held mail, or the previous
   * pool was not trusted; and the pools at which that probation has begun.
   */
  readonly #distrusted = new Map<string, Set<ConnectionPool>>();
  /** Pools that a domain left while it was in probation there: their later refusals are not believed. */
  readonly #leftInDoubt = new WeakMap<DomainQueue, WeakSet<ConnectionPool>>();

  constructor(parts: ProbationsParts) {
    this.#parts = parts;
    this.#steady = steadyClock(parts.clock);
    this.#known = new KnownRecipients(parts);
    this.#releases = new Releases(parts);
  }

  /** Releases the mail that an earlier process held; the domains of this mail start a new probation. */
  async recover(): Promise<void> {
    const { store, clock } = this.#parts;
    for (const domain of (await store.unhold({ now: clock.now() })).keys()) this.#distrust(domain);
  }

  /** The open probation of the domain at the pool; undefined if the pool is trusted, or the domain has left it. */
  of(pool: ConnectionPool, queue: DomainQueue): Probation | undefined {
    // A late reply from a pool that the domain has left must not begin a probation, which belongs to the next pool.
    if (!queue.pools.includes(pool)) return undefined;
    const entry = this.#entries.get(pool)?.get(queue);
    const { epoch } = pool.watch.comeback;
    const current = entry?.epoch === epoch ? entry : this.#enter(pool, queue, entry);
    return current?.probation?.open === true ? current.probation : undefined;
  }

  /** Whether the primary's replies about the domain's mail are believed. */
  trusts(pool: ConnectionPool, queue: DomainQueue): boolean {
    return this.of(pool, queue) === undefined;
  }

  /** Whether a probation of the domain has stopped, so that refused mail may be held. */
  holds(queue: DomainQueue): boolean {
    return queue.pools.some((pool) => this.hasStopped(pool, queue));
  }

  hasStopped(pool: ConnectionPool, queue: DomainQueue): boolean {
    return this.#entries.get(pool)?.get(queue)?.probation?.stopped === true;
  }

  /** How many more mails of the domain may be sent to the pool. */
  room(pool: ConnectionPool, queue: DomainQueue): number {
    return this.of(pool, queue)?.room(this.#steady.now()) ?? Infinity;
  }

  /** The id of the mail to send first. */
  canary(queue: DomainQueue): Promise<string | undefined> {
    return chooseCanary(queue, { ...this.#parts, known: this.#known });
  }

  /** Recipients whose mail is held instead of parked. Undefined if the domain is not in probation. */
  judge(
    { pool, queue }: QueueAtPool,
    mail: ClaimedMail,
    result: SendResult,
  ): Promise<ReadonlySet<number>> | undefined {
    const probation = this.#entries.get(pool)?.get(queue)?.probation;
    if (probation?.open === true) return this.#judge({ pool, queue, probation }, mail, result);
    return this.#isBehindUs({ pool, queue }) ? this.#known.refused(queue.record, mail, result) : undefined;
  }

  /** Called when mail was held, as `judge` said. If the probation has released all held mail meanwhile, releases it. */
  setAside({ pool, queue }: QueueAtPool): void {
    const probation = this.#entries.get(pool)?.get(queue)?.probation;
    if (probation?.stopped !== true) return this.#releases.release(queue);
    this.review(queue);
    // If the store took long to hold the mail, there may have been none when the canary was due.
    if (probation.canaryAt <= this.#steady.now()) this.#awaitCanary(pool, queue, probation);
  }

  /** Releases mail that was held because of one primary as soon as another one accepts the domain's mail. */
  review(queue: DomainQueue): void {
    if (this.holds(queue) && this.#goesElsewhere(queue)) this.#releases.release(queue);
  }

  #goesElsewhere(queue: DomainQueue): boolean {
    return queue.active().some((pool) => !this.hasStopped(pool, queue));
  }

  /** Called when mails that were counted for the probation were not claimed, or were not sent. */
  unsent(pool: ConnectionPool, queue: DomainQueue, mails: number): void {
    const probation = this.#entries.get(pool)?.get(queue)?.probation;
    if (probation === undefined || mails === 0) return;
    probation.unsent(mails);
  }

  /** Stops releasing: mail that is held from now on waits for the next start. */
  stop(): void {
    this.#releases.stop();
  }

  /** Ends the domain's probations at an operator's request: its primaries are believed until the next outage. */
  async resume(queue: DomainQueue): Promise<void> {
    const { store, clock, resumed } = this.#parts;
    const stopped = this.holds(queue);
    for (const pool of queue.pools) {
      const probation = this.of(pool, queue);
      if (probation === undefined) continue;
      probation.end(this.#steady.now());
      this.#record("probation.passed", pool, queue, "an operator resumed it");
    }
    if (stopped) resumed(queue);
    try {
      await store.unhold({ domain: queue.domain, now: clock.now() });
    } catch (error) {
      // The operator gets the error. The held mail is released as soon as the store can do it.
      this.#releases.release(queue);
      throw error;
    }
    for (const pool of queue.pools) pool.advance();
  }

  /**
   * Called when the domain leaves a pool. Its next pools may be the same primary with other connection settings, so
   * they are not trusted sooner because of the change. Held mail is released and goes to them.
   */
  left(pool: ConnectionPool, queue: DomainQueue): void {
    const probation = this.#entries.get(pool)?.get(queue)?.probation;
    this.#entries.get(pool)?.delete(queue);
    if (probation?.open === true) this.#leaveInDoubt(pool, queue);
    if (probation?.open === true || this.#isLongAway(pool)) this.#distrust(queue.domain);
    if (probation?.stopped === true) this.#releases.release(queue);
    probation?.end(this.#steady.now());
  }

  /** The open probations to show. Left out if better primaries get the domain's mail and none is waiting. */
  status(pool: ConnectionPool): readonly ProbationStatus[] {
    const found: ProbationStatus[] = [];
    for (const [queue, { probation }] of this.#entries.get(pool) ?? []) {
      if (probation?.open !== true) continue;
      if (queue.outranks(pool) && queue.waiting === 0) continue;
      found.push(this.#status(queue, probation));
    }
    return found;
  }

  #status(queue: DomainQueue, { stopped, since: at, why, canaryAt }: Probation): ProbationStatus {
    const domain = domainOfKey(queue.domain);
    const since = this.#steady.wall(at);
    if (!stopped) return { domain, state: "running", since };
    return { domain, state: "stopped", since, why, canaryAt: this.#steady.wall(canaryAt) };
  }

  #enter(pool: ConnectionPool, queue: DomainQueue, before: Entry | undefined): Entry | undefined {
    const { epoch, outage, since } = pool.watch.comeback;
    if (epoch === 0) return before;
    // At the first contact the length of the outage is unknown; the age of the waiting mail shows it.
    const seen = epoch === 1 && queue.waiting > 0 ? since - queue.oldest : 0;
    const distrusted = this.#takeDistrust(pool, queue);
    const needed = Math.max(outage, seen) >= LONG_OUTAGE || distrusted;
    if (!needed && before?.probation?.open === true) return this.#put(pool, queue, { ...before, epoch });
    if (!needed) return this.#put(pool, queue, { epoch, probation: undefined });
    const entry = this.#put(pool, queue, { epoch, probation: new Probation(this.#steady.now()) });
    this.#record("probation.began", pool, queue);
    // Mail held by the previous probation would otherwise wait until other mail has passed the new one.
    if (before?.probation?.stopped === true) this.#releases.release(queue);
    return entry;
  }

  #leaveInDoubt(pool: ConnectionPool, queue: DomainQueue): void {
    const left = this.#leftInDoubt.get(queue) ?? new WeakSet();
    this.#leftInDoubt.set(queue, left.add(pool));
  }

  /** Whether the domain left this pool during a probation: the next primary decides on recipients that exist. */
  #isBehindUs({ pool, queue }: QueueAtPool): boolean {
    return this.#leftInDoubt.get(queue)?.has(pool) === true && !queue.pools.includes(pool);
  }

  #distrust(domain: string): void {
    this.#distrusted.set(domain, new Set());
  }

  /** True once for each of the domain's pools, because each may be the primary that was not trusted before. */
  #takeDistrust(pool: ConnectionPool, { domain, pools }: DomainQueue): boolean {
    const begun = this.#distrusted.get(domain);
    if (begun === undefined || begun.has(pool)) return false;
    begun.add(pool);
    if (pools.every((each) => begun.has(each))) this.#distrusted.delete(domain);
    return true;
  }

  #isLongAway({ away, watch }: ConnectionPool): boolean {
    return away && this.#parts.clock.now() - watch.status().since >= LONG_OUTAGE;
  }

  #put(pool: ConnectionPool, queue: DomainQueue, entry: Entry): Entry {
    const known = this.#entries.get(pool);
    if (known === undefined) this.#entries.set(pool, new Map([[queue, entry]]));
    else known.set(queue, entry);
    return entry;
  }

  async #judge(
    at: QueueAtPool & { readonly probation: Probation },
    mail: ClaimedMail,
    result: SendResult,
  ): Promise<ReadonlySet<number>> {
    const { pool, queue, probation } = at;
    const known = await this.#known.refused(queue.record, mail, result);
    // During this lookup the probation may have passed, an operator may have ended it, or the domain left the pool.
    if (!probation.open) return this.#isBehindUs(at) ? known : NOBODY;
    const { held, change } = probation.judge({ mail, result, known }, this.#steady.now());
    if (change === "stopped") this.#record("probation.stopped", pool, queue, probation.why);
    if (change === "passed") this.#record("probation.passed", pool, queue);
    if (change === "resumed") {
      this.#record("probation.passed", pool, queue, "a canary was accepted");
      this.#parts.resumed(queue);
    }
    if (probation.stopped) {
      pool.withdraw(queue);
      for (const other of queue.active()) other.advance();
      this.#awaitCanary(pool, queue, probation);
    } else if (change !== undefined) this.#releases.release(queue);
    return held;
  }

  #awaitCanary(pool: ConnectionPool, queue: DomainQueue, probation: Probation): void {
    const at = probation.canaryAt;
    this.#steady.after(Math.max(0, at - this.#steady.now()), () => {
      if (!probation.stopped || probation.canaryAt !== at) return;
      if (!queue.due) this.#releases.release(queue, 1);
      pool.advance();
    });
  }

  #record(
    kind: "probation.began" | "probation.stopped" | "probation.passed",
    pool: ConnectionPool,
    queue: DomainQueue,
    why?: string,
  ): void {
    const { waiting: held } = queue;
    const domain = domainOfKey(queue.domain);
    const { name: destination } = pool;
    this.#parts.journal.record({
      kind,
      destination,
      domain,
      held,
      ...(why !== undefined && { why }),
      ...(kind === "probation.stopped" && this.#goesElsewhere(queue) && { elsewhere: true }),
    });
  }
}
