/**
 * Mails over one connection. Several may be in flight (`window`): where the peer pipelines (RFC 2920), a body and the
 * next mail's MAIL, RCPT and DATA leave together, because a message may stand first in a group and DATA last; where
 * it takes BDAT too (RFC 3030), whole mails follow each other without waiting. Nobody's body goes out behind a DATA
 * that was refused: it is written when 354 was read. Behind BDAT each mail ends with RSET, so that a refused one
 * leaves neither sender nor recipients to its successor, and replies that are not its own are seen (marks.ts).
 *
 * At a cut each mail in flight tells by itself how far it was: past its end unconfirmed, before that deferred, not
 * begun released. What follows a mail that was answered with 421 was not looked at and is released.
 */
import { isPositive, type Reply } from "../../mail/reply.ts";
import type { Transport } from "../../ports/directory.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";
import type { BodySource } from "../../ports/stored-body.ts";
import {
  DestinationTrouble,
  type Capabilities,
  type Conversation,
  type SendResult,
  type Verification,
} from "../../ports/smtp-client.ts";
import {
  asBatch,
  askingOf,
  Closing,
  envelopeOf,
  inStep,
  readEnvelope,
  whileOpen,
  type Asking,
  type EnvelopeResult,
} from "./envelope.ts";
import { sameClient } from "./identity.ts";
import { ClientOverride } from "./client-override.ts";
import { Dialect } from "./dialect.ts";
import { Marks, OutOfStep, RSET, RSET_TIMEOUT } from "./marks.ts";
import { bdatLine, BodyUnreadable, pump, readBody, stuffed } from "./outgoing-body.ts";
import type { ConversationSettings } from "./settings.ts";
import { EndedBefore, Transaction, unfitFor } from "./transaction.ts";
import { Turn } from "./turn.ts";
import { verify } from "./verify.ts";
import type { Wire } from "./wire.ts";

/** What is set for all peers, and for one. */
export interface ConversationOptions
  extends ConversationSettings, Pick<Transport, "identity" | "pipelining" | "chunking"> {
  /** Told when the peer says more than it was asked. */
  readonly outOfStep?: () => void;
}

/** How long the reply to QUIT is waited for, in ms. */
const QUIT_TIMEOUT = 2000;
/** A mail with more recipients is not sent ahead of the answers to them. */
const RECIPIENTS_AHEAD = 100;

interface Sending {
  readonly transaction: Transaction;
  readonly source: Buffer | BodySource;
  readonly turn: Turn;
}

export class WireConversation implements Conversation {
  readonly capabilities: Capabilities;
  readonly #wire: Wire;
  readonly #options: ConversationOptions;
  readonly #dialect: Dialect;
  readonly #marks: Marks;
  readonly #override: ClientOverride;
  readonly #asking: Asking;
  /** Of the mail that began last. */
  #turn: Turn | undefined;
  readonly #active = new Set<Transaction>();
  #over = false;
  /** What ended the session at a mail: the peer by 421, or our own disk. */
  #closedBy: Closing | BodyUnreadable | undefined;
  /** A transaction may stand open at the peer: its sender was taken, its body never sent. */
  #leftOpen = false;
  #last: ClaimedMail | undefined;

  constructor(wire: Wire, capabilities: Capabilities, options: ConversationOptions) {
    this.#wire = wire;
    this.capabilities = capabilities;
    this.#options = options;
    this.#marks = new Marks(wire, options.hostname);
    this.#override = new ClientOverride(wire, capabilities, options);
    this.#dialect = new Dialect(capabilities, options);
    this.#asking = askingOf(wire, this.#dialect.pipelined);
  }

  get window(): number {
    return this.#dialect.window;
  }

