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
import { type Desk, Lane } from "./lane.ts";
import type { LaneHooks } from "./lane-parts.ts";
import { Probations } from "./probations.ts";
import { Questions } from "./questions.ts";
import { Roster } from "./roster.ts";
import { byWeight, share } from "./sharing.ts";
import { stopLanes } from "./stopping.ts";

const RETRY = 1000;

/** Brings work, lanes and the store together: what comes in from one goes to the right one of the others. */
export class Dispatcher implements LaneHooks<Lane> {
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
      claimed: (lane, desk, mails) => this.#claimed(lane, desk, mails),
      resumed: () => this.#advanceAll(),
    });
    this.#credits = new Credits(parts.store, (lane, desk) => this.probations.of(lane, desk) === undefined);
    this.#drains = new DrainLog(parts.journal);
    this.roster = new Roster({ ...parts, hostname, hooks: this });
    this.questions = new Questions(parts, {
      desk: (domain) => this.roster.desk(domain),
      doubts: (lane, desk) => this.probations.of(lane, desk) !== undefined,
    });
    this.#attempts = new Attempts({
      ...parts,
      probations: this.probations,
      questions: this.questions,
      drains: this.#drains,
      closed: (lane, desk) => this.#closed(lane, desk),
    });
    parts.store.onNotice((notice) => this.#noticed(notice));
  }

  status(lane: Lane): PrimaryStatus {
    const probation = this.probations.status(lane);
    const acceptAll = this.questions.acceptAll(lane);
    return {
      ...lane.watch.status(),
      allowed: lane.limit,
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
    const lanes = desk.active();
    const roomy = lanes.filter((lane) => lane.room() > 0);
    const lane = byWeight(roomy.length > 0 ? roomy : lanes, desk, this.#parts.random()) ?? desk.lanes[0];
    if (lane === undefined || !desk.open) this.#attempts.release(mail, desk);
    else lane.take([mail]);
    this.#credits.review(desk);
  }

  #heldBegan(desk: Desk): void {
    if (desk.tiers.length === 0) this.roster.reroute(desk);
    for (const lane of desk.lanes) lane.watch.heldChanged();
  }

  #suspend(sick: boolean): void {
    if (this.#suspended === sick) return;
    this.#suspended = sick;
    // They are given again when the queue was counted.
    if (sick) this.#credits.close(this.roster.desks.values());
    for (const lane of this.roster.lanes.values()) lane.suspend(sick);
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
    for (const lane of this.roster.lanes.values()) if (lane.up) this.#credits.openLane(lane);
  }

  #claimed(lane: Lane, desk: Desk, mails: readonly ClaimedMail[]): void {
    desk.waiting = Math.max(0, desk.waiting - recipientsOf(mails));
    if (!desk.open) for (const mail of mails) this.#attempts.release(mail, desk);
    else {
      const trusted = (one: Lane): boolean => this.probations.of(one, desk) === undefined;
      share(mails, { lane, desk }, { trusted, random: this.#parts.random });
    }
    this.#credits.review(desk);
    this.#drains.look(lane, this.#parts.clock.elapsed());
  }

  // -------------------------------------------------------------- what the roster tells

  makeLane(destination: Destination): Lane {
    const { client, clock } = this.#parts;
    const settings = this.#settings;
    const lane = new Lane(destination, { client, clock, health: this.#health, settings, hooks: this });
    lane.suspend(this.#suspended);
    return lane;
  }

  fellDue(desk: Desk): void {
    desk.due = true;
    desk.version += 1;
    for (const lane of desk.lanes) lane.due.add(desk);
    for (const lane of desk.active()) lane.advance();
  }

  routed(desk: Desk): void {
    if (!desk.open) for (const lane of desk.lanes) lane.withdraw(desk);
    else if (desk.due) this.fellDue(desk);
    this.#credits.review(desk);
    if (desk.waiting > 0) for (const lane of desk.lanes) lane.watch.heldChanged();
  }

  /** What the old destination put off is nothing to the new one. */
  moved(desk: Desk): void {
    this.#wakeSoon([desk]);
  }

  orphaned(lane: Lane): void {
    this.#drains.abandon(lane);
    this.probations.forget(lane);
    void lane.retire();
  }

  // -------------------------------------------------------------- what the lanes tell

  roomy(lane: Lane): void {
    this.#claims.fill(lane);
  }

  finished(lane: Lane, mail: ClaimedMail, result: SendResult): void {
    this.#attempts.finished({ lane, desk: this.roster.desk(mail.domain) }, mail, result);
  }

  unsent(lane: Lane, mails: readonly ClaimedMail[]): void {
    for (const mail of mails) this.#attempts.unsent({ lane, desk: this.roster.desk(mail.domain) }, mail);
  }

  proving(lane: Lane, mail: ClaimedMail): boolean {
    return this.probations.of(lane, this.roster.desk(mail.domain)) !== undefined;
  }

  changed(lane: Lane, returned: boolean): void {
    if (lane.up) this.#credits.openLane(lane);
    else this.#credits.reviewLane(lane);
    if (lane.away) this.#drains.abandon(lane);
    // Another lane of the same domains may be the best one from here on.
    for (const desk of lane.due) for (const other of desk.active()) if (other !== lane) other.advance();
    if (!returned) return;
    this.#drains.begin(lane, this.#parts.clock.elapsed());
    this.#wakeSoon([...lane.desks].filter((desk) => desk.open));
  }

  #wakeSoon(desks: readonly Desk[]): void {
    this.wake(desks).catch((error: unknown) => {
      this.#parts.log.error("waking mail failed", { domain: desks[0]?.domain, error: errorText(error) });
    });
  }

  /** Ends all: claims at once, conversations as stopLanes tells, then what is still to be written. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#claims.stop();
    this.questions.stop();
    this.#credits.close(this.roster.desks.values());
    this.roster.stop();
    await stopLanes([...this.roster.lanes.values()], this.#parts.clock);
    await this.#attempts.stop(10_000);
  }

  #closed(lane: Lane, desk: Desk): void {
    lane.settled();
    this.#credits.review(desk);
    this.#drains.look(lane, this.#parts.clock.elapsed());
  }

  #advanceAll(): void {
    for (const lane of this.roster.lanes.values()) lane.advance();
  }
}
