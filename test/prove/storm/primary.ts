/** A primary whose moods change, and the chronicle of what all of them took and said. */
import { Primary, type Act, type ReceivedMail } from "../../support/fake-primary.ts";
import type { Random } from "../../support/random.ts";
import { describeMail, type SunkMail } from "../../support/sink.ts";
import { moods, type Dot, type Mood } from "./moods.ts";

/** A reply that names itself, so that it is found again in the daemon's ledger. */
export interface Word {
  readonly text: string;
  readonly port: number;
  /** Those of the mail, or the one of the RCPT; none: it was about no recipient. */
  readonly recipients: readonly string[];
  /** The mail that it was for, where its body had come. */
  readonly mail?: SunkMail;
}

/** One mail that a primary has, whether its reply was heard or not. */
export interface Taken {
  readonly port: number;
  /** Of the primary. */
  readonly number: number;
  readonly mail: SunkMail;
}

export class Chronicle {
  readonly #words = new Map<string, Word>();
  readonly taken: Taken[] = [];

  /** Answers the reply with its mark. */
  say(text: string, word: Omit<Word, "text">): string {
    const mark = `w${this.#words.size + 1}.`;
    const reply = `${text} ${mark}`;
    this.#words.set(mark, { ...word, text: reply });
    return reply;
  }

  /** The word that a line of the ledger quotes. */
  quoted(lastReply = ""): Word | undefined {
    return this.#words.get(/\bw\d+\./.exec(lastReply)?.[0] ?? "");
  }
}

const KEYWORDS = ["PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES"];
const LOST: readonly Act[] = ["close", "reset", "silence"];

export class StormPrimary implements AsyncDisposable {
  readonly #number: number;
  readonly #random: Random;
  readonly #chronicle: Chronicle;
  readonly #primary = new Primary({});
  #isOpen = false;
  #calm = true;

  constructor(number: number, random: Random, chronicle: Chronicle) {
    this.#number = number;
    this.#random = random;
    this.#chronicle = chronicle;
  }

  get port(): number {
    return this.#primary.port;
  }

  /** Another mood, for a while; one of them is to be away. */
  async change(): Promise<void> {
    const say = (text: string, recipient?: string): string => {
      const recipients = recipient === undefined ? [] : [recipient];
      return this.#chronicle.say(text, { port: this.port, recipients });
    };
    const mood = this.#random.pick(moods(this.#random, say));
    this.#calm = false;
    if (mood === "away") return this.#close();
    this.#take(mood);
    await this.#open();
  }

  /** Well, and there; whoever hangs is let go. */
  async mend(): Promise<void> {
    this.#calm = true;
    this.#take({});
    await this.#close();
    await this.#open();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  async #close(): Promise<void> {
    if (this.#isOpen) await this.#primary.close();
    this.#isOpen = false;
  }

  async #open(): Promise<void> {
    if (!this.#isOpen) await this.#primary.open();
    this.#isOpen = true;
  }

  #take({ dot, size = 50_000_000, ...rest }: Mood): void {
    const behaviour = this.#primary.behaviour as Record<string, unknown>;
    for (const key of Object.keys(behaviour)) delete behaviour[key];
    Object.assign(behaviour, rest, {
      onEhlo: () => this.#hello(size),
      onDot: (mail: ReceivedMail) => this.#finish(mail, dot?.(mail.data.length) ?? "take"),
    });
  }

  /** Each connection is offered other things. */
  #hello(size: number): string {
    const offered = KEYWORDS.filter(() => this.#calm || this.#random.below(5) > 0);
    const lines = [`p${this.#number}.test`, ...offered];
    return [...lines.map((line) => `250-${line}`), `250 SIZE ${size}`].join("\r\n");
  }

  #finish({ data, recipients }: ReceivedMail, dot: Dot): string | Act {
    const { port } = this;
    const mail = describeMail(data.toString("latin1"), recipients);
    if (dot === "drop") return this.#random.pick(LOST);
    const isTaken = dot === "take" || dot === "lose the reply" || dot === "cut";
    if (!isTaken) return this.#chronicle.say(dot, { port, recipients, mail });
    this.#chronicle.taken.push({ port, number: this.#number, mail });
    if (dot === "lose the reply") return this.#random.pick(LOST);
    if (dot === "cut") setImmediate(() => this.#primary.drop());
    return this.#chronicle.say("250 2.0.0 taken", { port, recipients, mail });
  }
}
