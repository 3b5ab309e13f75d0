const CROWDED_FOR = 60_000;

/**
 * How many connections a primary gets: one with one mail (the canary) after start and after an outage, then
 * doubling with each round of mails that passed. Falls back to what it bears when it refuses further ones.
 */
export class Ramp {
  #limit = 1;
  #passed = 0;
  #canary = true;
  #ceiling = Infinity;
  #ceilingUntil = 0;

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
  }

  /** One mail passed without trouble for the destination. */
  pass(most: number): void {
    this.#canary = false;
    if (this.#limit >= most) return;
    this.#passed += 1;
    if (this.#passed < this.#limit) return;
    this.#passed = 0;
    this.#limit *= 2;
  }

  /** It refused one more connection while `open` others worked. */
  crowded(open: number, now: number): void {
    this.#ceiling = Math.max(1, open);
    this.#ceilingUntil = now + CROWDED_FOR;
  }
}
