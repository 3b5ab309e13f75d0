import { outcomeOf, refusedIn, type Outcome } from "../../mail/outcome.ts";
import { isPositive, reply, type Reply } from "../../mail/reply.ts";
import { DestinationTrouble, lackOf, type Capabilities, type SendResult } from "../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";
import { Closing, type EnvelopeResult } from "./envelope.ts";
import { OutOfStep, RSET } from "./marks.ts";
import { BodyUnreadable } from "./outgoing-body.ts";
import type { Wire } from "./wire.ts";

/** The session ended during an earlier mail, so this one was not processed. */
export class EndedBefore extends Error {
  /** The cause is our own disk, not the peer. */
  readonly ours: boolean;

  constructor(ended: Closing | BodyUnreadable) {
    super(ended.message);
    this.ours = ended instanceof BodyUnreadable;
  }
}

/** One mail on one connection, and its results so far. */
export class Transaction {
  readonly mail: ClaimedMail;
  readonly outcomes = new Map<number, Outcome>();
  stage: "waiting" | "envelope" | "body" | "dot" = "waiting";
  #refusedAt: SendResult["refusedAt"];
  #singly: ReadonlySet<number> = new Set();
  /** performance.now() at MAIL, or at the last reply to the mail before if that came later; 0 before. */
  begun = 0;
  /** The kernel took the octets up to the end of the body. */
  #flushed = false;
  /** The wire's number of writes when the body had ended. */
  #writes = 0;
  /** The wire's number of writes when the last command of this mail, or its mark, had been written. */
  #written = 0;
  #marked = false;

  constructor(mail: ClaimedMail) {
    this.mail = mail;
  }

  begin(): void {
    this.stage = "envelope";
    this.begun = performance.now();
  }

  /** Hands commands to the socket. */
  write(wire: Wire, parts: readonly string[]): void {
    wire.write(parts);
    this.#written = wire.writes;
  }

