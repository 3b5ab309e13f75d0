import { formatReply, type Reply } from "../../mail/reply.ts";
import type { Conversation } from "../../ports/smtp-client.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { errorText } from "../../runtime/log.ts";

/** The way to one primary, as delivery knows it. */
export interface CalloutWay {
  /** `host:port`. */
  readonly name: string;
  /** Counts how often the primary came up. */
  readonly epoch: number;
  /** Returns whether the domain is in probation there, so that refusals are not believed. */
  inProbation(): boolean;
  /** Opens a conversation and waits for the greeting. Rejects if that fails, or if the server is this one. */
  converse(): Promise<Conversation>;
}

/** What a primary said to the addresses of one question. */
export interface Inquiry {
  readonly answers: ReadonlyMap<string, Reply>;
  /** Why there are none. */
  readonly why?: string;
}

interface Waiting {
  readonly way: CalloutWay;
  readonly addresses: readonly string[];
  readonly resolve: (inquiry: Inquiry) => void;
}

/** Milliseconds between two questions to one primary: 5/s. */
const PACE = 200;
/** Most questions that wait; at this pace, the last one waits 10 s. */
const MOST_WAITING = 50;
/** Most connections at a time; more than one, because a slow connection must not delay all questions. */
const MOST_CONNECTIONS = 3;
/** Most questions per connection: some servers count refused recipients, and close the connection at 20. */
const MOST_QUESTIONS = 8;
/** Milliseconds that a connection waits for the next question. */
const LINGER = 2000;

/** Asks one primary the questions, in order and at a limited pace. */
export class CalloutLine {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  /** Idle connections; each entry gives its connection the next question, or ends it. */
  readonly #idle: ((question: Waiting | undefined) => void)[] = [];
  #connections = 0;
  /** When the last question was sent, in elapsed time. */
  #lastSlot = -Infinity;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sends RCPT for these addresses in one transaction. Never rejects. */
  put(way: CalloutWay, addresses: readonly string[]): Promise<Inquiry | "busy"> {
    if (this.#waiting.length >= MOST_WAITING) return Promise.resolve("busy");
    return new Promise((resolve) => {
      this.#waiting.push({ way, addresses, resolve });
      this.#plan();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    for (const feed of this.#idle.splice(0)) feed(undefined);
    for (const { resolve } of this.#waiting.splice(0))
      resolve({ answers: new Map(), why: "Holdfast is stopping" });
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const wait = Math.max(0, this.#lastSlot + PACE - this.#clock.elapsed());
    if (wait === 0) return this.#next();
    this.#timer = this.#clock.after(wait, () => {
      this.#timer = undefined;
      this.#next();
    });
  }

  #next(): void {
    const free = this.#idle.shift();
    if (free === undefined && this.#connections >= MOST_CONNECTIONS) return;
    const question = this.#waiting.shift();
    if (question === undefined) return;
    this.#lastSlot = this.#clock.elapsed();
    if (free === undefined) void this.#connect(question);
    else free(question);
    this.#plan();
  }

  async #connect(first: Waiting): Promise<void> {
    this.#connections += 1;
    let question: Waiting | undefined = first;
    try {
      const conversation = await first.way.converse();
      for (let asked = 1; question !== undefined; asked++) {
        await answer(question, conversation);
        const more = conversation.phase === "idle" && asked < MOST_QUESTIONS;
        question = more ? await this.#following() : undefined;
        if (question === undefined || conversation.phase === "idle") continue;
        // The server closed the idle connection.
        this.#waiting.unshift(question);
        question = undefined;
      }
      void conversation.quit();
    } catch (error) {
      question?.resolve({ answers: new Map(), why: errorText(error) });
    } finally {
      this.#connections -= 1;
      this.#plan();
    }
  }

  /** Waits for the next question for an idle connection; undefined if none comes in time. */
  #following(): Promise<Waiting | undefined> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(LINGER, () => feed(undefined));
      const feed = (question: Waiting | undefined): void => {
        timer.cancel();
        const at = this.#idle.indexOf(feed);
        if (at !== -1) this.#idle.splice(at, 1);
        resolve(question);
      };
      this.#idle.push(feed);
      this.#plan();
    });
  }
}

async function answer({ addresses, resolve }: Waiting, conversation: Conversation): Promise<void> {
  const { answers, refused, trouble } = await conversation.verify(addresses);
  const why =
    refused === undefined ? trouble?.message : `it refuses the null sender: ${formatReply(refused)}`;
  resolve({ answers, ...(why !== undefined && { why }) });
}
