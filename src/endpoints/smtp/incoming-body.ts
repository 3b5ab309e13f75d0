/**
 * One body on its way from the client to the store. It is decoded, scanned and written while it arrives, and accepted
 * after its final dot or its last chunk. A body that cannot be accepted is still read, up to a limit, and then refused.
 *
 * Inspectors see each chunk before it is written. After the last octet the body is judged (body-verdict.ts). The store
 * must begin within LONGEST_WAIT after that octet.
 *
 * Invariants: nothing is written after the first problem; a body that is not `accepted` is aborted; if the client goes
 * away before the store is asked, nothing is stored; once the store is asked, only the store decides.
 */
import { acceptanceOf } from "./acceptance.ts";
import { DataDecoder, type BodyFraming } from "../../mail/data-decoder.ts";
import { ForgedResults } from "../../mail/forged-results.ts";
import { HeaderScanner, type HeaderFacts } from "../../mail/header-scanner.ts";
import type { BodyWriter, ClientFacts } from "../../ports/intake.ts";
import type { Examination, Examined } from "../../services/policy/policy.ts";
import { errorText } from "../../runtime/log.ts";
import type { Later } from "../../runtime/at-once.ts";
import { FULL, say, TOO_BIG, TROUBLE, type Answer } from "./answer.ts";
import { judgeBody } from "./body-verdict.ts";
import { mostOctets, type Receiver, type Taken } from "./receiver.ts";
import type { SessionParts } from "./session-state.ts";
import type { Transaction } from "./transaction.ts";

interface BodyParts extends Pick<SessionParts, "acceptor" | "policy" | "clock" | "log"> {
  readonly transaction: Transaction;
  readonly client: ClientFacts;
  readonly framing: BodyFraming;
}

/** Time after the last octet within which the store must begin, in ms. */
const LONGEST_WAIT = 29_000;

const HAS_NUL = say(550, "5.6.0", "Message contains a NUL octet");
const LONG_LINE = say(550, "5.6.0", "Message contains a line above 1000 octets");
const BARE_NEWLINE = say(550, "5.5.2", "Message contains bare CR or LF");

export class IncomingBody implements Receiver {
  readonly verb = "DATA";
  readonly #parts: BodyParts;
  readonly #id: string;
  readonly #decoder: DataDecoder;
  readonly #scanner: HeaderScanner;
  readonly #forged: ForgedResults;
  readonly #writer: BodyWriter;
  readonly #examination: Examination | undefined;
  readonly #most: number;
  #received = 0;
  #problem: Answer | undefined;
  /** When the last octet arrived, in elapsed time, because the wall clock may be set while the body is judged. */
  #endedAt: number | undefined;
  /** `open` until the last octet, then `judging`, then `ending` once the store is asked; or `aborted`. */
  #state: "open" | "judging" | "ending" | "aborted" = "open";

