import type { DomainRecord } from "../../../ports/directory.ts";
import type { ClaimedMail, DomainWork, Settlement } from "../../../ports/work-store.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";

/** What a queue must know of a pool. */
interface QueuePool<Queue> {
  /** Takes mail. */
  readonly up: boolean;
  /** Its primary is known to take none. */
  readonly away: boolean;
  /** The queues that may have mail due. */
  readonly due: Set<Queue>;
  /** Asks for mail where there is room. */
  advance(): void;
}

/**
 * What waits for one domain, as far as is known here (the mail itself lies in the store): how much, when it is due,
 * and the pools that may take it.
 */
export class DomainQueueOf<Pool extends QueuePool<DomainQueueOf<Pool>>> {
  readonly domain: string;
  /** Absent while the directory does not know the domain: its mail waits. */
  record: DomainRecord | undefined;
  #tiers: readonly (readonly Pool[])[] = [];
  #pools: readonly Pool[] = [];
  /** Shares of pools of equal preference; absent: 1. */
  weights: ReadonlyMap<Pool, number> = new Map();
  /** When the oldest of what waits was accepted, as last counted; ms since 1970. Infinity: nothing waited. */
  oldest = Infinity;
  /** Credits that the store has for this domain, as far as is known. */
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

  /** Those of all tiers. */
  get pools(): readonly Pool[] {
    return this.#pools;
  }

  /** May mail be claimed at all? */
  get open(): boolean {
    return this.record !== undefined && !this.record.paused;
  }

  /**
   * The pools that may claim: those that are up in the best tier that is of use, and before them, for a canary, better
   * ones whose probation has stopped.
   */
  active(): readonly Pool[] {
    return this.open ? this.#best().filter((pool) => pool.up) : [];
  }

  /** Better pools than this one get the mail. */
  outranks(pool: Pool): boolean {
    return !this.#best().includes(pool);
  }

  /** All pools down to the best tier where one is neither known to be away nor stopped. */
  #best(): readonly Pool[] {
    const of = this.#tiers.findIndex((pools) => pools.some((each) => !each.away && !this.#isStopped(each)));
    if (of === 0) return this.#tiers[0] ?? [];
    return of === -1 ? this.#pools : this.#tiers.slice(0, of + 1).flat();
  }

  /** Recipients waiting or unconfirmed, as last counted and changed since. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The store may hold something that is due. */
  get due(): boolean {
    return this.#due;
  }

  /** Counts what made mail due, to see whether that happened during a claim. */
  get version(): number {
    return this.#version;
  }

  /** Something is due: those that may claim it are told. */
  becameDue(): void {
    this.#due = true;
    this.#version += 1;
    for (const pool of this.#pools) pool.due.add(this);
    for (const pool of this.active()) pool.advance();
  }

  /** Nothing more is due. */
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

  /** Takes over what the store counted; undefined: nothing. */
  counted(work: DomainWork | undefined): void {
    this.#waiting = work?.recipients ?? 0;
    this.oldest = work?.oldest ?? Infinity;
    if (work !== undefined && work.recipients > 0) this.expect(work.nextDue);
  }

  /** So many recipients more wait, and are due. */
  grew(recipients: number): void {
    this.#waiting += recipients;
    this.becameDue();
  }

  /** These were taken from the store, in a conversation or about to be. */
  claimed(mails: readonly ClaimedMail[]): void {
    for (const { recipients } of mails) this.#waiting -= recipients.length;
    if (this.#waiting < 0) this.#waiting = 0;
  }

  /** Counts those of a mail's recipients that were given back or put off. */
  settled(settlements: readonly Settlement[] = []): void {
    for (const { state, dueAt = Infinity } of settlements) {
      if (state !== "waiting" && state !== "unconfirmed") continue;
      this.#waiting += 1;
      this.expect(dueAt);
    }
  }

  /** Nothing becomes due any more. */
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
