import { DestinationTrouble, type Conversation, type SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../../ports/work-store.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";
import { errorText } from "../../../runtime/log.ts";

/** Milliseconds that a connection waits for the next mail. */
const LINGER = 2000;

/** What a connection calls at its pool. */
export interface ConnectionHooks {
  /** The next mail, if one is ready; `last` is the previous mail on the same connection. */
  next(connection: PooledConnection, last?: ClaimedMail): ClaimedMail | undefined;
  /** Mails that may be in flight on this connection. */
  depth(conversation: Conversation): number;
  /**
   * Whether nothing else may be in flight beside this mail: its primary is in probation, or the result of its last
   * attempt is unknown.
   */
  alone(mail: ClaimedMail): boolean;
  /** Whether the pool will give no more mail. */
  ending(): boolean;
  /** Called when a connection waits for mail. */
  mailWanted(): void;
  /** Called when the connection ended, or cannot take this mail, before anything of it was sent. */
  putBack(mail: ClaimedMail): void;
  finished(mail: ClaimedMail, result: SendResult): void;
}

/** One connection of a pool: being opened, in use, or waiting for the next mail. */
export class PooledConnection {
  /** Undefined while the connection is being opened. */
  conversation: Conversation | undefined;
  readonly #clock: Clock;
  readonly #hooks: ConnectionHooks;
  #feed: ((mail: ClaimedMail | undefined) => void) | undefined;
  #linger: Timer | undefined;
  #inFlight = 0;
  /** Wakes `#until` when fewer mails are in flight. */
  #fewer: (() => void) | undefined;

  constructor(clock: Clock, hooks: ConnectionHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** Whether it waits for another mail. */
  get waiting(): boolean {
    return this.#feed !== undefined;
  }

  /** Whether mails are in flight. */
  get busy(): boolean {
    return this.#inFlight > 0;
  }

  /** Whether nothing more can be sent on it. A connection that is being opened has not ended. */
  get ended(): boolean {
    return this.conversation !== undefined && hasEnded(this.conversation);
  }

  /** Gives a mail to a waiting connection; undefined ends the connection. */
  feed(mail: ClaimedMail | undefined): void {
    this.#feed?.(mail);
  }

  /** Sends up to `most` mails. Returns when the connection has ended, or no mail came in time. */
  async run(conversation: Conversation, most: number): Promise<void> {
    this.conversation = conversation;
    let last: ClaimedMail | undefined;
    for (let sent = 0; sent < most && !hasEnded(conversation); sent++) {
      const next = this.#next(last);
      const mail = next instanceof Promise ? await next : next;
      if (mail === undefined) break;
      last = mail;
      const alone = this.#hooks.alone(mail);
      if (this.busy && (alone || !conversation.takes(mail))) await this.#until(0);
      if (hasEnded(conversation) || !conversation.takes(mail)) {
        this.#hooks.putBack(mail);
        break;
      }
      void this.#send(conversation, mail);
      const beside = alone ? 0 : this.#hooks.depth(conversation) - 1;
      if (this.#inFlight > beside) await this.#until(beside);
    }
    await this.#until(0);
  }

  async #send(conversation: Conversation, mail: ClaimedMail): Promise<void> {
    this.#inFlight += 1;
    let result: SendResult;
    try {
      result = await conversation.send(mail);
    } catch (error) {
      result = unexpected(mail, error);
    }
    this.#inFlight -= 1;
    this.#hooks.finished(mail, result);
    this.#fewer?.();
    if (hasEnded(conversation)) this.feed(undefined);
    else if (this.waiting && !this.busy) this.#beginToLinger();
  }

  /** Resolves when at most so many mails are in flight. */
  async #until(most: number): Promise<void> {
    while (this.#inFlight > Math.max(0, most)) {
      await new Promise<void>((resolve) => {
        this.#fewer = resolve;
      });
      this.#fewer = undefined;
    }
  }

  #next(last: ClaimedMail | undefined): ClaimedMail | undefined | Promise<ClaimedMail | undefined> {
    const ready = this.#hooks.next(this, last);
    if (ready !== undefined || this.#hooks.ending()) return ready;
    return new Promise((resolve) => {
      this.#feed = (mail) => {
        this.#feed = undefined;
        this.#linger?.cancel();
        resolve(mail);
      };
      if (!this.busy) this.#beginToLinger();
      this.#hooks.mailWanted();
    });
  }

  #beginToLinger(): void {
    this.#linger = this.#clock.after(LINGER, () => this.feed(undefined));
  }
}

function hasEnded({ phase }: Conversation): boolean {
  return phase === "over";
}

/** The result if the SMTP client throws, which is a bug: how much it had sent by then is unknown. */
function unexpected(mail: ClaimedMail, error: unknown): SendResult {
  const why = errorText(error);
  const outcomes = new Map(mail.recipients.map(({ n }) => [n, { kind: "unconfirmed" as const, why }]));
  return { outcomes, trouble: new DestinationTrouble("session", why), took: 0 };
}
