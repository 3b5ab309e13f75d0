import type { ClaimedMail } from "../../../ports/work-store.ts";
import { errorText } from "../../../runtime/log.ts";
import type { ConnectionPool, DomainQueue } from "../pool/connection-pool.ts";
import type { Probations } from "../probation/probations.ts";
import type { DeliveryParts } from "../ground/parts.ts";
import { UnderWay } from "../ground/under-way.ts";

interface ClaimsParts extends Pick<DeliveryParts, "store" | "clock" | "log"> {
  readonly probations: Pick<Probations, "of" | "room" | "canary" | "unsent">;
  /** Passes claimed mail to the pool that asked for it. */
  claimed(pool: ConnectionPool, queue: DomainQueue, mails: readonly ClaimedMail[]): void;
  /** Called when mail can be claimed again. */
  resumed(): void;
}

/** How long to wait after the store has failed, in ms. */
const PAUSE = 1000;
/** Mails that are tried as a canary before the next pause. */
const MOST_CANARIES = 10;

/**
 * Claims due mail for the pools, oldest mail first. The domains of a pool take turns, each with an equal share of the
 * pool's room, but at least half its connections: many small claims cost the store more than few larger ones.
 */
export class Claims {
  readonly #parts: ClaimsParts;
  readonly #asking: UnderWay;
  /** True until the waiting mail has been counted for the first time, and after a failure of the store. */
  #paused = true;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
    this.#asking = new UnderWay(parts.clock);
  }

  begin(): void {
    this.#paused = false;
    this.#parts.resumed();
  }

  /** Waits at most `timeout` ms for claims that the store has not answered. Retired pools claim nothing more. */
  ended(timeout: number): Promise<void> {
    return this.#asking.ended(timeout);
  }

  fill(pool: ConnectionPool): void {
    const { probations } = this.#parts;
    if (this.#paused || pool.due.size === 0) return;
    let room = pool.room();
    if (room === 0 || !worthIt(pool, room)) return;
    const least = pool.canary ? 1 : Math.ceil(pool.limit / 2);
    const queues = this.#nextInTurn(pool, Math.ceil(room / least));
    const share = Math.ceil(room / Math.max(1, queues.length));
    for (const queue of queues) {
      if (room <= 0) return;
      // The queue moves to the end of the set, so that every domain has its turn.
      pool.due.delete(queue);
      pool.due.add(queue);
      this.#claim(pool, queue, Math.min(share, room, probations.room(pool, queue)));
      room -= share;
    }
  }

  #claim(pool: ConnectionPool, queue: DomainQueue, limit: number): void {
    const { version } = queue;
    pool.claiming += limit;
    const asked = this.#ask(pool, queue, limit).then(
      (mails) => {
        pool.claiming -= limit;
        this.#parts.probations.unsent(pool, queue, limit - mails.length);
        if (mails.length < limit && queue.version === version) queue.exhausted();
        this.#parts.claimed(pool, queue, mails);
      },
      (error) => {
        pool.claiming -= limit;
        this.#parts.probations.unsent(pool, queue, limit);
        this.#pause(error);
      },
    );
    void this.#asking.add(asked);
  }

  async #ask(pool: ConnectionPool, queue: DomainQueue, limit: number): Promise<readonly ClaimedMail[]> {
    const { store, clock, probations } = this.#parts;
    const probation = probations.of(pool, queue);
    const canary = probation?.wantsCanary === true;
    probation?.take(limit);
    if (canary) return this.#askForCanary(queue);
    return store.claim({ domain: queue.domain, limit, now: clock.now() });
  }

  /** Claims a canary. Another pool may have claimed the chosen mail meanwhile; then the next one is tried. */
  async #askForCanary(queue: DomainQueue): Promise<readonly ClaimedMail[]> {
    const { store, clock, probations } = this.#parts;
    for (let asked = 0; asked < MOST_CANARIES; asked++) {
      const id = await probations.canary(queue);
      if (id === undefined) return [];
      const mails = await store.claim({ domain: queue.domain, limit: 1, now: clock.now(), id });
      if (mails.length > 0) return mails;
    }
    // An empty result would mean that no mail is due.
    throw new Error(
      `${MOST_CANARIES} mails of ${queue.domain} were due, and gone before they could be claimed`,
    );
  }

  #nextInTurn(pool: ConnectionPool, most: number): readonly DomainQueue[] {
    const { probations } = this.#parts;
    const queues: DomainQueue[] = [];
    for (const queue of pool.due) {
      if (queue.active().includes(pool) && probations.room(pool, queue) > 0) queues.push(queue);
      if (queues.length >= most) break;
    }
    return queues;
  }

  #pause(error: unknown): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#parts.log.error("claiming failed, trying again", { error: errorText(error) });
    this.#parts.clock.after(PAUSE, () => this.begin());
  }
}

/** Whether to claim now. Small claims are expensive, so a pool waits for room unless it is idle or sends its canary. */
function worthIt(pool: ConnectionPool, room: number): boolean {
  return pool.canary || room >= pool.limit / 2 || pool.unsettled + pool.claiming === 0;
}
