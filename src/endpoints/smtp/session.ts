/**
 * One client's conversation without its socket: takes command lines, gives answers. Knows what was said so far
 * (HELO, TLS, the open transaction), counts what the client may still do, and tells the journal of refusals.
 *
 * Invariants: HELO, EHLO, RSET, STARTTLS, the end of a body and every failure but that of one recipient drop the
 * transaction whole. An exception is 451 4.3.0, never 5xx. No octet of the client's goes into a reply.
 */
import { clientNetwork } from "../../mail/network.ts";
import { heloName } from "../../mail/received.ts";
import type { ClientEvent } from "../../ports/journal.ts";
import type { ClientFacts } from "../../ports/intake.ts";
import type { Later } from "../../runtime/at-once.ts";
import {
  CLEAN_LINES,
  CLOSED,
  say,
  TOO_BIG,
  TROUBLE,
  type Answer,
  type ChunkHead,
  type NamedClient,
} from "./answer.ts";
import { isOtherProtocol, readLine, verbOf } from "./command-line.ts";
import { COMMANDS } from "./commands.ts";
import type { SessionState, SessionParts } from "./session-state.ts";
import { IncomingBody } from "./incoming-body.ts";
import { IncomingChunk } from "./incoming-chunk.ts";
import { isRefusedRecipient, Patience } from "./patience.ts";
import { mostOctets, type Receiver } from "./receiver.ts";
import type { Transaction } from "./transaction.ts";

type Stage = ClientEvent["stage"];

const STAGES: ReadonlyMap<string, Stage> = new Map([
  ["EHLO", "helo"],
  ["HELO", "helo"],
  ["MAIL", "mail"],
  ["RCPT", "rcpt"],
  ["DATA", "data"],
  ["BDAT", "data"],
]);

const UNKNOWN = say(500, "5.5.2", "Command not recognised");

export class Session implements SessionState {
  readonly parts: SessionParts;
  readonly ip: string;
  readonly network: string;
  /** Both ends of the connection, where no proxy stands between. */
  ends: Pick<ClientFacts, "port" | "server"> = {};
  helo = "";
  extended = false;
  ahead = false;
  early = false;
  tls: string | undefined;
  xclient: SessionState["xclient"] = "off";
  canStartTls = false;
  mails = 0;
  readonly #patience = new Patience();
  /** Forward-confirmed, as far as it is known when a body begins. */
  #name: string | undefined;
  #transaction: Transaction | undefined;
  /** The body that chunks are added to. */
  #chunked: IncomingBody | undefined;
  /** What a chunk was refused with: those behind it, sent before its reply was read, hear the same. */
  #refusedChunk: Answer | undefined;

  constructor(parts: SessionParts, ip: string) {
    this.parts = parts;
    this.ip = ip;
    this.network = clientNetwork(ip);
  }

  get transaction(): Transaction | undefined {
    return this.#transaction;
  }

  set transaction(transaction: Transaction | undefined) {
    this.#chunked?.abort();
    this.#chunked = undefined;
    this.#refusedChunk = undefined;
    this.#transaction = transaction;
  }

  get chunking(): boolean {
    return this.#chunked !== undefined;
  }

