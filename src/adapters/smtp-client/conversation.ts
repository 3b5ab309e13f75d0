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

/** The settings for all peers, and those for this peer. */
export interface ConversationOptions
  extends ConversationSettings, Pick<Transport, "identity" | "pipelining" | "chunking"> {
  /** Called when the peer's replies do not fit the commands. */
  readonly outOfStep?: () => void;
}

/** Longest wait for the reply to QUIT, in ms. */
const QUIT_TIMEOUT = 2000;
/** A mail with more recipients is not sent before the replies to them are known. */
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
  /** The turn of the mail that began last. */
  #turn: Turn | undefined;
  readonly #active = new Set<Transaction>();
  #over = false;
  /** What ended the session during a mail: a 421 of the peer, or our own disk. */
  #closedBy: Closing | BodyUnreadable | undefined;
  /** A transaction may be open at the peer: it accepted the sender, and the body was never sent. */
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
      // The mails before this one end first: if only our own disk failed, they may still get their replies.
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
    if (unread !== undefined) {
      await unread;
      // The peer was busy with the mails before this one.
      transaction.begun = performance.now();
    }
    if (reset) {
      const answer = inStep(await this.#asking.ask(RSET, RSET_TIMEOUT));
      // The transaction of the previous mail is still open, so the replies that follow may belong to it.
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

  /** Handles the reply to the end of the body. If a mark follows it, the peer has no open transaction any more. */
  #answered(transaction: Transaction, read: EnvelopeResult, answer: Reply): void {
    transaction.answered(read, answer);
    if (transaction.marked) this.#leftOpen = false;
    if (this.#marks.state === "vague") this.#dialect.useData();
  }

  /** Sends the whole mail behind its envelope; the replies are read when it is this mail's turn. */
  async #sendAhead(transaction: Transaction, body: Buffer, turn: Turn): Promise<void> {
    const { mail } = transaction;
    transaction.finish(this.#wire, [bdatLine(mail), mail.topFields, body]);
    transaction.mark(this.#wire);
    // If the connection is lost meanwhile, the replies that arrived before are still read.
    if (this.#wire.crowded) await this.#wire.drain(this.#options.block).catch(() => {});
    this.#written(turn);
  }

  /** Called when all of a mail is written. Other mails may follow if their replies can be told apart. */
  #written(turn: Turn): void {
    if (!this.#dialect.chunked || this.#marks.state === "clear") turn.written();
  }

  /** Sends the body of a mail whose envelope was answered; the next envelope may follow it. */
  #sendBody({ transaction, source, turn }: Sending, wanted: boolean): Promise<void> | undefined {
    const { mail } = transaction;
    const early = this.#wire.early();
    if (early !== undefined) throw isPositive(early) ? new OutOfStep(early) : new Closing(early);
    transaction.stage = "body";
    if (wanted && !Buffer.isBuffer(source)) return this.#stream(transaction, source, turn);
    if (!Buffer.isBuffer(source)) void source.close();
    // RFC 2920 §3.1: a peer that accepted DATA without a recipient gets an empty body.
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
    const ended = (): void => this.#ended(transaction, turn);
    // Nothing is written behind the end before the kernel has taken it, so that it is known whether it was sent; and no
    // reply is read before that, or the next mail would go out ahead of this one's mark. If the connection is lost
    // meanwhile, the replies that arrived before are still read.
    await transaction.flush(this.#wire, last, patience).then(ended, () => {});
  }

  #ended(transaction: Transaction, turn: Turn): void {
    if (this.#dialect.chunked) transaction.mark(this.#wire);
    this.#written(turn);
  }

  /** An unsolicited reply ends the conversation, before it is taken for the answer to a command. */
  #closeIfOver(): void {
    if (this.phase === "over") this.#close(this.#wire.early()?.text ?? "the conversation is over");
  }

  #stillOpen(): void {
    if (this.#wire.lost !== undefined) throw this.#wire.lost;
  }

  /** Returns why a mail ended: what ended the session during an earlier mail precedes the lost connection after it. */
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
