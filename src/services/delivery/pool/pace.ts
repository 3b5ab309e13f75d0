/** Mails that may go at once after a pause, as a part of a second's. */
const SLACK = 100;

/** Spreads mails evenly over each second. Times in ms since 1970. */
export class Pace {
  #next = 0;

  /** Takes one place; 0 when there was one, else in how many ms there will be. */
  take(perSecond: number, now: number): number {
    const next = Math.max(this.#next, now - SLACK);
    if (next > now) return Math.ceil(next - now);
    this.#next = next + 1000 / perSecond;
    return 0;
  }
}
