/**
 * Delivers mail: claim, route, attempt, settle. The floors of this room, each of which imports none above it:
 *
 *   dispatch/   connects work, pools and the store: claims mail, grants credits, passes mail on, settles
 *   dsn/        closes the debt of a notice with a DSN, or with the reason for sending none (services/bounce decides
 *               and words both), and delivers DSNs over their own route, without pools
 *   probation/  holds mail that is implausibly refused after an outage of 5 min or more
 *   routing/    decides which pools each domain may use, by preference and weight; rehearses the route
 *   pool/       holds the connections to one destination, limits their number, keeps the mail claimed for them
 *   ground/     serves the other floors: writes results until the store accepts them; notices jumps of the clock
 *
 * There is one pool for each destination (`host:port`), shared by all domains that use it. Pools are independent, so
 * one bad primary slows down nobody else. While its primary is up, a pool claims due mail of its domains in turn, never
 * more than its connections can send plus a few mails ahead: one for each connection, four if it pipelines. After start
 * and after an outage, one mail goes first, then connections double up to the limit. Once a domain has no older mail
 * that is due, credits at the store let new mail be claimed in the commit that accepts it. When a primary goes down,
 * claimed mail that no connection has begun to send is released; when the primary returns, all its waiting mail becomes
 * due.
 *
 * Invariants: the route is looked up when mail is delivered, not when it is accepted; no mail is sent to this server
 * itself; permanently refused mail is parked, mail without a destination waits; the result of an attempt is written
 * until the store accepts it; while the store is sick, nothing is claimed and nothing new is sent.
 */
import { domainOfKey } from "../../mail/delivery-key.ts";
import type { CalloutAnswer, CalloutQuestion } from "../../ports/callout.ts";
import type { PrimaryStatus } from "../../ports/health.ts";
import type { PrimaryRehearsal, RehearsalRequest } from "../../ports/rehearsal.ts";
import type { DomainWork } from "../../ports/work-store.ts";
import type { Job } from "../../runtime/schedule.ts";
import { AgeWatch, expiryJob, type Aging, type Retention } from "../queue/queue.ts";
import { ClockSteps } from "./ground/clock-steps.ts";
import { Dispatcher } from "./dispatch/dispatcher.ts";
import { DsnDispatcher } from "./dsn/dsn-dispatcher.ts";
import type { DeliveryParts, DeliverySettings, Doubts } from "./ground/parts.ts";
import { rehearse } from "./routing/rehearsal.ts";

export type { DeliverySettings } from "./ground/parts.ts";

export interface Delivery {
  /** Jobs for the daemon's schedule, among them the expiry of the queue and a survey of waiting mail once a minute. */
  readonly jobs: readonly Job[];
  status(): readonly PrimaryStatus[];
  /** These domains or their primaries changed, or were paused or resumed. Takes effect within a second. */
  directoryChanged(domains: readonly string[]): void;
  /** Makes waiting mail due now and probes primaries that are away at once. Without names: for every domain. */
  flush(domains?: readonly string[]): Promise<void>;
  /**
   * Ends the probations of a domain: its primaries' replies are believed, and held mail is delivered. This includes
   * mail that an operator sent to another destination.
   */
  resume(domain: string): Promise<void>;
  /** Asks the domain's primary whether it has a mailbox. Never rejects. */
  ask(question: CalloutQuestion): Promise<CalloutAnswer>;
  /** Runs a test session with each primary of a domain. Undefined if it is not ours. Never rejects. */
  rehearse(request: RehearsalRequest): Promise<readonly PrimaryRehearsal[] | undefined>;
  apply(settings: DeliverySettings): void;
  /** Stops within 45 s: claims nothing more, waits 30 s for replies to final dots, releases all other mail. */
  stop(): Promise<void>;
}

/** Milliseconds. */
const SURVEY_EVERY = 60_000;
/** In ms. Longer than the longest back-off of a recipient (1 h plus jitter). */
const FARTHEST = 2 * 3_600_000;

/** Starts to watch primaries and to deliver waiting mail. */
export function startDelivery(parts: DeliveryParts): Delivery {
  return new RunningDelivery(parts);
}

