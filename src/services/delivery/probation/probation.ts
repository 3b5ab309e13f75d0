import { hasDelivered, refusedIn, type Outcome } from "../../../mail/outcome.ts";
import { formatReply } from "../../../mail/reply.ts";
import { refusedByBody, refusedSingly, type SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../../ports/work-store.ts";

/** A probation ends when this many recipients have been answered. */
const RECIPIENTS = 20;
/** A probation stops when BODIES_REFUSED of the last BODIES bodies were refused. */
const BODIES = 20;
const BODIES_REFUSED = 10;
/** Mails in flight at once, after the first one was accepted. */
const AHEAD = 5;
/** Time from a stop to the next canary, in ms; doubles with each canary that fails, up to LAST_CANARY. */
const FIRST_CANARY = 5 * 60_000;
const LAST_CANARY = 60 * 60_000;

interface Answered {
  readonly mail: ClaimedMail;
  readonly result: SendResult;
  /** Refused recipients that certainly exist. */
  readonly known: ReadonlySet<number>;
}

interface Judgement {
  /** Recipients whose refusal is not believed: held instead of parked. */
  readonly held: ReadonlySet<number>;
  /** How the state changed; `resumed`: a canary was accepted after a stop. */
  readonly change?: "stopped" | "resumed" | "passed";
}

type State = "proving" | "stopped" | "passed";

/**
 * The probation of one domain at one primary after an outage: the replies for the first recipients decide whether the
 * primary works normally again.
 *
 *   proving   one mail at a time until one was accepted, then a few, until 20 recipients were answered
 *   stopped   only one canary is sent, after 5 min, then 10, up to 1 h
 *   passed    the primary's replies are believed
 */
export class Probation {
  /** When the present state began, in ms; by the same clock as the `now` of all methods. */
  since: number;
  #state: State = "proving";
  #why = "";
  #answered = 0;
  #taken = false;
  #out = 0;
  #canaryAt = 0;
  #canaryOut = false;
  #failed = 0;
  /** For each of the last bodies, whether it was refused. */
  readonly #bodies: boolean[] = [];
  /** Addresses whose refusal has once not been believed. */
  readonly #doubted = new Set<string>();

  constructor(now: number) {
    this.since = now;
  }

  get open(): boolean {
    return this.#state !== "passed";
  }

  get stopped(): boolean {
    return this.#state === "stopped";
  }

  /** What stopped it. */
  get why(): string {
    return this.#why;
  }

  /** When the next canary may be sent, if the probation has stopped; by the same clock. */
  get canaryAt(): number {
    return this.#canaryAt;
  }

  /** Whether the next mail should be for a recipient that certainly exists. */
  get wantsCanary(): boolean {
    return this.stopped || !this.#taken;
  }

  /** How many more mails may be sent now. */
  room(now: number): number {
    if (!this.open) return Infinity;
    const most = this.#most(now);
    return Math.max(0, most - this.#out);
  }

  take(mails: number): void {
    this.#out += mails;
    if (this.stopped) this.#canaryOut = true;
  }

  /** Called for mails that were not sent. A canary among them has not failed, and another one may be sent instead. */
  unsent(mails: number): void {
    this.#giveBack(mails);
    if (this.#out === 0) this.#canaryOut = false;
  }

  /** Judges the result of one mail, which no longer counts as being sent. */
  judge(answered: Answered, now: number): Judgement {
    const before = this.#state;
    const canary = this.stopped && this.#canaryOut;
    const held = this.#look(answered, now);
    const some = hasDelivered(answered.result.outcomes);
    if (canary && some && held.size === 0) this.#goOn(now);
    this.#giveBack(1);
    if (this.#out === 0 && this.#canaryOut) this.#canaryOver(now);
    if (this.#state === "proving" && this.#answered >= RECIPIENTS) this.#finish(now);
    return { held, ...this.#change(before) };
  }

  /** Ends the probation at an operator's request, or because the domain has left the pool. */
  end(now: number): void {
    this.#become("passed", now);
  }

  #giveBack(mails: number): void {
    this.#out = Math.max(0, this.#out - mails);
  }

  #most(now: number): number {
    if (this.stopped) return now >= this.#canaryAt && !this.#canaryOut ? 1 : 0;
    return this.#taken ? AHEAD : 1;
  }

  #look(answered: Answered, now: number): ReadonlySet<number> {
    const { outcomes, refusedAt } = answered.result;
    // We refused the mail ourselves because of what the primary announces; the primary has not answered.
    if (refusedAt === "here") return new Set();
    const refused = refusedIn(outcomes);
    const delivered = [...outcomes.values()].filter(({ kind }) => kind === "delivered").length;
    this.#answered += delivered + refused.size;
    if (delivered > 0) this.#taken = true;
    const byBody = refusedByBody(answered.result);
    if (delivered > 0 || refusedAt === "body") this.#sawBody(byBody.size > 0);
    if (refused.size === 0) return refused;
    if (refusedAt === "mail")
      return this.#stop(`it refuses senders: ${wordsOf(outcomes, refused)}`, refused, now);
    // Recipients are judged first: if that stops the probation, mail that was refused at its body is held as well.
    const held = this.#recipientsRefused(answered, refusedSingly(answered.result), now);
    return new Set([...held, ...this.#bodyRefused(answered, byBody, now)]);
  }

  #sawBody(refused: boolean): void {
    this.#bodies.push(refused);
    if (this.#bodies.length > BODIES) this.#bodies.shift();
  }

  #bodyRefused({ result }: Answered, refused: ReadonlySet<number>, now: number): ReadonlySet<number> {
    const count = this.#bodies.filter(Boolean).length;
    if (refused.size === 0 || count < BODIES_REFUSED) return this.#stoppedOnes(refused);
    return this.#stop(
      `it refused ${count} of the last ${this.#bodies.length} mails: ${wordsOf(result.outcomes, refused)}`,
      refused,
      now,
    );
  }

  #recipientsRefused(
    { mail, result, known }: Answered,
    refused: ReadonlySet<number>,
    now: number,
  ): ReadonlySet<number> {
    const addresses = new Map(mail.recipients.map(({ n, address }) => [n, address]));
    // A second refusal of the same address is believed: the primary has accepted other mail in between.
    const isDoubtful = (n: number): boolean => known.has(n) && !this.#doubted.has(addresses.get(n) ?? "");
    const doubtful = new Set([...refused].filter(isDoubtful));
    const [first] = doubtful;
    if (first === undefined) return this.#stoppedOnes(refused);
    for (const n of doubtful) this.#doubted.add(addresses.get(n) ?? "");
    const why = `it refused ${addresses.get(first)}, although the address exists: ${wordsOf(result.outcomes, doubtful)}`;
    return this.#stop(why, doubtful, now);
  }

  /** The refusals to hold: all of them while the probation is stopped, otherwise none. */
  #stoppedOnes(refused: ReadonlySet<number>): ReadonlySet<number> {
    return this.stopped ? refused : new Set();
  }

  #stop(why: string, held: ReadonlySet<number>, now: number): ReadonlySet<number> {
    if (!this.stopped) this.#become("stopped", now);
    this.#why = why;
    if (this.#canaryAt <= now && !this.#canaryOut) this.#plan(now);
    return held;
  }

  #canaryOver(now: number): void {
    this.#canaryOut = false;
    if (this.stopped) this.#plan(now);
  }

  #plan(now: number): void {
    this.#canaryAt = now + Math.min(LAST_CANARY, FIRST_CANARY * 2 ** Math.min(this.#failed, 10));
    this.#failed += 1;
  }

  #goOn(now: number): void {
    this.#become("proving", now);
    this.#canaryOut = false;
    this.#answered = 0;
    this.#failed = 0;
    this.#canaryAt = 0;
    this.#bodies.length = 0;
  }

  #finish(now: number): void {
    if (this.#taken) this.#become("passed", now);
    else this.#stop(`it accepted none of the first ${RECIPIENTS} recipients`, new Set(), now);
  }

  #become(state: State, now: number): void {
    this.#state = state;
    this.since = now;
  }

  #change(before: State): Pick<Judgement, "change"> {
    if (before === this.#state) return {};
    if (this.#state === "proving") return { change: "resumed" };
    return { change: this.#state };
  }
}

/** The primary's reply for the first of these recipients. */
function wordsOf(outcomes: ReadonlyMap<number, Outcome>, of: ReadonlySet<number>): string {
  const [first = -1] = of;
  const outcome = outcomes.get(first);
  return outcome !== undefined && "reply" in outcome ? formatReply(outcome.reply) : "no reply";
}
