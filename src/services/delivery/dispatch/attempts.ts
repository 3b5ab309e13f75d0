import type { ClaimedMail } from "../../../ports/work-store.ts";
import { refusedByBody, type SendResult } from "../../../ports/smtp-client.ts";
import type { DrainLog } from "./drain-log.ts";
import type { ConnectionPool, DomainQueue, QueueAtPool } from "../pool/connection-pool.ts";
import { deferredFor, OtherPrimaries } from "./other-primaries.ts";
import type { DsnTriggers } from "../ground/parts.ts";
import type { Probations } from "../probation/probations.ts";
import type { RoutedCallouts } from "./routed-callouts.ts";
import { handOver } from "./sharing.ts";
import { Settler, type SettlerParts } from "../ground/settler.ts";

interface AttemptsParts extends SettlerParts {
  readonly probations: Pick<Probations, "judge" | "of" | "room" | "unsent" | "setAside">;
  readonly callouts: Pick<RoutedCallouts, "learn">;
  readonly drains: Pick<DrainLog, "count">;
  readonly dsnTriggers: DsnTriggers;
  /** Called when the pool has one claimed mail less. */
  readonly closed: (pool: ConnectionPool, queue: DomainQueue) => void;
}

/** Ends claims: judges and writes results, and releases mail that was not sent. */
export class Attempts {
  readonly #parts: AttemptsParts;
  readonly #settler: Settler;
  readonly #others: OtherPrimaries;

  constructor(parts: AttemptsParts) {
    this.#parts = parts;
    this.#settler = new Settler(parts);
    this.#others = new OtherPrimaries(parts);
  }

  finished(at: QueueAtPool, mail: ClaimedMail, result: SendResult): void {
    if (result.refusedAt !== "here") return this.#judge(at, mail, result);
    const other = this.#others.find(at, mail);
    if (other === undefined) this.#judge(at, mail, result);
    else if (other === "later") this.#judge(at, mail, deferredFor(result));
    else this.#handOn(at, mail, other);
  }

  /** Passes the mail to another pool than the one that claimed it. The mail stays claimed. */
  #handOn({ pool, queue }: QueueAtPool, mail: ClaimedMail, other: ConnectionPool): void {
    const { probations, closed } = this.#parts;
    handOver(mail, { pool: other, queue }, probations);
    probations.unsent(pool, queue, 1);
    closed(pool, queue);
  }

  #judge(at: QueueAtPool, mail: ClaimedMail, result: SendResult): void {
    const { callouts, probations } = this.#parts;
    callouts.learn(at, mail, result);
    const doubted = probations.judge(at, mail, result);
    if (doubted === undefined) return this.#settle(at, mail, result);
    void this.#settler.awaiting(doubted.then((held) => this.#settle(at, mail, result, held)));
  }

  unsent({ pool, queue }: QueueAtPool, mail: ClaimedMail): void {
    this.#parts.probations.unsent(pool, queue, 1);
    void this.release(mail, queue).then(() => this.#parts.closed(pool, queue));
  }

  /** Puts a mail back in the state that it had before it was claimed; `queue` counts it again. */
  async release(mail: ClaimedMail, queue?: DomainQueue): Promise<void> {
    const settlements = await this.#settler.release(mail);
    queue?.settled(settlements);
  }

  /** Waits at most `timeout` ms for results to be written. */
  stop(timeout: number): Promise<void> {
    return this.#settler.stop(timeout);
  }

  /** Writes the result. `held`: recipients whose refusal is not believed. */
  #settle(
    { pool, queue }: QueueAtPool,
    mail: ClaimedMail,
    result: SendResult,
    held?: ReadonlySet<number>,
  ): void {
    const { outcomes, dsn = false } = result;
    const content = refusedByBody(result);
    const attempt = { outcomes, destination: pool.name, content, dsn, ...(held !== undefined && { held }) };
    void this.#settler.finish(mail, attempt).then((settlements) => {
      const { drains, dsnTriggers, closed, probations } = this.#parts;
      if (held !== undefined && held.size > 0) probations.setAside({ pool, queue });
      drains.count(pool, settlements);
      if (settlements?.some(({ owes }) => owes !== undefined)) dsnTriggers.owed();
      queue.settled(settlements);
      closed(pool, queue);
    });
  }
}