class RunningDelivery implements Delivery {
  readonly jobs: readonly Job[];
  readonly #parts: DeliveryParts;
  readonly #dispatcher: Dispatcher;
  readonly #ages: AgeWatch;
  readonly #dsns: DsnDispatcher;
  #settings: DeliverySettings;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    this.#ages = new AgeWatch(parts);
    const settings = (): DeliverySettings => this.#settings;
    const steps = new ClockSteps({ ...parts, wakeAll: () => this.flush() });
    const timely = (): boolean => steps.timely();
    const isDoubted: Doubts = (domain, at) => this.#dispatcher.isDoubted(domain, at);
    this.#dsns = new DsnDispatcher({ ...parts, timely, isDoubted }, settings);
    this.#dispatcher = new Dispatcher({ ...parts, dsnTriggers: this.#dsns }, settings);
    const survey: Job = { name: "delivery.survey", every: SURVEY_EVERY, run: () => this.#survey() };
    const expired = (): void => this.#dsns.owed();
    const retention = (): Retention => this.#settings.retention;
    const expiry = expiryJob({ ...parts, retention, timely, expired });
    this.jobs = [expiry, survey, steps.job, ...this.#dsns.jobs];
    // The mail is counted first, so that the report of a primary that is down names how much mail is held for it.
    void this.#dispatcher.begin().then(() => this.#watchAll());
  }

  status(): readonly PrimaryStatus[] {
    return [...this.#dispatcher.routing.pools.values()].map((pool) => this.#dispatcher.status(pool));
  }

  directoryChanged(domains: readonly string[]): void {
    this.#dispatcher.routing.refresh(domains);
    for (const pool of this.#dispatcher.routing.pools.values())
      if (pool.watch.state === "loop") pool.watch.recheck();
    this.#watchAll();
  }

  async flush(domains?: readonly string[]): Promise<void> {
    const { routing, backlog } = this.#dispatcher;
    const named = domains?.map((domain) => routing.queues.get(domain)).filter((queue) => queue !== undefined);
    const queues = named ?? [...routing.queues.values()];
    for (const pool of new Set(queues.flatMap((queue) => queue.pools))) pool.watch.recheck();
    if (domains === undefined) await this.#dsns.flush();
    await backlog.wake(queues);
  }

  async resume(domain: string): Promise<void> {
    const { routing, probations } = this.#dispatcher;
    await Promise.all(routing.queuesOf([domain]).map((queue) => probations.resume(queue)));
  }

  ask(question: CalloutQuestion): Promise<CalloutAnswer> {
    return this.#dispatcher.callouts.ask(question);
  }

  async rehearse(request: RehearsalRequest): Promise<readonly PrimaryRehearsal[] | undefined> {
    const { directory } = this.#parts;
    const record = directory.domain(request.domain, directory.generation());
    if (record === undefined) return undefined;
    const { hostname, ownAddresses } = this.#settings;
    return rehearse(record, request, { ...this.#parts, hostname, ownAddresses: () => ownAddresses });
  }

  apply(settings: DeliverySettings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#dispatcher.routing.refresh();
    this.#dsns.renewed(before, settings);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#dispatcher.stop(), this.#dsns.stop()]);
  }

  async #survey(): Promise<void> {
    const { routing, backlog, probations } = this.#dispatcher;
    routing.refreshMx();
    const work = await backlog.count();
    routing.leaveDetours((queue) => probations.holds(queue));
    await this.#wakeSleepers(work);
    const limits = { oldest: this.#settings.alertsOldest, waiting: this.#settings.retention.waiting };
    this.#ages.look(byDomain(work), limits);
  }

  /**
   * Makes mail due whose due time lies beyond the longest back-off: that time was computed while the clock was ahead.
   */
  async #wakeSleepers(work: readonly DomainWork[]): Promise<void> {
    const farthest = this.#parts.clock.now() + FARTHEST;
    const asleep = work.filter(({ lastDue }) => lastDue > farthest);
    const { routing, backlog } = this.#dispatcher;
    await backlog.wake(asleep.map(({ domain }) => routing.queue(domain)));
  }

  #watchAll(): void {
    this.#parts.domains().then(
      (names) => names.forEach((name) => this.#dispatcher.routing.queue(name)),
      (error: unknown) => this.#parts.log.error("listing domains failed", { error: String(error) }),
    );
  }
}

/** Adds up the work by domain: mail that an operator sent to another destination counts for its own domain. */
function byDomain(work: readonly DomainWork[]): readonly Aging[] {
  const found = new Map<string, Aging>();
  for (const { domain: key, oldest, recipients } of work) {
    const domain = domainOfKey(key);
    const { oldest: before, recipients: others } = found.get(domain) ?? { oldest: Infinity, recipients: 0 };
    found.set(domain, { domain, oldest: Math.min(before, oldest), recipients: others + recipients });
  }
  return [...found.values()];
}
