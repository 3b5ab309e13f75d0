import { NOTICE_DOMAIN } from "../../ports/notices.ts";
import type { PrimaryStatus } from "../../ports/health.ts";
import type { ClaimedMail, DomainWork, WorkNotice, WorkStore } from "../../ports/queue.ts";
import type { SendResult } from "../../ports/smtp-client.ts";
import { errorText } from "../../runtime/log.ts";
import { type Destination, Health, TlsMemory } from "../health/health.ts";
import { Attempts } from "./attempts.ts";
import { Claims } from "./claims.ts";
import { recipientsOf } from "./counting.ts";
import { Credits } from "./credits.ts";
import type { DeliverySettings, DispatcherParts } from "./parts.ts";
import { DrainLog } from "./drain-log.ts";
import { ConnectionPool, type Desk } from "./connection-pool.ts";
import type { PoolHooks } from "./pool-parts.ts";
import { Probations } from "./probations.ts";
import { Questions } from "./questions.ts";
import { Roster } from "./roster.ts";
import { byWeight, share } from "./sharing.ts";
import { stopPools } from "./stopping.ts";

const RETRY = 1000;

/** Brings work, pools and the store together: what comes in from one goes to the right one of the others. */
export class Dispatcher implements PoolHooks<ConnectionPool> {
  readonly #parts: DispatcherParts;
  readonly #store: WorkStore;
  readonly #settings: () => DeliverySettings;
  readonly #health: Health;
  readonly #claims: Claims;
  readonly #credits: Credits;
  readonly #attempts: Attempts;
  readonly #drains: DrainLog;
  readonly probations: Probations;
  readonly roster: Roster;
  readonly questions: Questions;
  #suspended = false;
  #recovered = false;
  #stopped = false;