  get phase(): Conversation["phase"] {
    if (this.#over || this.#wire.lost !== undefined) return "over";
    let furthest: Conversation["phase"] = "idle";
    for (const { stage } of this.#active) {
      if (stage === "dot") return "dot";
      if (stage === "body") furthest = "body";
      else if (furthest === "idle") furthest = "envelope";
    }
    return furthest === "idle" && this.#wire.early() !== undefined ? "over" : furthest;
  }

  takes(mail: ClaimedMail): boolean {
    if (this.#options.identity !== "xclient") return true;
    if (this.#turn?.ended === false) return this.#last === undefined || sameClient(this.#last, mail);
    return this.#override.takes(mail);
  }

  async send(mail: ClaimedMail): Promise<SendResult> {
    const unfit = unfitFor(this.capabilities, mail);
    if (unfit !== undefined) return unfit;
    const transaction = new Transaction(mail);
    const { dsn } = this.#dialect;
    const turn = this.#takeTurn();
    this.#last = mail;
    this.#closeIfOver();
    this.#active.add(transaction);
    try {
      await this.#transact(transaction, turn);
      return transaction.result(undefined, dsn);
    } catch (error) {
      // Those before it end first: they may still be answered when only our own disk failed.
      await turn.mayRead();
      const unsaid = transaction.isUnsaid(error);
      const cause = unsaid ? error : this.#causeOf(error);
      if (!unsaid) this.#close((error as Error).message);
      return transaction.result(transaction.broken(cause, this.#wire), dsn);
    } finally {
      this.#active.delete(transaction);
      turn.end();
    }
  }

  async verify(addresses: readonly string[]): Promise<Verification> {
    const turn = this.#takeTurn();
    await turn.mayRead();
    try {
      this.#closeIfOver();
      this.#stillOpen();
      return await verify(this.#wire, addresses, this.capabilities, this.#asking);
    } catch (error) {
      if (error instanceof OutOfStep) this.#options.outOfStep?.();
      const why = (error as Error).message;
      this.#close(why);
      return { answers: new Map(), trouble: new DestinationTrouble("session", why) };
    } finally {
      turn.end();
    }
  }

  async quit(): Promise<void> {
    if (this.phase === "idle") {
      this.#wire.write(["QUIT\r\n"]);
      await Promise.resolve(this.#wire.reply(QUIT_TIMEOUT)).catch(() => {});
    }
    this.#close("we ended the session");
  }

  abort(): void {
    this.#wire.lose("we gave the connection up");
  }

  #takeTurn(): Turn {
    this.#turn = new Turn(this.#turn);
    return this.#turn;
  }

  async #transact(transaction: Transaction, turn: Turn): Promise<void> {
    const { mail } = transaction;
    const before = turn.mayWrite();
    if (before !== undefined) await before;
    this.#stillOpen();
    const source = readBody(mail);
    const xclient = this.#options.identity === "xclient";
    if (xclient && (await this.#override.prepare(mail, turn, this.#leftOpen))) this.#leftOpen = false;
    const { chunked } = this.#dialect;
    const learning = chunked && this.#marks.state === "unknown";
    const leftOpen = this.#leftOpen;
    const reset = leftOpen || learning;
    const envelope = envelopeOf(mail, this.#dialect, reset);
    transaction.begin();
    if (this.#dialect.pipelined) transaction.write(this.#wire, [asBatch(envelope)]);
    const ahead = chunked && Buffer.isBuffer(source) && mail.recipients.length <= RECIPIENTS_AHEAD;
    if (ahead) await this.#sendAhead(transaction, source, turn);
    const unread = turn.mayRead();
    if (unread !== undefined) await unread;
    if (reset) {
      const answer = inStep(await this.#asking.ask(RSET, RSET_TIMEOUT));
      // What is said from here on may be to the mail before, which still stands there.
      if (leftOpen && !isPositive(answer)) throw new OutOfStep(answer);
      if (learning) this.#marks.learn(answer);
    }
    const read = await readEnvelope(envelope, mail, transaction, this.#asking);
    if (!ahead) {
      this.#leftOpen = read.taken.length === 0;
      if (!read.open) return transaction.nothingBehind(this.#wire);
      const sending = this.#sendBody({ transaction, source, turn }, read.taken.length > 0);
      if (sending !== undefined) await sending;
    }
    const final = this.#wire.reply(this.#options.final);
    const answer = whileOpen(final instanceof Promise ? await final : final);
    if (transaction.marked) await this.#marks.read(answer);
    transaction.nothingBehind(this.#wire);
    this.#answered(transaction, read, answer);
  }

  /** The final word. The mark behind it has ended the transaction, whatever was open before. */
  #answered(transaction: Transaction, read: EnvelopeResult, answer: Reply): void {
    transaction.answered(read, answer);
    if (transaction.marked) this.#leftOpen = false;
    if (this.#marks.state === "vague") this.#dialect.useData();
  }

  /** The whole mail behind its envelope, whose replies are read when it is this mail's turn. */
  async #sendAhead(transaction: Transaction, body: Buffer, turn: Turn): Promise<void> {
    const { mail } = transaction;
    transaction.finish(this.#wire, [bdatLine(mail), mail.topFields, body]);
    transaction.mark(this.#wire);
    // Where it is lost meanwhile, what was said before is read all the same.
    if (this.#wire.crowded) await this.#wire.drain(this.#options.block).catch(() => {});
    this.#written(turn);
  }

  /** All of a mail has been handed over; others may follow where it will be known whose replies are whose. */
  #written(turn: Turn): void {
    if (!this.#dialect.chunked || this.#marks.state === "clear") turn.written();
  }

  /** The body of a mail whose envelope was answered; the next envelope may go out behind it. */
  #sendBody({ transaction, source, turn }: Sending, wanted: boolean): Promise<void> | undefined {
    const { mail } = transaction;
    const early = this.#wire.early();
    if (early !== undefined) throw isPositive(early) ? new OutOfStep(early) : new Closing(early);
    transaction.stage = "body";
    if (wanted && !Buffer.isBuffer(source)) return this.#stream(transaction, source, turn);
    if (!Buffer.isBuffer(source)) void source.close();
    // RFC 2920 §3.1: a peer that took DATA without a recipient gets an empty body.
    if (!wanted) transaction.finish(this.#wire, [".\r\n"]);
    else if (Buffer.isBuffer(source))
      transaction.finish(
        this.#wire,
        this.#dialect.chunked ? [bdatLine(mail), mail.topFields, source] : stuffed(mail, source),
      );
    this.#ended(transaction, turn);
    return undefined;
  }

  async #stream(transaction: Transaction, source: BodySource, turn: Turn): Promise<void> {
    const { mail } = transaction;
    const { block: patience } = this.#options;
    const last = await pump(this.#wire, { source, mail, chunked: this.#dialect.chunked, patience });
    // Nothing follows before the kernel has the end, so that it stays known whether it left.
    transaction.finish(this.#wire, last, () => this.#ended(transaction, turn));
  }

  #ended(transaction: Transaction, turn: Turn): void {
    if (this.#dialect.chunked) transaction.mark(this.#wire);
    this.#written(turn);
  }

  /** What was said unasked ends it before anybody takes that for an answer. */
  #closeIfOver(): void {
    if (this.phase === "over") this.#close(this.#wire.early()?.text ?? "the conversation is over");
  }

  #stillOpen(): void {
    if (this.#wire.lost !== undefined) throw this.#wire.lost;
  }

  /** Why a mail ended: what ended the session at one before it stands above the connection's end that followed. */
  #causeOf(error: unknown): unknown {
    if (error instanceof OutOfStep) this.#options.outOfStep?.();
    if (this.#closedBy !== undefined) return new EndedBefore(this.#closedBy);
    if (error instanceof Closing || error instanceof BodyUnreadable) this.#closedBy = error;
    return error;
  }

  #close(why: string): void {
    this.#over = true;
    this.#wire.lose(why);
    this.#wire.forget();
  }
}
