import { Ledger } from "../prove/checker.ts";
import { percentile } from "./quantiles.ts";

/** A ledger that knows how long each 250 took, in ms, from the MAIL command on. */
export class TimedLedger extends Ledger {
  readonly #offered = new Map<string, number>();
  readonly #times = new Map<string, number[]>();
  #phase = "";
  #last: number | undefined;
  #longest = 0;

  override offer(id: string, body: Buffer, recipients: readonly string[]): void {
    super.offer(id, body, recipients);
    this.#offered.set(id, performance.now());
  }

  override ack(id: string, recipients: readonly string[]): void {
    super.ack(id, recipients);
    const now = performance.now();
    this.#of(this.#phase).push(now - (this.#offered.get(id) ?? now));
    this.#longest = Math.max(this.#longest, now - (this.#last ?? now));
    this.#last = now;
  }

  /** Forgets the times so far. */
  begin(): void {
    this.#times.clear();
  }

  /** From here on times count for this phase; phases may take turns. */
  during(phase: string): void {
    this.#phase = phase;
  }

  /** Mails whose times are counted. */
  timed(phase = ""): number {
    return this.#of(phase).length;
  }

  /** In ms. */
  p99(phase = ""): number {
    return Math.round(10 * percentile(this.#of(phase), 0.99)) / 10;
  }

  #of(phase: string): number[] {
    const known = this.#times.get(phase) ?? [];
    this.#times.set(phase, known);
    return known;
  }

  /** The longest time between two 250, in ms. */
  longestGap(): number {
    return Math.round(Math.max(this.#longest, performance.now() - (this.#last ?? 0)));
  }
}
