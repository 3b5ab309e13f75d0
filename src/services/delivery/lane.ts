import type { PrimaryState } from "../../ports/health.ts";
import type { ClaimedMail } from "../../ports/queue.ts";
import type { Conversation, SendResult, SmtpClient } from "../../ports/smtp-client.ts";
import { DestinationTrouble } from "../../ports/smtp-client.ts";
import type { Clock } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";
import type { Destination, Health, Subject, Watch } from "../health/health.ts";
import { destinationName, isAway } from "../health/health.ts";
import type { DomainDesk } from "./desk.ts";
import { Ramp } from "./ramp.ts";
import type { TalkHooks } from "./talk.ts";
import { Talk } from "./talk.ts";

export type Desk = DomainDesk<Lane>;

export interface LaneSettings {
  /** Most connections to one primary. */
  readonly connections: number;
  readonly mailsPerConnection: number;
}

/** What a lane asks of the dispatcher. */
export interface LaneHooks {
  /** There is room for more claimed mail. */
  roomy(lane: Lane): void;
  finished(lane: Lane, mail: ClaimedMail, result: SendResult): void;
  /** Nothing was sent of these. */
  unsent(lane: Lane, mails: readonly ClaimedMail[]): void;
  changed(lane: Lane, returned: boolean): void;
}

export interface LaneParts {
  readonly client: SmtpClient;
  readonly clock: Clock;
  readonly health: Health;
  readonly settings: () => LaneSettings;
  readonly hooks: LaneHooks;
}

/** The way to one destination: its connections and the mail claimed for them. */
export class Lane implements Subject, TalkHooks {
  readonly destination: Destination;
  readonly name: string;
  readonly watch: Watch;
  /** Domains that may go this way. */
  readonly desks = new Set<Desk>();
  /** Those of them that may have mail due, the next to be served first. */
  readonly due = new Set<Desk>();
  /** Those that have credits at the store, the longest unused first. */
  readonly granted = new Set<Desk>();
  /** Mails asked of the store. */
  claiming = 0;
  readonly #parts: LaneParts;
  readonly #ramp = new Ramp();
  readonly #ready: ClaimedMail[] = [];
  readonly #talks = new Set<Talk>();
  #unsettled = 0;
  #opening = 0;
  #sending = 0;
  #suspended = false;
  #retired = false;
  #emptied: (() => void) | undefined;

  constructor(destination: Destination, parts: LaneParts) {
    this.destination = destination;
    this.name = destinationName(destination);
    this.#parts = parts;
    this.watch = parts.health.watch(destination, this);
  }

  get up(): boolean {
    return this.watch.state === "up" && !this.#retired;
  }

  get away(): boolean {
    return isAway(this.watch.state);
  }

  get canary(): boolean {
    return this.#ramp.canary;
  }

  /** Connections allowed at present. */
  get limit(): number {
    return this.#ramp.limit(this.#parts.settings().connections, this.#parts.clock.now());
  }

  /** Claimed and not settled. */
  get unsettled(): number {
    return this.#unsettled;
  }

  domains(): readonly string[] {
    return [...this.desks].map((desk) => desk.domain);
  }

  held(): number {
    let recipients = this.#unsettled;
    for (const desk of this.desks) if (desk.open) recipients += desk.waiting;
    return recipients;
  }

  connections(): number {
    return this.#talks.size;
  }

  changed(state: PrimaryState, returned: boolean): void {
    if (isAway(state)) {
      this.#ramp.reset();
      this.#giveBack();
    }
    this.#parts.hooks.changed(this, returned);
    this.advance();
  }

