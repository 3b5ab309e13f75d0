import { domainOfKey } from "../../../mail/delivery-key.ts";
import type { PrimaryState } from "../../../ports/health.ts";
import { lackOf, type Conversation, type SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../../ports/work-store.ts";
import {
  asTrouble,
  destinationName,
  isAway,
  type Destination,
  type Observer,
  type Watch,
} from "../../health/health.ts";
import { Allowance } from "./allowance.ts";
import { roomOf } from "./capacity.ts";
import type { DomainQueueOf } from "./domain-queue.ts";
import type { PoolParts } from "./pool-parts.ts";
import { PooledConnection, type ConnectionHooks } from "./pooled-connection.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { closedBy421, isInDoubt, passedBy } from "./results.ts";

/** A domain queue whose pools are connection pools; pools and queues refer to each other. */
export type DomainQueue = DomainQueueOf<ConnectionPool>;

/** The mail of one domain at one of its pools. */
export interface QueueAtPool {
  readonly pool: ConnectionPool;
  readonly queue: DomainQueue;
}

/** The connections to one destination, and the mail claimed for them. */
export class ConnectionPool implements Observer, ConnectionHooks {
  readonly destination: Destination;
  readonly name: string;
  readonly watch: Watch;
  /** The queues of the domains that have this destination. */
  readonly queues = new Set<DomainQueue>();
  /** The queues that may have due mail, in the order in which they are served. */
  readonly due = new Set<DomainQueue>();
  /** The queues that have credits at the store, the one that used them longest ago first. */
  readonly granted = new Set<DomainQueue>();
  /** Mails that the store was asked for and has not yet returned. */
  claiming = 0;
  readonly #parts: PoolParts<ConnectionPool>;
  readonly #allowance: Allowance;
  readonly #ready = new ReadyQueue();
  readonly #connections = new Set<PooledConnection>();
  /** Mails that are claimed and not settled: ready, in flight, or being written. */
  #unsettled = 0;
  /** Mails that connections have taken and not finished. */
  #sending = 0;
  /** Connections on which the primary has not greeted yet. */
  #opening = 0;
  #suspended = false;
  #retired = false;
  /** Resolves when the last conversation of a retired pool has ended. */
  readonly #emptied = Promise.withResolvers<void>();

  constructor(destination: Destination, parts: PoolParts<ConnectionPool>) {
    this.destination = destination;
    this.name = destinationName(destination);
    this.#parts = parts;
    this.#allowance = new Allowance(destination, parts.settings, parts.clock, () => this.advance());
    this.watch = parts.health.watch(destination, this);
  }

  get up(): boolean {
    return this.watch.state === "up" && !this.#retired;
  }

  get away(): boolean {
    return isAway(this.watch.state);
  }

  get canary(): boolean {
    return this.#allowance.canary;
  }

  /** Connections allowed at present. */
  get limit(): number {
    return this.#allowance.limit;
  }

  /** Mails that are claimed and not settled. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Whether the primary offers what the mail needs; true if that is not yet known. */
  mayTake(mail: ClaimedMail): boolean {
    const { capabilities } = this.watch.status();
    return capabilities === undefined || lackOf(capabilities, mail) === undefined;
  }

  /** How many more mails to claim. The canary is one mail. */
  room(): number {
    if (!this.#running()) return 0;
    if (this.canary) return Math.max(0, 1 - this.#unsettled - this.claiming);
    // With XCLIENT more mail is claimed, so that mails of the same client can be sent one after another.
    const connections = this.limit * (this.destination.identity === "xclient" ? 4 : 1);
    const room = roomOf({
      connections,
      depth: this.#allowance.depth(),
      unanswered: this.#ready.size + this.#sending + this.claiming,
      unsettled: this.#unsettled + this.claiming,
    });
    return Math.max(0, Math.min(room, this.#allowance.ahead - this.#ready.size - this.claiming));
  }

  /** Takes over claimed mail; gives it back if it cannot be sent. */
  take(mails: readonly ClaimedMail[]): void {
    this.#unsettled += mails.length;
    this.#ready.add(mails);
    if (this.ending()) this.#giveBack();
    this.advance();
  }

  /** Called when the store has written the result of one mail. */
  settled(): void {
    this.#unsettled -= 1;
    this.advance();
  }

  /** Gives ready mail to connections, opens further connections, and asks for more mail. */
  advance(): void {
    if (!this.#running()) return;
    // An idle connection is best, then a new one, then a connection with other mails in flight.
    this.#feedWaiting(false);
    const { limit } = this;
    while (this.#opening < this.#ready.size && this.#connections.size < limit) void this.#connect();
    this.#feedWaiting(true);
    this.#parts.hooks.hasRoom(this);
  }

  /** Gives back the ready mail of a domain that must no longer be delivered here. */
  withdraw(queue: DomainQueue): void {
    this.#giveBack((mail) => mail.domain === queue.domain);
  }

  suspend(suspended: boolean): void {
    this.#suspended = suspended;
    this.advance();
  }

  /**
   * Stops the pool: it accepts no more mail and gives back mail that no connection has begun. Resolves when the last
   * conversation has ended. A connection that is still being opened ends by itself.
   */
  retire(): Promise<void> {
    this.#retired = true;
    this.watch.stop();
    this.#giveBack();
    this.#lookWhetherEmpty();
    return this.#emptied.promise;
  }

  /** The conversations of all connections on which the primary has greeted. */
  conversations(): readonly Conversation[] {
    return [...this.#connections].flatMap(({ conversation }) => conversation ?? []);
  }

  // -------------------------------------------------------------- for the watch of the primary

  domains(): readonly string[] {
    return [...new Set([...this.queues].map((queue) => domainOfKey(queue.domain)))];
  }

  held(): number {
    let recipients = this.#unsettled;
    for (const queue of this.queues) if (queue.open) recipients += queue.waiting;
    return recipients;
  }

  connections(): number {
    return this.#connections.size;
  }

  changed(state: PrimaryState, returned: boolean): void {
    if (isAway(state)) {
      this.#allowance.reset();
      this.#giveBack();
    }
    this.#parts.hooks.changed(this, returned);
    this.advance();
  }

  // -------------------------------------------------------------- for the connections

  next(connection: PooledConnection, last?: ClaimedMail): ClaimedMail | undefined {
    // A mail for which a new connection is being opened does not queue behind another mail, which may be slow.
    if (!this.#running() || (connection.busy && this.#ready.size <= this.#opening)) return undefined;
    if (this.#ready.size === 0 || !this.#allowance.mayBegin()) return undefined;
    // With XCLIENT, mails of the same client follow each other, so that the client is announced only once.
    const mail = this.#ready.take(this.destination.identity === "xclient" ? last : undefined);
    if (mail !== undefined) this.#sending += 1;
    return mail;
  }

  depth({ window }: Conversation): number {
    return this.#allowance.depth(window);
  }

  alone(mail: ClaimedMail): boolean {
    return this.canary || isInDoubt(mail) || this.#parts.hooks.proving(this, mail);
  }

  ending(): boolean {
    return this.#retired || this.away;
  }

  mailWanted(): void {
    this.#parts.hooks.hasRoom(this);
  }

  putBack(mail: ClaimedMail): void {
    this.#sending -= 1;
    this.#ready.putFirst(mail);
    if (this.ending()) this.#giveBack();
  }

  finished(mail: ClaimedMail, result: SendResult): void {
    this.#sending -= 1;
    const passed = passedBy(result);
    if (closedBy421(result)) this.#allowance.halve();
    if (result.trouble !== undefined) this.watch.troubled(result.trouble);
    else if (passed !== undefined) {
      this.#allowance.pass(passed);
      this.watch.answered(passed.took, mail.size);
    }
    this.#parts.hooks.finished(this, mail, result);
  }

  // -------------------------------------------------------------- the connections

  async #connect(): Promise<void> {
    const connection = new PooledConnection(this.#parts.clock, this);
    this.#connections.add(connection);
    try {
      const conversation = await this.#open();
      if (this.#greeted(conversation)) await connection.run(conversation, this.#allowance.mailsPerConnection);
      await conversation.quit();
    } catch (error) {
      this.#notOpened(connection, error);
    } finally {
      this.#connections.delete(connection);
      this.#lookWhetherEmpty();
      this.advance();
    }
  }

  async #open(): Promise<Conversation> {
    this.#opening += 1;
    try {
      return await this.watch.converse();
    } finally {
      this.#opening -= 1;
    }
  }

  #greeted({ window }: Conversation): boolean {
    this.#allowance.window = window;
    return this.up;
  }

  /**
   * If other connections are open, a rejected one only shows how many the primary accepts. If the primary is in fact
   * down, the other connections will show that.
   */
  #notOpened(connection: PooledConnection, error: unknown): void {
    const trouble = asTrouble(error);
    const others = [...this.#connections].filter((other) => other !== connection && !other.ended).length;
    const turnedAway = trouble.stage === "connect" || trouble.stage === "greeting";
    if (turnedAway && others > 0) this.#allowance.cap(others);
    else this.watch.troubled(trouble);
  }

  #running(): boolean {
    return this.up && !this.#suspended;
  }

  #lookWhetherEmpty(): void {
    if (this.#retired && this.conversations().length === 0) this.#emptied.resolve();
  }

  #giveBack(chosen: (mail: ClaimedMail) => boolean = () => true): void {
    const unsent = this.#ready.remove(chosen);
    if (unsent.length > 0) this.#parts.hooks.unsent(this, unsent);
    if (!this.ending()) return;
    for (const connection of this.#connections) connection.feed(undefined);
  }

  /** Gives ready mail to waiting connections: those with mails in flight if `busy`, else idle ones. */
  #feedWaiting(busy: boolean): void {
    if (this.#ready.size === 0) return;
    for (const connection of this.#connections) {
      const mail = connection.waiting && connection.busy === busy ? this.next(connection) : undefined;
      if (mail !== undefined) connection.feed(mail);
    }
  }
}
