/**
 * One body on its way from the client to the store: decoded, scanned, hashed and written while it arrives, and
 * accepted after its final dot, or its last chunk. A body that cannot be taken is read on, bounded, and answered
 * after the dot or the chunk.
 *
 * Invariants: nothing is written after the first problem; whatever does not end in `accepted` is aborted; once
 * `finish` has begun, only the store decides.
 */
import { BodyHash } from "./body-hash.ts";
import type { BodyFraming } from "../../mail/data-decoder.ts";
import { DataDecoder } from "../../mail/data-decoder.ts";
import type { HeaderFacts } from "../../mail/header-scanner.ts";
import { HeaderScanner } from "../../mail/header-scanner.ts";
import { receivedField } from "../../mail/received.ts";
import type { BodyWriter, ClientFacts } from "../../ports/queue.ts";
import type { Acceptance, Acceptor } from "../../services/queue/queue.ts";
import type { Policy } from "../../services/policy/policy.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { errorText } from "../../runtime/log.ts";
import type { Answer } from "./answer.ts";
import { FULL, say, TOO_BIG, TROUBLE } from "./answer.ts";
import type { Transaction } from "./transaction.ts";

/** The accepting half of the queue, as the SMTP side uses it. */
export type Store = Pick<Acceptor, "nextId" | "condition" | "room" | "openBody" | "accept">;

export interface BodyParts {
  readonly acceptor: Store;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly transaction: Transaction;
  readonly client: ClientFacts;
  readonly framing: BodyFraming;
}

/** What takes the octets after DATA, or those of one chunk. */
export interface Receiver {
  readonly verb: "DATA" | "BDAT";
  /** Octets that came over the wire. */
  readonly octets: number;
  take(chunk: Buffer): Taken;
  /** All octets were taken: what is said to them. */
  finish(): Promise<Answer>;
  abort(): void;
}

export interface Taken {
  /** What came after the final dot, or after the chunk; present once that has ended. */
  readonly rest?: Buffer;
  /** Wait for it before the next chunk. */
  readonly wait?: Promise<void>;
  /** The client goes on far beyond the limit: cut it off. */
  readonly overrun?: boolean;
}

/** Octets above the size limit, or as many again as the limit if that is less, that are still read. */
const PATIENCE = 10 * 1024 * 1024;

/** Octets that are read of what is not taken, before the client is cut off. */
export function mostOctets(maxMessageSize: number): number {
  return maxMessageSize + Math.min(maxMessageSize, PATIENCE);
}

const HAS_NUL = say(550, "5.6.0", "Message contains a NUL octet");
const BARE_NEWLINE = say(550, "5.5.2", "Message contains bare CR or LF");
const HEADER_TOO_BIG = say(552, "5.3.4", "Header section exceeds the size limit");

export class IncomingBody implements Receiver {
  readonly verb = "DATA";
  readonly #parts: BodyParts;
  readonly #id: string;
  readonly #decoder: DataDecoder;
  readonly #scanner: HeaderScanner;
  readonly #hash = new BodyHash();
  readonly #writer: BodyWriter;
  readonly #most: number;
  #received = 0;
  #problem: Answer | undefined;
  /** `open`, then `ending` once the store is asked, or `aborted`. */
  #state: "open" | "ending" | "aborted" = "open";