  /**
   * How many more mails to claim: one in each connection and one ahead, in all no more unsettled than four times
   * that many connections. The canary is one mail.
   */
  room(): number {
    if (!this.#running()) return 0;
    if (this.#ramp.canary) return Math.max(0, 1 - this.#unsettled - this.claiming);
    // With XCLIENT some more, so that mails of one client are found together.
    const limit = this.limit * (this.destination.identity === "xclient" ? 4 : 1);
    const inHand = this.#ready.length + this.#sending + this.claiming;
    return Math.max(0, Math.min(2 * limit - inHand, 4 * limit - this.#unsettled - this.claiming));
  }

  /** Takes claimed mail; what cannot be sent is given back. */
  take(mails: readonly ClaimedMail[]): void {
    this.#unsettled += mails.length;
    this.#ready.push(...mails);
    if (this.ending()) this.#giveBack();
    this.advance();
  }

  /** The store has written what became of one mail. */
  settled(): void {
    this.#unsettled -= 1;
    this.advance();
  }

  /** Hands out what is ready, opens connections, asks for more. */
  advance(): void {
    if (!this.#running()) return;
    this.#feedWaiting();
    const { limit } = this;
    while (this.#opening < this.#ready.length && this.#talks.size < limit) void this.#talk();
    this.#parts.hooks.roomy(this);
  }

  /** Gives back ready mail of domains that may not be delivered any more. */
  withdraw(desk: Desk): void {
    this.#giveBack((mail) => mail.domain === desk.domain);
  }

  suspend(suspended: boolean): void {
    this.#suspended = suspended;
    this.advance();
  }

  /**
   * Takes no more mail, gives back what has not begun; resolves when the last conversation has ended. A connection
   * that is still being opened ends by itself.
   */
  retire(): Promise<void> {
    this.#retired = true;
    this.watch.stop();
    this.#giveBack();
    if (!this.#conversing()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#emptied = resolve;
    });
  }

  /** Drops connections; `all` also those that wait for the reply to a final dot. */
  abort(all: boolean): void {
    for (const { conversation } of this.#talks)
      if (all || conversation?.phase !== "dot") conversation?.abort();
  }

  #conversing(): boolean {
    for (const { conversation } of this.#talks) if (conversation !== undefined) return true;
    return false;
  }

  #running(): boolean {
    return this.up && !this.#suspended;
  }

  #giveBack(chosen: (mail: ClaimedMail) => boolean = () => true): void {
    const mails = this.#ready.splice(0);
    const unsent = mails.filter(chosen);
    this.#ready.push(...mails.filter((mail) => !chosen(mail)));
    if (unsent.length > 0) this.#parts.hooks.unsent(this, unsent);
    if (!this.ending()) return;
    for (const talk of this.#talks) talk.feed(undefined);
  }

  #feedWaiting(): void {
    for (const talk of this.#talks) {
      const mail = talk.waiting ? this.next() : undefined;
      if (mail !== undefined) talk.feed(mail);
    }
  }

  // -------------------------------------------------------------- what the connections ask

  next(last?: ClaimedMail): ClaimedMail | undefined {
    const mail = this.#running() ? this.#ready.splice(this.#following(last), 1)[0] : undefined;
    if (mail !== undefined) this.#sending += 1;
    return mail;
  }

  /** Where the mail is that goes next: the primary is told of each client once, so its mails follow each other. */
  #following(last: ClaimedMail | undefined): number {
    if (last === undefined || this.destination.identity !== "xclient") return 0;
    const { ip, helo } = last.client;
    const found = this.#ready.findIndex(({ client }) => client.ip === ip && client.helo === helo);
    return Math.max(0, found);
  }

  ending(): boolean {
    return this.#retired || this.away;
  }

  hungry(): void {
    this.#parts.hooks.roomy(this);
  }

  putBack(mail: ClaimedMail): void {
    this.#sending -= 1;
    this.#ready.unshift(mail);
    if (this.ending()) this.#giveBack();
  }

  finished(mail: ClaimedMail, result: SendResult): void {
    this.#sending -= 1;
    if (result.trouble === undefined) {
      this.#ramp.pass(this.#parts.settings().connections);
      this.watch.answered();
    } else {
      this.watch.troubled(result.trouble);
    }
    this.#parts.hooks.finished(this, mail, result);
  }

  async #talk(): Promise<void> {
    const talk = new Talk(this.#parts.clock, this);
    this.#talks.add(talk);
    try {
      const conversation = await this.#open();
      if (this.#greeted(conversation))
        await talk.run(conversation, this.#parts.settings().mailsPerConnection);
      await conversation.quit();
    } catch (error) {
      this.#notOpened(error);
    } finally {
      this.#talks.delete(talk);
      if (this.#retired && !this.#conversing()) this.#emptied?.();
      this.advance();
    }
  }

  async #open(): Promise<Conversation> {
    this.#opening += 1;
    try {
      return await this.#parts.client.converse(await this.watch.target());
    } finally {
      this.#opening -= 1;
    }
  }

  #greeted(conversation: Conversation): boolean {
    return this.watch.greeted(conversation.capabilities) && this.up;
  }

  #notOpened(error: unknown): void {
    const trouble =
      error instanceof DestinationTrouble ? error : new DestinationTrouble("connect", errorText(error));
    const others = [...this.#talks].filter((talk) => talk.conversation !== undefined).length;
    const refused = trouble.reply !== undefined && trouble.stage === "greeting";
    if (refused && others > 0) this.#ramp.crowded(others, this.#parts.clock.now());
    else this.watch.troubled(trouble);
  }
}