  /** The greeting, or why there is none; `trusted`: the peer has yet to name its client, whose connection this will be. */
  greeting(trusted = false): Answer {
    if (this.parts.acceptor.condition() === "sick") return this.refuse("connect", CLOSED.sick);
    const tooOften = trusted ? undefined : this.parts.rates.connection(this);
    if (tooOften !== undefined) return this.refuse("connect", tooOften);
    void this.parts.policy.clientName(this.ip).then((name) => (this.#name = name));
    this.parts.policy.connect({ ip: this.ip, network: this.network });
    return { reply: { code: 220, text: `${this.parts.settings().hostname} ESMTP Holdfast` } };
  }

  /** Answers one line, given without its CRLF; `ahead`: the client has sent more behind it. */
  command(line: Buffer, ahead = false): Later<Answer> {
    this.ahead = ahead;
    const text = readLine(line);
    if (text === undefined) return this.misused(line);
    const verb = verbOf(text);
    try {
      const barred = verb === "QUIT" ? undefined : this.#barred();
      const answer = barred ?? this.#run(verb, text);
      if (!(answer instanceof Promise)) return this.#account(verb, answer);
      return answer
        .then((late) => this.#account(verb, late))
        .catch((error: unknown) => this.#stumbled(verb, error));
    } catch (error) {
      return this.#stumbled(verb, error);
    }
  }

  /** Answers a line that does not end as lines must. */
  misused(line: Buffer): Answer {
    return this.#barred() ?? this.#account("", uncleanLine(line));
  }

  /** Opens what DATA or BDAT announced; an answer instead when it cannot be read. */
  openBody(announced: Answer): Receiver | Answer {
    const { chunk } = announced;
    if (chunk !== undefined) return this.#openChunk(announced, chunk);
    const body = this.#newBody("dots");
    return "reply" in body ? this.#account("DATA", body) : body;
  }

  /** After the final dot or the end of a chunk; `look` abandons all when the client has left unseen. */
  async finish(body: Receiver, look?: () => Promise<void>): Promise<Answer> {
    const { transaction } = this;
    const sender = transaction?.subject.sender;
    this.parts.rates.body(this, body.octets);
    const answer = await body.finish(look).catch((error: unknown) => this.#failed(error));
    if (answer.next === "more") return this.#account(body.verb, answer);
    this.transaction = undefined;
    if (answer.reply.code < 400) {
      transaction?.taken();
      if (this.mails === 0) this.parts.greeting.delivered(this);
      this.mails += 1;
      this.#patience.restore();
    } else if (body.verb === "BDAT") this.#refusedChunk = { reply: answer.reply };
    return this.#account(body.verb, {
      ...answer,
      about: { ...answer.about, ...(sender !== undefined && { sender }) },
    });
  }

  /** The session as it begins for the client that a trusted peer has named. */
  begunFor({ ip = this.ip, helo = "", extended }: NamedClient): Session {
    const session = new Session(this.parts, ip);
    session.tls = this.tls;
    session.canStartTls = this.canStartTls;
    session.xclient = this.xclient;
    session.helo = helo;
    session.extended = extended;
    return session;
  }

  /** The client is gone. */
  abandon(): void {
    this.transaction = undefined;
  }

  /** The handshake is done: all that was said in clear is forgotten, RFC 3207 §4.2. */
  secured(tls: string): void {
    this.tls = tls;
    this.canStartTls = false;
    this.helo = "";
    this.extended = false;
    this.transaction = undefined;
  }

  /** Tells the journal of a refusal. */
  refuse(stage: Stage, answer: Answer): Answer {
    const { sender = this.transaction?.subject.sender, recipient, checks } = answer.about ?? {};
    this.parts.journal.record({
      kind: "client.refused",
      ip: this.ip,
      stage,
      reply: answer.reply,
      ...(sender !== undefined && { sender }),
      ...(recipient !== undefined && { recipient }),
      ...(checks !== undefined && { checks }),
    });
    return answer;
  }

  #newBody(framing: "dots" | "plain"): IncomingBody | Answer {
    const { acceptor, policy, clock, log } = this.parts;
    const { transaction } = this;
    try {
      if (transaction === undefined) throw new Error("a body without a transaction");
      return new IncomingBody({ acceptor, policy, clock, log, transaction, framing, client: this.#client() });
    } catch (error) {
      return this.#failed(error);
    }
  }

  #openChunk(announced: Answer, head: ChunkHead): Receiver | Answer {
    const refused = announced.reply.code >= 400;
    const target = refused
      ? (this.#refusedChunk ?? { reply: announced.reply })
      : (this.#chunked ?? this.#newBody("plain"));
    if (!("reply" in target)) {
      this.#chunked = target;
      if (target.wouldOverrun(head.octets)) return this.#account("BDAT", { ...TOO_BIG, next: "close" });
    } else {
      const most = mostOctets(this.parts.settings().maxMessageSize);
      if (this.#patience.discard(head.octets) > most)
        return this.#account("BDAT", { ...target, next: "close" });
    }
    return new IncomingChunk(head, target);
  }

  #run(verb: string, text: string): Later<Answer> {
    const handler = COMMANDS.get(verb);
    if (handler !== undefined) return handler(this, text.slice(verb.length).trim());
    return isOtherProtocol(text) ? CLOSED.foreign : UNKNOWN;
  }

  #stumbled(verb: string, error: unknown): Answer {
    // Dropped with it, the recipients beside it, and DATA, would be 503: our trouble, told as the client's.
    if (verb === "RCPT") return this.#account(verb, this.#noted(error));
    return this.#account(verb, afterFailure(verb, this.#failed(error)));
  }

  #barred(): Answer | undefined {
    if (this.parts.acceptor.condition() === "sick") return CLOSED.sick;
    return this.#patience.spent(this.parts.settings().limits);
  }

  /** Counts what was answered, and closes on those who have gone too far. */
  #account(verb: string, answer: Answer): Answer {
    // A chunk is judged when its octets are there.
    if (answer.chunk !== undefined) return answer;
    const { code } = answer.reply;
    const { limits } = this.parts.settings();
    this.#patience.count(verb, answer, limits);
    if (code < 400) return answer;
    if (isRefusedRecipient(verb, code)) this.parts.rates.recipientRefused(this);
    const excess = this.#patience.refused(verb, answer, limits);
    return this.refuse(STAGES.get(verb) ?? "command", excess ?? answer);
  }

  #failed(error: unknown): Answer {
    this.transaction = undefined;
    return this.#noted(error);
  }

  #noted(error: unknown): Answer {
    const stack = error instanceof Error ? error.stack : String(error);
    this.parts.log.error("smtp.session.failed", { ip: this.ip, stack });
    return TROUBLE;
  }

  #client(): ClientFacts {
    return {
      ip: this.ip,
      ...(this.#name !== undefined && { name: this.#name }),
      helo: heloName(this.helo),
      ...(this.tls !== undefined && { tls: this.tls }),
      ...this.ends,
    };
  }
}

/** Octets that follow a BDAT which cannot be read must not be taken for commands. */
function uncleanLine(line: Buffer): Answer {
  return /^\s*bdat\b/i.test(line.toString("latin1")) ? { ...CLEAN_LINES, next: "close" } : CLEAN_LINES;
}

function afterFailure(verb: string, answer: Answer): Answer {
  return verb === "BDAT" ? { ...answer, next: "close" } : answer;
}
