/** A primary whose moods change, and the chronicle of what all of them took and said. */
import { Primary, type Act, type Behaviour, type ReceivedMail } from "../../support/fake-primary.ts";
import type { Random } from "../../support/random.ts";
import { describeMail, type SunkMail } from "../../support/sink.ts";
import type { Certificates } from "./certificates.ts";
import { moods, type Dot, type Mood, type Say } from "./moods.ts";
import { livesIn, type Place } from "./places.ts";
import type { Weather } from "./weather.ts";

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
  /** `host:port`, by all names that it has. */
  readonly destinations: readonly string[];
  /** It came over TLS, with the certificate that is the primary's own. */
  readonly secure: boolean;
  readonly mail: SunkMail;
}

/** A notice has no Received field: nobody brought it. */
export function isNotice({ queueId }: SunkMail): boolean {
  return queueId === undefined;
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
/** Words that say that there is no such mailbox, and that are believed. */
const NOBODY = /^55\d (?:5\.1\.1|5\.0\.0)/;

interface PrimaryPlan {
  readonly number: number;
  /** Names and addresses by which mail may find it. */
  readonly hosts: readonly string[];
  /** Where it listens; absent: any port of 127.0.0.1. */
  readonly at?: { readonly address: string; readonly port: number };
  /** It knows who lives there, and says nothing wrong of them. */
  readonly knows?: Place;
  readonly random: Random;
  readonly chronicle: Chronicle;
  readonly certificates: Certificates;
}

type Tls = Pick<Behaviour, "tls" | "brokenTls">;

export class StormPrimary implements Weather, AsyncDisposable {
  readonly #plan: PrimaryPlan;
  readonly #primary: Primary;
  #isOpen = false;
  #calm = true;
  #tls: Tls;
  readonly #say: Say = (text, recipient) => {
    const recipients = recipient === undefined ? [] : [recipient];
    return this.#plan.chronicle.say(text, { port: this.port, recipients });
  };

  constructor(plan: PrimaryPlan) {
    this.#plan = plan;
    this.#primary = new Primary({ ...plan.at });
    this.#tls = { tls: plan.certificates.right };
  }

  get port(): number {
    return this.#primary.port;
  }

  /** Another mood, for a while; one of them is to be away. */
  async change(): Promise<void> {
    const { random } = this.#plan;
    const mood = random.pick(moods(random, this.#say));
    this.#calm = false;
    if (random.below(3) === 0) this.#changeTls(random.pick(this.#manners()));
    if (mood === "away") return this.#close();
    this.#take(mood);
    await this.#open();
  }

  /** Well, and there; whoever hangs is let go. */
  async mend(): Promise<void> {
    this.#calm = true;
    this.#tls = { tls: this.#plan.certificates.right };
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

  /** How it may do TLS: in order, not at all, not rightly, or with a certificate of somebody else. */
  #manners(): readonly Tls[] {
    const { right, wrong } = this.#plan.certificates;
    const well = { tls: right };
    return [well, well, well, {}, { brokenTls: true }, ...wrong.map((tls) => ({ tls }))];
  }

  /** Nobody is left of the connections before: their certificate was another one. */
  #changeTls(tls: Tls): void {
    if (tls.tls !== this.#tls.tls) this.#primary.drop();
    this.#tls = tls;
  }

  #take({ dot, size = 50_000_000, onRcpt, ...rest }: Mood): void {
    const behaviour = this.#primary.behaviour as Record<string, unknown>;
    for (const key of Object.keys(behaviour)) delete behaviour[key];
    Object.assign(behaviour, rest, this.#tls, {
      onRcpt: (to: string, taken: number) => this.#judge(to, onRcpt?.(to, taken)),
      onEhlo: (secure: boolean) => this.#hello(size, secure),
      onDot: (mail: ReceivedMail) => this.#finish(mail, dot?.(mail.data.length) ?? "take"),
    });
  }

  /** Whoever knows its people says nothing wrong of them, and takes no strangers. */
  #judge(to: string, answer: string | Act | undefined): string | Act | undefined {
    const { knows } = this.#plan;
    if (knows === undefined || answer?.startsWith("4") === true) return answer;
    const lives = livesIn(knows, to);
    if (lives === "never" && !/^postmaster@/i.test(to)) return this.#say("550 5.1.1 no such user", to);
    return lives === "always" && NOBODY.test(answer ?? "") ? undefined : answer;
  }

  /** Each connection is offered other things. */
  #hello(size: number, secure: boolean): string {
    const { number, random } = this.#plan;
    const offersTls = !secure && (this.#tls.tls !== undefined || this.#tls.brokenTls === true);
    const offered = KEYWORDS.filter(() => this.#calm || random.below(5) > 0);
    const lines = [`p${number}.test`, ...offered, ...(offersTls ? ["STARTTLS"] : [])];
    return [...lines.map((line) => `250-${line}`), `250 SIZE ${size}`].join("\r\n");
  }

  #finish({ data, recipients, tls }: ReceivedMail, dot: Dot): string | Act {
    const { port } = this;
    const { number, hosts, random, chronicle, certificates } = this.#plan;
    const mail = describeMail(data.toString("latin1"), recipients);
    if (dot === "drop") return random.pick(LOST);
    const isTaken = dot === "take" || dot === "lose the reply" || dot === "cut";
    if (!isTaken) return chronicle.say(dot, { port, recipients, mail });
    const destinations = hosts.map((host) => `${host}:${port}`);
    const secure = tls && this.#tls.tls === certificates.right;
    chronicle.taken.push({ port, number, destinations, secure, mail });
    if (dot === "lose the reply") return random.pick(LOST);
    if (dot === "cut") setImmediate(() => this.#primary.drop());
    return chronicle.say("250 2.0.0 taken", { port, recipients, mail });
  }
}