  constructor(parts: DispatcherParts, settings: () => DeliverySettings) {
    this.#parts = parts;
    this.#store = parts.store;
    this.#settings = settings;
    const hostname = (): string => settings().hostname;
    const ownAddresses = (): DeliverySettings["ownAddresses"] => settings().ownAddresses;
    this.#health = new Health({ ...parts, hostname, ownAddresses, memory: new TlsMemory(parts) });
    this.probations = new Probations(parts);
    this.#claims = new Claims({
      ...parts,
      probations: this.probations,
      claimed: (pool, desk, mails) => this.#claimed(pool, desk, mails),
      resumed: () => this.#advanceAll(),
    });
    this.#credits = new Credits(parts.store, (pool, desk) => this.probations.of(pool, desk) === undefined);
    this.#drains = new DrainLog(parts.journal);
    this.roster = new Roster({ ...parts, hostname, hooks: this });
    this.questions = new Questions(parts, {
      desk: (domain) => this.roster.desk(domain),
      doubts: (pool, desk) => this.probations.of(pool, desk) !== undefined,
    });
    this.#attempts = new Attempts({
      ...parts,
      probations: this.probations,
      questions: this.questions,
      drains: this.#drains,
      closed: (pool, desk) => this.#closed(pool, desk),
    });
    parts.store.onNotice((notice) => this.#noticed(notice));
  }

  status(pool: ConnectionPool): PrimaryStatus {
    const probation = this.probations.status(pool);
    const acceptAll = this.questions.acceptAll(pool);
    return {
      ...pool.watch.status(),
      allowed: pool.limit,
      ...(probation.length > 0 && { probation }),
      ...(acceptAll.length > 0 && { acceptAll }),
    };
  }

  // -------------------------------------------------------------- what the store tells

  /** Counts what waits; mail that is due begins to move. Answers nothing when the store cannot tell. */
  async survey(): Promise<readonly DomainWork[]> {
    const versions = new Map([...this.roster.desks].map(([domain, desk]) => [domain, desk.version]));
    const work = (await this.#store.work()).filter(({ domain }) => domain !== NOTICE_DOMAIN);
    const listed = new Set(work.map(({ domain }) => domain));
    for (const each of work) this.#surveyed(each);
    for (const [domain, desk] of this.roster.desks)
      if (!listed.has(domain) && desk.version === versions.get(domain)) desk.waiting = 0;
    return work;
  }

  /** Makes what waits for these domains due at once. */
  async wake(desks: readonly Desk[]): Promise<void> {
    if (desks.length === 0) return;
    for (const desk of desks) if (desk.waiting > 0) this.fellDue(desk);
    const work = await this.#store.wake(desks.map(({ domain }) => domain));
    for (const each of work) this.#surveyed(each);
  }

  #surveyed(work: DomainWork): void {
    const desk = this.roster.desk(work.domain);
    const wasEmpty = desk.waiting === 0;
    desk.survey(work);
    if (wasEmpty) this.#heldBegan(desk);
  }

  #noticed(notice: WorkNotice): void {
    if (this.#stopped) return void (notice.kind === "claimed" && this.#attempts.release(notice.mail));
    if (notice.kind === "condition") return this.#suspend(notice.condition === "sick");
    if (notice.kind === "claimed") return this.#pushed(notice.mail);
    if (notice.domain === NOTICE_DOMAIN) return this.#parts.tidings.waiting();
    const desk = this.roster.desk(notice.domain);
    const wasEmpty = desk.waiting === 0;
    desk.waiting += notice.recipients;
    this.fellDue(desk);
    if (wasEmpty) this.#heldBegan(desk);
  }

  /** Fresh mail, claimed in the commit that accepted it. */
  #pushed(mail: ClaimedMail): void {
    const desk = this.roster.desk(mail.domain);
    this.#credits.used(desk);
    const pools = desk.active();
    const roomy = pools.filter((pool) => pool.room() > 0);
    const pool = byWeight(roomy.length > 0 ? roomy : pools, desk, this.#parts.random()) ?? desk.pools[0];
    if (pool === undefined || !desk.open) this.#attempts.release(mail, desk);
    else pool.take([mail]);
    this.#credits.review(desk);
  }

  #heldBegan(desk: Desk): void {
    if (desk.tiers.length === 0) this.roster.reroute(desk);
    for (const pool of desk.pools) pool.watch.heldChanged();
  }

  #suspend(sick: boolean): void {
    if (this.#suspended === sick) return;
    this.#suspended = sick;
    // They are given again when the queue was counted.
    if (sick) this.#credits.close(this.roster.desks.values());
    for (const pool of this.roster.pools.values()) pool.suspend(sick);
    if (!sick) this.surveyAgain();
  }

  /** Surveys until the store answers. */
  surveyAgain(): void {
    this.#survey().catch((error: unknown) => {
      this.#parts.log.error("counting the queue failed, trying again", { error: errorText(error) });
      if (!this.#stopped) this.#parts.clock.after(RETRY, () => this.surveyAgain());
    });
  }

  async #survey(): Promise<void> {
    if (!this.#recovered) await this.probations.recover();
    this.#recovered = true;
    await this.survey();
    if (this.#stopped || this.#suspended) return;
    this.#credits.open();
    this.#claims.begin();
    for (const pool of this.roster.pools.values()) if (pool.up) this.#credits.openPool(pool);
  }

  #claimed(pool: ConnectionPool, desk: Desk, mails: readonly ClaimedMail[]): void {
    desk.waiting = Math.max(0, desk.waiting - recipientsOf(mails));
    if (!desk.open) for (const mail of mails) this.#attempts.release(mail, desk);
    else {
      const trusted = (one: ConnectionPool): boolean => this.probations.of(one, desk) === undefined;
      share(mails, { pool, desk }, { trusted, random: this.#parts.random });
    }
    this.#credits.review(desk);
    this.#drains.look(pool, this.#parts.clock.elapsed());
  }

  // -------------------------------------------------------------- what the roster tells

  makePool(destination: Destination): ConnectionPool {
    const { client, clock } = this.#parts;
    const settings = this.#settings;
    const pool = new ConnectionPool(destination, {
      client,
      clock,
      health: this.#health,
      settings,
      hooks: this,
    });
    pool.suspend(this.#suspended);
    return pool;
  }

  fellDue(desk: Desk): void {
    desk.due = true;
    desk.version += 1;
    for (const pool of desk.pools) pool.due.add(desk);
    for (const pool of desk.active()) pool.advance();
  }

  routed(desk: Desk): void {
    if (!desk.open) for (const pool of desk.pools) pool.withdraw(desk);
    else if (desk.due) this.fellDue(desk);
    this.#credits.review(desk);
    if (desk.waiting > 0) for (const pool of desk.pools) pool.watch.heldChanged();
  }

  /** What the old destination put off is nothing to the new one. */
  moved(desk: Desk): void {
    this.#wakeSoon([desk]);
  }

  orphaned(pool: ConnectionPool): void {
    this.#drains.abandon(pool);
    this.probations.forget(pool);
    void pool.retire();
  }

  // -------------------------------------------------------------- what the pools tell

  roomy(pool: ConnectionPool): void {
    this.#claims.fill(pool);
  }

  finished(pool: ConnectionPool, mail: ClaimedMail, result: SendResult): void {
    this.#attempts.finished({ pool, desk: this.roster.desk(mail.domain) }, mail, result);
  }

  unsent(pool: ConnectionPool, mails: readonly ClaimedMail[]): void {
    for (const mail of mails) this.#attempts.unsent({ pool, desk: this.roster.desk(mail.domain) }, mail);
  }

  proving(pool: ConnectionPool, mail: ClaimedMail): boolean {
    return this.probations.of(pool, this.roster.desk(mail.domain)) !== undefined;
  }

  changed(pool: ConnectionPool, returned: boolean): void {
    if (pool.up) this.#credits.openPool(pool);
    else this.#credits.reviewPool(pool);
    if (pool.away) this.#drains.abandon(pool);
    // Another pool of the same domains may be the best one from here on.
    for (const desk of pool.due) for (const other of desk.active()) if (other !== pool) other.advance();
    if (!returned) return;
    this.#drains.begin(pool, this.#parts.clock.elapsed());
    this.#wakeSoon([...pool.desks].filter((desk) => desk.open));
  }

  #wakeSoon(desks: readonly Desk[]): void {
    this.wake(desks).catch((error: unknown) => {
      this.#parts.log.error("waking mail failed", { domain: desks[0]?.domain, error: errorText(error) });
    });
  }

  /** Ends all: claims at once, conversations as stopPools tells, then what is still to be written. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#claims.stop();
    this.questions.stop();
    this.#credits.close(this.roster.desks.values());
    this.roster.stop();
    await stopPools([...this.roster.pools.values()], this.#parts.clock);
    await this.#attempts.stop(10_000);
  }

  #closed(pool: ConnectionPool, desk: Desk): void {
    pool.settled();
    this.#credits.review(desk);
    this.#drains.look(pool, this.#parts.clock.elapsed());
  }

  #advanceAll(): void {
    for (const pool of this.roster.pools.values()) pool.advance();
  }
}
