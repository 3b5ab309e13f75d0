/**
 * One client's conversation without its socket: takes command lines and returns answers. It keeps the state of the
 * conversation (HELO, TLS, the open transaction), counts what the client may still do, and journals refusals.
 *
 * Invariants: HELO, EHLO, RSET, STARTTLS, the end of a body and every failure drop the whole transaction, except for a
 * failure at RCPT, which concerns that recipient only. An exception is 451 4.3.0, never 5xx. No reply contains octets
 * that the client sent.
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
  /** Both ends of the connection; empty if a proxy is in between. */
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
  /** The client's forward-confirmed name, if it is known by the time a body begins. */
  #name: string | undefined;
  #transaction: Transaction | undefined;
  /** The body to which BDAT chunks are added. */
  #chunked: IncomingBody | undefined;
  /** The refusal of a chunk. Later chunks that the client sent before it read that reply get the same refusal. */
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

  /**
   * Returns the greeting, or a refusal in its place. `trusted`: the peer will name its client later; the connection
   * then counts for that client, and not for the peer.
   */
  greeting(trusted = false): Answer {
    if (this.parts.acceptor.condition() === "sick") return this.refuse("connect", CLOSED.sick);
    const tooOften = trusted ? undefined : this.parts.rates.connection(this);
    if (tooOften !== undefined) return this.refuse("connect", tooOften);
    void this.parts.policy.clientName(this.ip).then((name) => (this.#name = name));
    this.parts.policy.connect({ ip: this.ip, network: this.network });
    return { reply: { code: 220, text: `${this.parts.settings().hostname} ESMTP Holdfast` } };
  }

  /** Answers one line, given without its CRLF. `ahead`: the client has already sent more after it. */
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

  /** Answers a line that does not end in CRLF. */
  misused(line: Buffer): Answer {
    return this.#account("", this.#barred() ?? uncleanLine(line));
  }

  /** Opens the body or chunk that DATA or BDAT announced. Returns an answer instead if the octets cannot be read. */
  openBody(announced: Answer): Receiver | Answer {
    const { chunk } = announced;
    if (chunk !== undefined) return this.#openChunk(announced, chunk);
    const body = this.#newBody("dots");
    return "reply" in body ? this.#account("DATA", body) : body;
  }

  /** Answers the end of a body or chunk. `look` checks whether the client has left, and aborts the body if so. */
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

  /** Returns a new session for the client that a trusted peer has named. */
  begunFor({ ip = this.ip, helo = "", extended }: NamedClient): Session {
    const session = new Session(this.parts, ip);
    session.tls = this.tls;
    session.canStartTls = this.canStartTls;
    session.xclient = this.xclient;
    session.helo = helo;
    session.extended = extended;
    return session;
  }

  /** Drops the open transaction, because the client is gone. */
  abandon(): void {
    this.transaction = undefined;
  }

  /** Forgets what the client said before the TLS handshake, RFC 3207 §4.2. */
  secured(tls: string): void {
    this.tls = tls;
    this.canStartTls = false;
    this.helo = "";
    this.extended = false;
    this.transaction = undefined;
  }

  /** Journals a refusal, and returns it. */
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
    // The transaction stays: without it, later RCPT and DATA would get 503, which blames the client for our failure.
    if (verb === "RCPT") return this.#account(verb, this.#noted(error));
    return this.#account(verb, afterFailure(verb, this.#failed(error)));
  }

  #barred(): Answer | undefined {
    if (this.parts.acceptor.condition() === "sick") return CLOSED.sick;
    return this.#patience.spent(this.parts.settings().limits);
  }

  /** Counts an answer against the client's budgets, and closes the connection if one is exceeded. */
  #account(verb: string, answer: Answer): Answer {
    // A chunk is counted after its last octet.
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

/** Closes after a malformed BDAT line, because the octets that follow it must not be taken for commands. */
function uncleanLine(line: Buffer): Answer {
  return /^\s*bdat\b/i.test(line.toString("latin1")) ? { ...CLEAN_LINES, next: "close" } : CLEAN_LINES;
}

function afterFailure(verb: string, answer: Answer): Answer {
  return verb === "BDAT" ? { ...answer, next: "close" } : answer;
}
