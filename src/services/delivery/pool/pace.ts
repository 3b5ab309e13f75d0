/** In ms. After a pause, the mails of this time may go at once. */
const SLACK = 100;

/** Spreads mails evenly over each second. Times in ms since 1970. */
export class Pace {
  #next = 0;

  /** Returns 0 and uses up one place if the next mail may go now; otherwise returns the ms to wait. */
  take(perSecond: number, now: number): number {
    const next = Math.max(this.#next, now - SLACK);
    if (next > now) return Math.ceil(next - now);
    this.#next = next + 1000 / perSecond;
    return 0;
  }
}
