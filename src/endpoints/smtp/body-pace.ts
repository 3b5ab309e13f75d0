/** How fast a body comes in, in one piece or in chunks: told from a trickle over spans of a minute, by the connection's own ticks. */

/** Span over which the least rate of a body is measured, in ms. */
const RATE_WINDOW = 60_000;

export class BodyPace {
  #octets = 0;
  /** Where the current span began. */
  #start: number;
  #startOctets = 0;

  constructor(now: number) {
    this.#start = now;
  }

  took(octets: number): void {
    this.#octets += octets;
  }

  /** Begins a new span: the time before it was ours, not the client's. */
  excuse(now: number): void {
    this.#start = now;
    this.#startOctets = this.#octets;
  }

  /** Less than `least` octets a second over a whole span, but some: the time-out sees those who send nothing. */
  trickles(now: number, least: number): boolean {
    const span = now - this.#start;
    if (span < RATE_WINDOW) return false;
    const octets = this.#octets - this.#startOctets;
    this.excuse(now);
    return octets > 0 && octets < (least * span) / 1000;
  }
}
