import { outcomeOf, refusedIn, type Outcome } from "../../mail/outcome.ts";
import { isPositive, reply, type Reply } from "../../mail/reply.ts";
import { DestinationTrouble, lackOf, type Capabilities, type SendResult } from "../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../ports/work-store.ts";
import { Closing, type EnvelopeResult } from "./envelope.ts";
import { OutOfStep, RSET } from "./marks.ts";
import { BodyUnreadable } from "./outgoing-body.ts";
import type { Wire } from "./wire.ts";

/** The session ended at a mail before this one: this one was not looked at any more. */
export class EndedBefore extends Error {
  /** The peer is not to blame. */
  readonly ours: boolean;

  constructor(ended: Closing | BodyUnreadable) {
    super(ended.message);
    this.ours = ended instanceof BodyUnreadable;
  }
}

/** One mail on one connection, and what became of it so far. */
export class Transaction {
  readonly mail: ClaimedMail;
  readonly outcomes = new Map<number, Outcome>();
  stage: "waiting" | "envelope" | "body" | "dot" = "waiting";
  #refusedAt: SendResult["refusedAt"];
  #singly: ReadonlySet<number> = new Set();
  /** performance.now() at MAIL; 0 before. */
  begun = 0;
  /** The kernel took the octets up to the end of the body. */
  #flushed = false;
  /** Writes to the wire when the body ended. */
  #writes = 0;
  /** The same when the last of its commands, or its mark, had been written. */
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
  finish(wire: Wire, parts: readonly (Buffer | string)[], flushed?: () => void): void {
    if (wire.lost !== undefined) throw wire.lost;
    this.stage = "dot";
    wire.write(parts, () => {
      this.#flushed = true;
      flushed?.();
    });
    this.#writes = wire.writes;
    this.#written = wire.writes;
  }

  /** RSET stands behind its end. */
  get marked(): boolean {
    return this.#marked;
  }

  /** Writes RSET behind its end. */
  mark(wire: Wire): void {
    this.#marked = true;
    this.write(wire, [RSET]);
  }

  /**
   * Where nothing else was asked, nothing else is answered: throws OutOfStep. Behind a 354 the answer to the body had
   * its certain place, and is only doubted when a refusal follows.
   */
  nothingBehind(wire: Wire): void {
    const more = wire.early();
    if (more === undefined || more.code === 421 || wire.writes !== this.#written) return;
    if (this.stage !== "dot" || this.#marked || !isPositive(more)) throw new OutOfStep(more);
  }

  /** Whatever is said of its recipients afterwards, it is refused for all. */
  senderRefused(answer: Reply): void {
    this.#refusedAt = "mail";
    for (const { n } of this.mail.recipients) this.outcomes.set(n, outcomeOf(answer));
  }

  /** At DATA or at its end, for the recipients that had been taken. */
  bodyRefused(taken: readonly number[], answer: Reply): void {
    if (taken.length === 0) return;
    // Where the answers to them are doubted, they were no refusals.
    for (const n of taken) this.outcomes.delete(n);
    this.#refusedAt = "body";
    this.#singly = refusedIn(this.outcomes);
    for (const n of taken) this.outcomes.set(n, outcomeOf(answer));
  }

  /** The final word to the recipients that were taken. */
  answered({ taken }: EnvelopeResult, answer: Reply): void {
    if (answer.code >= 300) this.bodyRefused(taken, noFinal(answer));
    else for (const n of taken) this.outcomes.set(n, outcomeOf(answer));
  }

  /** It ended because of our own disk before a word of it was written: the connection is as good as before. */
  isUnsaid(error: unknown): boolean {
    return error instanceof BodyUnreadable && this.stage === "waiting";
  }

  /** What the end of the connection means for it. */
  broken(error: unknown, wire: Wire): DestinationTrouble | undefined {
    const outcome = this.#outcomeOf(error, wire);
    // What was read as the answers to its recipients can be anybody's.
    if (error instanceof OutOfStep) this.#forget();
    for (const { n } of this.mail.recipients) if (!this.outcomes.has(n)) this.outcomes.set(n, outcome);
    if (error instanceof BodyUnreadable || (error instanceof EndedBefore && error.ours)) return undefined;
    const why = (error as Error).message;
    return new DestinationTrouble("session", why, error instanceof Closing ? error.reply : undefined);
  }

  /** `dsn`: the peer was told what the sender asks of DSNs. */
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
   * The end of the mail can have arrived only when the kernel took it. That is known where nothing was written
   * behind it; below TLS, and where other octets share its batch, the moment of writing counts.
   */
  #mayHaveArrived(wire: Wire): boolean {
    if (this.stage !== "dot") return false;
    return this.#flushed || wire.encrypted || wire.writes > this.#writes;
  }
}

/** What cannot be handed to this peer at all, in our words. */
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

/** A 3xx to the end of a body is no final word. */
function noFinal(answer: Reply): Reply {
  return answer.code < 400 ? { code: 451, text: `the body was answered with ${answer.code}` } : answer;
}

/** Any early answer ends the session for this mail as a 421 does. */
function closing(answer: Reply): Reply {
  return answer.code === 421 ? answer : { ...answer, code: 421 };
}