  /** Throws when the store cannot open a body. */
  constructor(parts: BodyParts) {
    const { settings } = parts.transaction;
    this.#parts = parts;
    this.#id = parts.acceptor.nextId();
    this.#decoder = new DataDecoder(parts.framing);
    this.#scanner = new HeaderScanner({
      headerSize: settings.limits.headerSize,
      hostname: settings.hostname,
    });
    this.#most = mostOctets(settings.maxMessageSize);
    this.#writer = parts.acceptor.openBody();
  }

  /** Octets that came over the wire. */
  get octets(): number {
    return this.#received;
  }

  /** Why the body will not be taken, as far as is known. */
  get problem(): Answer | undefined {
    return this.#problem;
  }

  /** Whether that many octets more would be too many to read. */
  wouldOverrun(octets: number): boolean {
    return this.#received + octets > this.#most;
  }

  /** Takes over the next chunk from the wire. */
  take(chunk: Buffer): Taken {
    if (this.wouldOverrun(chunk.length)) return { overrun: true };
    this.#received += chunk.length;
    const { body, rest } = this.#decoder.decode(chunk);
    const wait = body.length > 0 ? this.#store(body, rest !== undefined) : undefined;
    return { ...(rest !== undefined && { rest }), ...(wait !== undefined && { wait }) };
  }

  /** Ends a body that no dot ends. */
  endPlain(): Promise<void> | undefined {
    return this.#state === "open" ? this.#store(this.#decoder.end()) : undefined;
  }

  /** After the last octet: the verdict on the body, and its storing. */
  async finish(): Promise<Answer> {
    if (this.#state === "aborted") return TROUBLE;
    this.#state = "ending";
    try {
      return await this.#settle();
    } catch (error) {
      this.#writer.abort();
      throw error;
    }
  }

  /** The client is gone, was cut off or changed its mind. */
  abort(): void {
    if (this.#state !== "open") return;
    this.#state = "aborted";
    this.#writer.abort();
  }

  async #settle(): Promise<Answer> {
    const facts = this.#scanner.facts();
    const problem = this.#problem ?? (facts.tooLong ? HEADER_TOO_BIG : await this.#judge(facts));
    if (problem !== undefined) {
      this.#writer.abort();
      return problem;
    }
    const result = await this.#parts.acceptor.accept(this.#acceptance(facts), this.#writer);
    if (result.kind === "accepted") return say(250, "2.0.0", `Ok: queued as ${this.#id}`);
    this.#writer.abort();
    return result.why === "full" ? FULL : TROUBLE;
  }

  #store(body: Buffer, last = false): Promise<void> | undefined {
    this.#problem ??= this.#fault();
    if (this.#problem !== undefined) {
      this.#writer.abort();
      return undefined;
    }
    if (body.length === 0) return undefined;
    this.#scanner.feed(body);
    this.#hash.update(body, last);
    try {
      return this.#writer.write(body)?.catch((error: unknown) => this.#broken(error));
    } catch (error) {
      return this.#broken(error);
    }
  }

  #fault(): Answer | undefined {
    const { profile, sizeLimit } = this.#parts.transaction;
    if (this.#decoder.size > sizeLimit) return TOO_BIG;
    if (this.#decoder.hasNul) return HAS_NUL;
    return this.#decoder.bareNewlines > 0 && profile === "reject" ? BARE_NEWLINE : undefined;
  }

  #broken(error: unknown): undefined {
    this.#parts.log.error("smtp.body.failed", { id: this.#id, why: errorText(error) });
    this.#problem ??= this.#parts.acceptor.condition() === "full" ? FULL : TROUBLE;
    this.#writer.abort();
  }

  async #judge(facts: HeaderFacts): Promise<Answer | undefined> {
    const { transaction, policy } = this.#parts;
    const { received, ownReceived } = transaction.settings.limits;
    const subject = { ...transaction.subject, facts, received, ownReceived };
    const verdict = await policy.data(subject, transaction.looks);
    if (verdict.kind === "reject" || verdict.kind === "defer") {
      const checks = transaction.looks?.packed();
      return { reply: verdict.reply, ...(checks !== undefined && { about: { checks } }) };
    }
    if (verdict.kind === "tag") transaction.tags.push(verdict.field);
    return verdict.kind === "quarantine" ? TROUBLE : undefined;
  }

  #acceptance(facts: HeaderFacts): Acceptance {
    const { transaction, client } = this.#parts;
    const { messageId, subject, from } = facts;
    const checks = transaction.looks?.packed();
    return {
      id: this.#id,
      sender: transaction.subject.sender,
      recipients: transaction.recipients,
      client,
      topFields: this.#topFields(),
      smtpUtf8: transaction.smtpUtf8,
      eightBit: transaction.eightBit || this.#decoder.eightBit,
      hash: this.#hash.digest(),
      ...(messageId !== undefined && { messageId }),
      ...(subject !== undefined && { subject }),
      ...(from !== undefined && { from }),
      notes: this.#notes(),
      ...(checks !== undefined && { checks }),
    };
  }

  #topFields(): string {
    const { transaction, client, clock } = this.#parts;
    const [only, ...others] = transaction.recipients;
    const received = receivedField({
      ip: client.ip,
      ...(client.name !== undefined && { name: client.name }),
      helo: client.helo,
      extended: transaction.subject.extended,
      smtpUtf8: transaction.smtpUtf8,
      ...(client.tls !== undefined && { tls: client.tls }),
      by: transaction.settings.hostname,
      id: this.#id,
      ...(only !== undefined && others.length === 0 && { recipient: only.address }),
      at: clock.now(),
    });
    return received + transaction.tags.map((field) => `${field.trimEnd()}\r\n`).join("");
  }

  #notes(): readonly string[] {
    const { bareNewlines, longLines } = this.#decoder;
    return [
      ...(bareNewlines > 0 ? ["bare newlines normalised"] : []),
      ...(longLines > 0 ? ["lines above 1000 octets"] : []),
    ];
  }
}
