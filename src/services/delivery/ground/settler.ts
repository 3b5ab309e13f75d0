import { domainOfKey } from "../../../mail/delivery-key.ts";
import type { Outcome } from "../../../mail/outcome.ts";
import type { MailEvent } from "../../../ports/journal.ts";
import type { ClaimedMail, SettleRequest, Settlement } from "../../../ports/work-store.ts";
import { errorText } from "../../../runtime/log.ts";
import { settle } from "../../queue/queue.ts";
import type { DeliveryParts } from "./parts.ts";
import { UnderWay } from "./under-way.ts";

export type SettlerParts = Pick<DeliveryParts, "store" | "journal" | "log" | "clock" | "random">;

/** How an attempt ended. */
interface Attempt {
  readonly outcomes: ReadonlyMap<number, Outcome>;
  readonly destination?: string;
  /** Recipients whose refusal is not believed. */
  readonly held?: ReadonlySet<number>;
  /** Recipients whose mail was refused by its body. */
  readonly content?: ReadonlySet<number>;
  /** The sender's DSN request was passed on to the primary (RFC 3461), which then reports success itself. */
  readonly dsn?: boolean;
}

/** After the store has failed, in ms. */
const RETRY = 1000;
const NOTHING: Attempt = { outcomes: new Map() };

/**
 * Writes the results of attempts. If the store cannot write, it is asked again each second: a delivery that is
 * forgotten would be repeated. The limits of the pools bound how many results can wait.
 */
export class Settler {
  readonly #parts: SettlerParts;
  readonly #writing: UnderWay;
  #givenUp = false;

  constructor(parts: SettlerParts) {
    this.#parts = parts;
    this.#writing = new UnderWay(parts.clock);
  }

  /** Settles all recipients of a mail. Returns what was written, or undefined if the claim was lost. */
  async finish(mail: ClaimedMail, attempt: Attempt): Promise<readonly Settlement[] | undefined> {
    const { clock, random } = this.#parts;
    const { outcomes, destination } = attempt;
    const settlements = settle(mail, outcomes, { ...attempt, now: clock.now(), random });
    if (!(await this.write(mail, settlements, destination))) return undefined;
    for (const settlement of settlements) this.#record(mail, settlement, destination);
    return settlements;
  }

  /** Writes the result of a mail as soon as the store can. Returns false if the claim was lost. */
  write(
    mail: ClaimedMail,
    settlements: readonly Settlement[],
    destination: string | undefined,
  ): Promise<boolean> {
    const now = this.#parts.clock.now();
    return this.#writing.add(this.#write(requestOf(mail, settlements, { now, destination })));
  }

  async #write(request: SettleRequest): Promise<boolean> {
    const { store, log, clock } = this.#parts;
    while (!this.#givenUp) {
      try {
        const written = await store.settle(request);
        if (!written) log.warn("claim was lost before it was settled", { id: request.id });
        return written;
      } catch (error) {
        log.error("settling failed, trying again", { id: request.id, error: errorText(error) });
        await new Promise<void>((resolve) => clock.after(RETRY, resolve));
      }
    }
    return false;
  }

  /** Makes `stop` wait for this work as well, because its result must still be written. */
  awaiting<T>(work: Promise<T>): Promise<T> {
    return this.#writing.add(work);
  }

  /** Puts a mail back in the state that it had before it was claimed. */
  release(mail: ClaimedMail): Promise<readonly Settlement[] | undefined> {
    return this.finish(mail, NOTHING);
  }

  /** Waits at most `timeout` ms for results to be written, then gives up those that the store has not accepted. */
  async stop(timeout: number): Promise<void> {
    await this.#writing.ended(timeout);
    this.#givenUp = true;
  }

  #record(mail: ClaimedMail, settlement: Settlement, destination: string | undefined): void {
    const kind = eventKind(settlement);
    if (kind === undefined) return;
    const { outcome, n, dueAt, reason } = settlement;
    const recipient = mail.recipients.find((candidate) => candidate.n === n);
    const delivered = kind === "mail.delivered";
    this.#parts.journal.record({
      kind,
      id: mail.id,
      recipient: recipient?.address ?? "",
      domain: domainOfKey(mail.domain),
      ...(destination !== undefined && { destination }),
      ...("reply" in outcome && { reply: outcome.reply }),
      ...("why" in outcome && { why: outcome.why }),
      ...((reason === "probation" || reason === "unconfirmed" || reason === "damaged") && { reason }),
      ...(delivered && { age: Math.max(0, this.#parts.clock.now() - mail.acceptedAt) }),
      ...(dueAt !== undefined && { dueAt }),
      ...(delivered && (recipient?.unconfirmed ?? 0) > 0 && { maybeDouble: true }),
    });
  }
}

function requestOf(
  mail: ClaimedMail,
  recipients: readonly Settlement[],
  { now, destination }: { readonly now: number; readonly destination: string | undefined },
): SettleRequest {
  const delivered = recipients.some(({ outcome }) => outcome.kind === "delivered");
  const hash = delivered ? mail.body.digest() : undefined;
  return {
    id: mail.id,
    token: mail.token,
    recipients,
    now,
    ...(destination !== undefined && { destination }),
    ...(hash !== undefined && { hash }),
  };
}

type SettledKind = Exclude<MailEvent["kind"], "mail.accepted">;

/** The event to journal. Undefined for released mail, because nothing happened to it. */
function eventKind({ outcome, state }: Settlement): SettledKind | undefined {
  if (outcome.kind === "released") return undefined;
  if (state === "gone") return "mail.delivered";
  if (state === "parked") return "mail.parked";
  if (state === "held") return "mail.held";
  return state === "unconfirmed" ? "mail.unconfirmed" : "mail.deferred";
}
