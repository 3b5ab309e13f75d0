/** How long a cap on connections holds, in ms. */
const CAPPED_FOR = 60_000;

/** Mails that are looked at, and how many of them put off by 4xx are too many. */
const LOOKED_AT = 20;
const PUT_OFF = 10;

/** A mail takes so many times as long as it did at best, and longer than this in ms: the primary is strained. */
const LONGER = 8;
const LONG = 5000;

/** What one mail told of the primary's state. */
export interface Passed {
  /** Milliseconds from MAIL to the last reply. */
  readonly took: number;
  /** A temporary reply to the whole mail. */
  readonly putOff: boolean;
}

/**
 * How many connections a primary gets: one with one mail (the canary) after start and after an outage, then
 * doubling with each round of mails that passed. Falls back to what it bears when it refuses further ones, and to
 * half when it puts off half of the mails or takes much longer for them than it did.
 */
export class Ramp {
  #limit = 1;
  #passed = 0;
  #canary = true;
  #ceiling = Infinity;
  #ceilingUntil = 0;
  readonly #putOff: boolean[] = [];
  /** Milliseconds that a mail takes: of late, and at best; both smoothed. */
  #recent = 0;
  #best = Infinity;

  /** No mail has passed since the start or the last outage. */
  get canary(): boolean {
    return this.#canary;
  }

  /** Connections allowed at `now`; `most` is the setting. */
  limit(most: number, now: number): number {
    const ceiling = now < this.#ceilingUntil ? this.#ceiling : Infinity;
    return Math.max(1, Math.min(this.#limit, most, ceiling));
  }

  reset(): void {
    this.#limit = 1;
    this.#passed = 0;
    this.#canary = true;
    this.#ceilingUntil = 0;
    this.#forget();
  }

  /** One mail passed without trouble for the destination. */
  pass(most: number, passed: Passed, now: number): void {
    this.#canary = false;
    if (this.#isStrained(passed)) return this.halve(most, now);
    if (this.#limit >= most) return;
    this.#passed += 1;
    if (this.#passed < this.#limit) return;
    this.#passed = 0;
    this.#limit *= 2;
  }

  /** No more connections than these for a minute. */
  cap(connections: number, now: number): void {
    this.#ceiling = Math.max(1, connections);
    this.#ceilingUntil = now + CAPPED_FOR;
  }

  /** Half of what it has, for a minute; then doubling from there. */
  halve(most: number, now: number): void {
    const half = Math.floor(this.limit(most, now) / 2);
    this.#forget();
    this.#passed = 0;
    this.#limit = Math.max(1, half);
    this.cap(half, now);
  }

  #isStrained({ took, putOff }: Passed): boolean {
    this.#putOff.push(putOff);
    if (this.#putOff.length > LOOKED_AT) this.#putOff.shift();
    this.#recent = this.#recent === 0 ? took : this.#recent + (took - this.#recent) / 5;
    this.#best = Math.min(this.#best, this.#recent);
    const slower = this.#recent > LONG && this.#recent > LONGER * this.#best;
    return slower || this.#putOff.filter(Boolean).length >= PUT_OFF;
  }

  #forget(): void {
    this.#putOff.length = 0;
    this.#recent = 0;
    this.#best = Infinity;
  }
}
