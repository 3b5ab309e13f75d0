import type { Outcome } from "../../../mail/outcome.ts";
import { reply } from "../../../mail/reply.ts";
import type { SendResult } from "../../../ports/smtp-client.ts";
import type { ClaimedMail } from "../../../ports/work-store.ts";
import type { ConnectionPool, DomainQueue, QueueAtPool } from "../pool/connection-pool.ts";
import type { Probations } from "../probation/probations.ts";
import { byWeight } from "./sharing.ts";

/** A pool with this many unsettled mails gets no mail from other pools; that mail waits in the store. */
const MOST_IN_HAND = 64;

interface OtherPrimariesParts {
  readonly probations: Pick<Probations, "room">;
  /** 0 to 1. */
  readonly random: () => number;
}

/**
 * Finds another primary for a mail that one primary cannot accept, because the mail is too large or needs SMTPUTF8. We
 * accepted the mail because another primary of the domain accepts such mail.
 */
export class OtherPrimaries {
  readonly #parts: OtherPrimariesParts;
  /** The primaries that could not accept a mail since it was claimed: they may announce more than they then accept. */
  readonly #unfit = new WeakMap<ClaimedMail, Set<ConnectionPool>>();

  constructor(parts: OtherPrimariesParts) {
    this.#parts = parts;
  }

  /** The best pool that accepts the mail; `later`: none can at present; undefined: none ever will. */
  find({ pool, queue }: QueueAtPool, mail: ClaimedMail): ConnectionPool | "later" | undefined {
    // The domain was removed, or lost its route, meanwhile: its mail waits.
    if (queue.pools.length === 0) return "later";
    const unfit = this.#unfit.get(mail) ?? new Set();
    this.#unfit.set(mail, unfit.add(pool));
    const fit = queue.tiers.map((pools) => pools.filter((other) => !unfit.has(other) && other.mayTake(mail)));
    if (fit.flat().length === 0) return undefined;
    const ready = fit.map((pools) => pools.filter((other) => this.#isReady(other, queue)));
    const best = ready.find((pools) => pools.length > 0) ?? [];
    return byWeight(best, queue, this.#parts.random()) ?? "later";
  }

  #isReady(pool: ConnectionPool, queue: DomainQueue): boolean {
    if (!queue.open || pool.away || pool.unsettled >= MOST_IN_HAND) return false;
    return this.#parts.probations.room(pool, queue) > 0;
  }
}

/** Turns a refusal into a deferral, for a mail that one primary cannot accept and another may accept later. */
export function deferredFor(result: SendResult): SendResult {
  const deferred = (outcome: Outcome): Outcome => {
    if (outcome.kind !== "refused") return outcome;
    const text = `${outcome.reply.text}; another primary may accept it later`;
    return { kind: "deferred", reply: reply(451, "4.4.0", text), ours: true };
  };
  const outcomes = Array.from(result.outcomes, ([n, outcome]) => [n, deferred(outcome)] as const);
  return { ...result, outcomes: new Map(outcomes) };
}