  /** Throws if the store cannot open a body. */
  constructor(parts: BodyParts) {
    const { settings } = parts.transaction;
    this.#parts = parts;
    this.#id = parts.acceptor.nextId();
    this.#decoder = new DataDecoder(parts.framing);
    this.#scanner = new HeaderScanner({
      headerSize: settings.limits.headerSize,
      headerFields: settings.limits.headerFields,
      hostname: settings.hostname,
    });
    this.#forged = new ForgedResults(settings.hostname);
    this.#most = mostOctets(settings.maxMessageSize);
    this.#writer = parts.acceptor.openBody();
    this.#examination = this.#openExamination();
  }

  /** Octets received over the wire. */
  get octets(): number {
    return this.#received;
  }

  /** The refusal of the body, if a problem is known so far. */
  get problem(): Answer | undefined {
    return this.#problem;
  }

  /** Whether this many further octets would exceed what is read of one body. */
  wouldOverrun(octets: number): boolean {
    return this.#received + octets > this.#most;
  }

  /** Takes the next chunk from the wire. Its memory is valid only until this returns. */
  take(chunk: Buffer): Taken {
    if (this.wouldOverrun(chunk.length)) return { overrun: true };
    this.#received += chunk.length;
    const { body, rest } = this.#decoder.decode(chunk);
    if (rest !== undefined) this.#endedAt = this.#parts.clock.elapsed();
    const wait = this.#store(body, rest !== undefined);
    return { ...(rest !== undefined && { rest }), ...(wait !== undefined && { wait }) };
  }

  /** Ends a body of BDAT, which has no final dot. */
  endPlain(): Promise<void> | undefined {
    return this.#state === "open" ? this.#store(this.#decoder.end(), true) : undefined;
  }

  /** Judges and stores the body after its last octet. `look` checks whether the client has left, and aborts if so. */
  async finish(look?: () => Promise<void>): Promise<Answer> {
    if (this.#state === "aborted") return TROUBLE;
    this.#state = "judging";
    this.#endedAt ??= this.#parts.clock.elapsed();
    try {
      return await this.#conclude(look);
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  /** Drops the body, because the client is gone, was cut off or gave the mail up. */
  abort(): void {
    if (this.#state !== "open" && this.#state !== "judging") return;
    this.#state = "aborted";
    this.#drop();
  }

  #drop(): void {
    this.#writer.abort();
    this.#examination?.abort();
  }

  #openExamination(): Examination | undefined {
    const { policy, transaction, client } = this.#parts;
    const { subject, recipients, profile } = transaction;
    if (profile === undefined) return undefined;
    const { own, exempt } = profile.content;
    const addresses = recipients.map(({ address }) => address);
    return policy.examine({
      id: this.#id,
      client,
      sender: subject.sender,
      announced: subject.announced,
      recipients: addresses,
      own,
      exempt,
      ...(subject.spf?.asked !== undefined && { spf: subject.spf.asked }),
    });
  }

  async #conclude(look?: () => Promise<void>): Promise<Answer> {
    const facts = this.#scanner.facts();
    const judged = this.#problem ?? this.#judge(facts);
    const examined = judged instanceof Promise ? await judged : judged;
    const { policy, transaction } = this.#parts;
    const asked = "reply" in examined ? undefined : policy.authenticate(transaction.subject, examined.proof);
    const found = asked instanceof Promise ? await asked : asked;
    const waited = judged instanceof Promise || asked instanceof Promise;
    // While the client waits, nothing is read from it, so a disconnection is noticed only by looking for it.
    if (waited && !this.#isAborted()) await look?.();
    // From here on an abort has no effect. A client that left before has been promised nothing, so nothing is stored.
    if (this.#isAborted()) return TROUBLE;
    if ("reply" in examined) {
      this.#drop();
      return examined;
    }
    this.#state = "ending";
    const acceptance = acceptanceOf(this.#parts, {
      id: this.#id,
      facts,
      decoder: this.#decoder,
      forged: this.#forged.removed,
      examined,
      found,
      until: this.#parts.clock.now() + LONGEST_WAIT - this.#waited(),
    });
    const result = await this.#parts.acceptor.accept(acceptance, this.#writer);
    if (result.kind === "accepted") return say(250, "2.0.0", `Ok: queued as ${this.#id}`);
    this.#writer.abort();
    return result.why === "full" ? FULL : TROUBLE;
  }

  #judge(facts: HeaderFacts): Later<Answer | Examined> {
    const { transaction, policy } = this.#parts;
    const waited = (): number => this.#waited();
    return judgeBody({
      transaction,
      policy,
      facts,
      body: this.#writer,
      examination: this.#examination,
      waited,
    });
  }

  #store(arrived: Buffer, last: boolean): Promise<void> | undefined {
    this.#problem ??= this.#fault();
    if (this.#problem !== undefined) {
      this.#drop();
      return undefined;
    }
    const body = this.#withoutForged(arrived, last);
    if (body.length === 0) return undefined;
    this.#scanner.feed(body);
    const looked = this.#examination?.feed(body);
    const written = this.#write(body);
    return looked === undefined ? written : Promise.all([looked, written]).then(() => {});
  }

  #withoutForged(arrived: Buffer, last: boolean): Buffer {
    const body = this.#forged.pass(arrived);
    const rest = last ? this.#forged.end() : undefined;
    return rest === undefined || rest.length === 0 ? body : Buffer.concat([body, rest]);
  }

  #write(body: Buffer): Promise<void> | undefined {
    try {
      return this.#writer.write(body)?.catch((error: unknown) => this.#broken(error));
    } catch (error) {
      return this.#broken(error);
    }
  }

  #fault(): Answer | undefined {
    const { profile, settings, sizeLimit } = this.#parts.transaction;
    if (this.#decoder.size > sizeLimit) return TOO_BIG;
    if (this.#decoder.hasNul) return HAS_NUL;
    if (this.#decoder.longLines > 0 && settings.longLines === "reject") return LONG_LINE;
    return this.#decoder.bareNewlines > 0 && profile?.bareNewlines === "reject" ? BARE_NEWLINE : undefined;
  }

  #broken(error: unknown): undefined {
    // A write of a body that was dropped meanwhile fails as well, and that is no fault of the store.
    if (this.#problem !== undefined || this.#isAborted()) return;
    this.#parts.log.error("smtp.body.failed", { id: this.#id, why: errorText(error) });
    this.#problem ??= this.#parts.acceptor.condition() === "full" ? FULL : TROUBLE;
    this.#drop();
  }

  /** How long the client has waited for the reply, in ms. */
  #waited(): number {
    const now = this.#parts.clock.elapsed();
    return now - (this.#endedAt ?? now);
  }

  #isAborted(): boolean {
    return this.#state === "aborted";
  }
}
