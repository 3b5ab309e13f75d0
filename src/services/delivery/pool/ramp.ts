/** How long a cap on connections holds, in ms. */
const CAPPED_FOR = 60_000;

/** The connections are halved when PUT_OFF of the last LOOKED_AT mails were deferred with 4xx. */
const LOOKED_AT = 20;
const PUT_OFF = 10;

/** A primary is overloaded if a mail takes LONGER times its best time, and more than LONG ms. */
const LONGER = 8;
const LONG = 5000;

/** What the reply to one mail shows about the primary's load. */
export interface Passed {
  /** Milliseconds from MAIL to the last reply. */
  readonly took: number;
  /** Whether all answered recipients got a temporary reply. */
  readonly putOff: boolean;
}

/**
 * How many connections a primary gets. After start and after an outage: one, with one mail (the canary). The number
 * then doubles with each round of answered mails. It falls to the open connections when the primary rejects another
 * one, and to half when the primary defers half of the mails or becomes much slower.
 */
export class Ramp {
  #limit = 1;
  #passed = 0;
  #canary = true;
  #ceiling = Infinity;
  #ceilingUntil = 0;
  readonly #putOff: boolean[] = [];
  /** Milliseconds that a mail takes: recently, and at best; both smoothed. */
  #recent = 0;
  #best = Infinity;

  /** True until a mail has been answered since the start or the last outage. */
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

  /** Called when one mail was answered without trouble for the destination. */
  pass(most: number, passed: Passed, now: number): void {
    this.#canary = false;
    if (this.#isStrained(passed)) return this.halve(most, now);
    if (this.#limit >= most) return;
    this.#passed += 1;
    if (this.#passed < this.#limit) return;
    this.#passed = 0;
    this.#limit *= 2;
  }

  /** Allows no more than `connections` for a minute. */
  cap(connections: number, now: number): void {
    this.#ceiling = Math.max(1, connections);
    this.#ceilingUntil = now + CAPPED_FOR;
  }

  /** Halves the present limit for a minute; after that it doubles again from there. */
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
