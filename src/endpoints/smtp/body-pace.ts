/** Measures how fast a body arrives, in one piece or in chunks, over spans of a minute in the connection's ticks. */

/** Span over which the minimum rate of a body is measured, in ms. */
const RATE_WINDOW = 60_000;

export class BodyPace {
  #octets = 0;
  /** When the current span began, in ms. */
  #start: number;
  #startOctets = 0;

  constructor(now: number) {
    this.#start = now;
  }

  took(octets: number): void {
    this.#octets += octets;
  }

  /** Begins a new span, so that time for which the client is not to blame does not count. */
  excuse(now: number): void {
    this.#start = now;
    this.#startOctets = this.#octets;
  }

  /** Whether fewer than `least` octets a second arrived over a whole span. False if none: a timeout handles that. */
  trickles(now: number, least: number): boolean {
    const span = now - this.#start;
    if (span < RATE_WINDOW) return false;
    const octets = this.#octets - this.#startOctets;
    this.excuse(now);
    return octets > 0 && octets < (least * span) / 1000;
  }
}
