import type { ClaimedMail } from "../../ports/queue.ts";
import type { Conversation, SendResult } from "../../ports/smtp-client.ts";
import { DestinationTrouble } from "../../ports/smtp-client.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";

/** Milliseconds that a connection waits for the next mail. */
const LINGER = 2000;

/** What a connection asks of its lane. */
export interface TalkHooks {
  /** The next mail, when one is ready; `last` is the one before it on the same connection. */
  next(last?: ClaimedMail): ClaimedMail | undefined;
  /** No more mail will come. */
  ending(): boolean;
  /** A connection waits for mail. */
  hungry(): void;
  /** The connection had ended before this mail began. */
  putBack(mail: ClaimedMail): void;
  finished(mail: ClaimedMail, result: SendResult): void;
}

/** One connection of a lane: being opened, in use, or waiting for the next mail. */
export class Talk {
  /** Absent while it is being opened. */
  conversation: Conversation | undefined;
  readonly #clock: Clock;
  readonly #hooks: TalkHooks;
  #feed: ((mail: ClaimedMail | undefined) => void) | undefined;

  constructor(clock: Clock, hooks: TalkHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  get waiting(): boolean {
    return this.#feed !== undefined;
  }

  /** Hands a mail to a waiting connection; undefined ends it. */
  feed(mail: ClaimedMail | undefined): void {
    this.#feed?.(mail);
  }

  /** Hands over up to `most` mails; returns when the connection has ended, or none came in time. */
  async run(conversation: Conversation, most: number): Promise<void> {
    this.conversation = conversation;
    let last: ClaimedMail | undefined;
    for (let sent = 0; sent < most; sent++) {
      const mail = await this.#next(last);
      if (mail === undefined) return;
      last = mail;
      if (conversation.phase !== "idle" || !conversation.takes(mail)) return this.#hooks.putBack(mail);
      const result = await conversation.send(mail).catch((error: unknown) => unexpected(mail, error));
      this.#hooks.finished(mail, result);
      if (conversation.phase !== "idle") return;
    }
  }

  #next(last: ClaimedMail | undefined): Promise<ClaimedMail | undefined> {
    const ready = this.#hooks.next(last);
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#hooks.ending()) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      this.#feed = (mail) => {
        this.#feed = undefined;
        timer?.cancel();
        resolve(mail);
      };
      timer = this.#clock.after(LINGER, () => this.feed(undefined));
      this.#hooks.hungry();
    });
  }
}

/** A client that throws has a bug; what it had sent by then is not known. */
function unexpected(mail: ClaimedMail, error: unknown): SendResult {
  const why = errorText(error);
  const outcomes = new Map(mail.recipients.map(({ n }) => [n, { kind: "unconfirmed" as const, why }]));
  return { outcomes, trouble: new DestinationTrouble("session", why), took: 0 };
}