  /** Hands the last octets of the mail to the socket. */
  finish(wire: Wire, parts: readonly (Buffer | string)[]): void {
    if (wire.lost !== undefined) throw wire.lost;
    wire.write(parts, () => (this.#flushed = true));
    this.#ended(wire);
  }

  /** As `finish`; resolves when the kernel has taken the octets, within `patience` ms. Rejects with ConnectionLost. */
  async flush(wire: Wire, parts: readonly Buffer[], patience: number): Promise<void> {
    if (wire.lost !== undefined) throw wire.lost;
    const sent = wire.sent(parts, patience);
    this.#ended(wire);
    await sent;
    this.#flushed = true;
  }

  /** Whether RSET was written behind the end of the mail. */
  get marked(): boolean {
    return this.#marked;
  }

  /** Writes RSET behind the end of the mail. */
  mark(wire: Wire): void {
    this.#marked = true;
    this.write(wire, [RSET]);
  }

  /**
   * Throws OutOfStep if there is another reply although no command is unanswered. Behind a 354, the place of the reply
   * to the body is certain, so that reply is doubted only if a refusal follows.
   */
  nothingBehind(wire: Wire): void {
    const more = wire.early();
    if (more === undefined || more.code === 421 || wire.writes !== this.#written) return;
    if (this.stage !== "dot" || this.#marked || !isPositive(more)) throw new OutOfStep(more);
  }

  /** The refusal counts for all recipients, whatever the replies to them are. */
  senderRefused(answer: Reply): void {
    this.#refusedAt = "mail";
    for (const { n } of this.mail.recipients) this.outcomes.set(n, outcomeOf(answer));
  }

  /** The mail was refused at DATA or at its end, for the recipients that had been accepted. */
  bodyRefused(taken: readonly number[], answer: Reply): void {
    if (taken.length === 0) return;
    // Refusals of these recipients are in doubt, and do not count as theirs.
    for (const n of taken) this.outcomes.delete(n);
    this.#refusedAt = "body";
    this.#singly = refusedIn(this.outcomes);
    for (const n of taken) this.outcomes.set(n, outcomeOf(answer));
  }

  /** Sets the outcome of the accepted recipients from the reply to the end of the body. */
  answered({ taken }: EnvelopeResult, answer: Reply): void {
    if (answer.code >= 300) this.bodyRefused(taken, noFinal(answer));
    else for (const n of taken) this.outcomes.set(n, outcomeOf(answer));
  }

  /** Whether our own disk ended the mail before anything was sent: the connection can still be used. */
  isUnsaid(error: unknown): boolean {
    return error instanceof BodyUnreadable && this.stage === "waiting";
  }

  /** Sets the outcomes that follow from the end of the connection. */
  broken(error: unknown, wire: Wire): DestinationTrouble | undefined {
    const outcome = this.#outcomeOf(error, wire);
    // The replies that were read may belong to other recipients or commands.
    if (error instanceof OutOfStep) this.#forget();
    for (const { n } of this.mail.recipients) if (!this.outcomes.has(n)) this.outcomes.set(n, outcome);
    if (error instanceof BodyUnreadable || (error instanceof EndedBefore && error.ours)) return undefined;
    const why = (error as Error).message;
    return new DestinationTrouble("session", why, error instanceof Closing ? error.reply : undefined);
  }

  /** `dsn`: the sender's DSN requests were passed on to the peer. */
  result(trouble: DestinationTrouble | undefined, dsn: boolean): SendResult {
    return {
      outcomes: this.outcomes,
      took: this.begun === 0 ? 0 : performance.now() - this.begun,
      ...(trouble !== undefined && { trouble }),
      ...(this.#refusedAt !== undefined && { refusedAt: this.#refusedAt }),
      ...(this.#singly.size > 0 && { singly: this.#singly }),
      dsn,
    };
  }

  #ended(wire: Wire): void {
    this.stage = "dot";
    this.#writes = wire.writes;
    this.#written = wire.writes;
  }

  #forget(): void {
    this.outcomes.clear();
    this.#refusedAt = undefined;
    this.#singly = new Set();
  }

  #outcomeOf(error: unknown, wire: Wire): Outcome {
    const why = (error as Error).message;
    if (error instanceof Closing) return { kind: "deferred", reply: closing(error.reply) };
    if (error instanceof BodyUnreadable) return error.outcome;
    if (error instanceof EndedBefore || this.stage === "waiting") return { kind: "released" };
    return this.#mayHaveArrived(wire)
      ? { kind: "unconfirmed", why }
      : { kind: "deferred", reply: reply(421, "4.4.2", why), ours: true };
  }

  /**
   * The end of the mail can have arrived only if the kernel took it. That is known if nothing was written behind it;
   * with TLS, and if other octets share its batch, the mail may have arrived once it was written.
   */
  #mayHaveArrived(wire: Wire): boolean {
    if (this.stage !== "dot") return false;
    return this.#flushed || wire.encrypted || wire.writes > this.#writes;
  }
}

/** Returns our own refusal of a mail that this peer cannot accept at all. */
export function unfitFor(capabilities: Capabilities, mail: ClaimedMail): SendResult | undefined {
  const lack = lackOf(capabilities, mail);
  if (lack === undefined) return undefined;
  const said =
    lack === "SMTPUTF8"
      ? reply(550, "5.6.7", "The primary offers no SMTPUTF8")
      : reply(552, "5.3.4", `The primary takes at most ${capabilities.size} octets`);
  const outcome: Outcome = { kind: "refused", reply: said };
  return { outcomes: new Map(mail.recipients.map(({ n }) => [n, outcome])), refusedAt: "here", took: 0 };
}

/** A 3xx is no final reply to a body, and becomes a 451. */
function noFinal(answer: Reply): Reply {
  return answer.code < 400 ? { code: 451, text: `the body was answered with ${answer.code}` } : answer;
}

/** Any early answer ends the session for this mail as a 421 does. */
function closing(answer: Reply): Reply {
  return answer.code === 421 ? answer : { ...answer, code: 421 };
}
