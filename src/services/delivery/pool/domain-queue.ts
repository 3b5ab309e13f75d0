import type { DomainRecord } from "../../../ports/directory.ts";
import type { ClaimedMail, DomainWork, Settlement } from "../../../ports/work-store.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";

/** The part of a pool that a queue uses. */
interface QueuePool<Queue> {
  /** Whether it accepts mail. */
  readonly up: boolean;
  /** Whether its primary is known not to accept mail. */
  readonly away: boolean;
  /** The queues that may have due mail. */
  readonly due: Set<Queue>;
  /** Claims mail if there is room. */
  advance(): void;
}

/**
 * The waiting mail of one domain, as far as it is known without asking the store, which has the mail itself: how much
 * waits, when it is due, and which pools may deliver it.
 */
export class DomainQueueOf<Pool extends QueuePool<DomainQueueOf<Pool>>> {
  readonly domain: string;
  /** Undefined while the directory does not have the domain; its mail waits. */
  record: DomainRecord | undefined;
  #tiers: readonly (readonly Pool[])[] = [];
  #pools: readonly Pool[] = [];
  /** Weights of pools of equal preference; 1 for a pool that is not in the map. */
  weights: ReadonlyMap<Pool, number> = new Map();
  /** When the oldest waiting mail was accepted, as of the last count; ms since 1970. Infinity: no mail waited. */
  oldest = Infinity;
  /** Credits that the store still has for this domain, as far as is known. */
  credits = 0;
  readonly #clock: Clock;
  readonly #isStopped: (pool: Pool) => boolean;
  /** Whole seconds at which mail becomes due; bounded by the longest back-off, 1 h. */
  readonly #dueSeconds = new Set<number>();
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #waiting = 0;
  #due = false;
  #version = 0;
  #stopped = false;

  /** `isStopped`: the domain's probation at the pool has stopped. */
  constructor(domain: string, clock: Clock, isStopped: (pool: Pool) => boolean) {
    this.domain = domain;
    this.#clock = clock;
    this.#isStopped = isStopped;
  }

  /** Pools by preference, best first. */
  get tiers(): readonly (readonly Pool[])[] {
    return this.#tiers;
  }

  set tiers(tiers: readonly (readonly Pool[])[]) {
    this.#tiers = tiers;
    this.#pools = tiers.flat();
  }

  /** The pools of all tiers. */
  get pools(): readonly Pool[] {
    return this.#pools;
  }

  /** Whether mail may be claimed at all. */
  get open(): boolean {
    return this.record !== undefined && !this.record.paused;
  }

  /**
   * The pools that may claim mail: those that are up in the best usable tier, and before them pools of better tiers
   * whose probation has stopped, which may claim a canary.
   */
  active(): readonly Pool[] {
    return this.open ? this.#best().filter((pool) => pool.up) : [];
  }

  /** Whether better pools than this one get the mail. */
  outranks(pool: Pool): boolean {
    return !this.#best().includes(pool);
  }

  /** All pools down to the best tier with a pool that is neither known to be away nor stopped. */
  #best(): readonly Pool[] {
    const of = this.#tiers.findIndex((pools) => pools.some((each) => !each.away && !this.#isStopped(each)));
    if (of === 0) return this.#tiers[0] ?? [];
    return of === -1 ? this.#pools : this.#tiers.slice(0, of + 1).flat();
  }

  /** Recipients that are waiting or unconfirmed: the last count and the changes since. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether the store may have due mail. */
  get due(): boolean {
    return this.#due;
  }

  /** Increases whenever mail becomes due, so that a claim can see whether that happened meanwhile. */
  get version(): number {
    return this.#version;
  }

  /** Called when mail became due: notifies the pools that may claim it. */
  becameDue(): void {
    this.#due = true;
    this.#version += 1;
    for (const pool of this.#pools) pool.due.add(this);
    for (const pool of this.active()) pool.advance();
  }

  /** Called when no more mail is due. */
  exhausted(): void {
    this.#due = false;
    for (const pool of this.#pools) pool.due.delete(this);
  }

  /** Mail will be due at `at`, in ms since 1970. */
  expect(at: number): void {
    if (at === Infinity || this.#stopped) return;
    if (at <= this.#clock.now()) return this.becameDue();
    const second = Math.ceil(at / 1000);
    this.#dueSeconds.add(second);
    this.#arm(second * 1000);
  }

  /** Takes over the store's count; undefined: no mail waits. */
  counted(work: DomainWork | undefined): void {
    this.#waiting = work?.recipients ?? 0;
    this.oldest = work?.oldest ?? Infinity;
    if (work !== undefined && work.recipients > 0) this.expect(work.nextDue);
  }

  /** Adds waiting recipients, which are due. */
  grew(recipients: number): void {
    this.#waiting += recipients;
    this.becameDue();
  }

  /** Subtracts the recipients of claimed mail. */
  claimed(mails: readonly ClaimedMail[]): void {
    for (const { recipients } of mails) this.#waiting -= recipients.length;
    if (this.#waiting < 0) this.#waiting = 0;
  }

  /** Adds those recipients of a mail that were released or deferred. */
  settled(settlements: readonly Settlement[] = []): void {
    for (const { state, dueAt = Infinity } of settlements) {
      if (state !== "waiting" && state !== "unconfirmed") continue;
      this.#waiting += 1;
      this.expect(dueAt);
    }
  }

  /** Stops the timer: mail no longer becomes due by time. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(at: number): void {
    if (at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.after(at - this.#clock.now(), () => this.#timerRan());
  }

  #timerRan(): void {
    this.#timerAt = Infinity;
    const second = Math.floor(this.#clock.now() / 1000);
    for (const due of this.#dueSeconds) if (due <= second) this.#dueSeconds.delete(due);
    if (this.#dueSeconds.size > 0) this.#arm(1000 * Math.min(...this.#dueSeconds));
    this.becameDue();
  }
}
