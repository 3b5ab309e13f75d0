import type { DestinationTrouble, Target } from "../../ports/smtp-client.ts";
import { refusesUs } from "./state.ts";

/** How long an address that refuses us is left alone while another is known to be good, in ms. */
const LEFT_ALONE = 60_000;

/** What is known of the addresses of one primary. Times in ms. */
export class Addresses {
  /** The one that greeted last. */
  #best: string | undefined;
  /** When others refused us, since it greeted. */
  readonly #refused = new Map<string, number>();

  isBest({ ip }: Target): boolean {
    return ip === this.#best;
  }

  greeted({ ip }: Target): void {
    this.#best = ip;
    this.#refused.clear();
  }

  failed({ ip }: Target, trouble: DestinationTrouble, now: number): void {
    if (refusesUs(trouble)) this.#refused.set(ip, now);
  }

  /** Those to try, the best first and the `busy` ones last. */
  inTurn(targets: readonly Target[], now: number, busy: (target: Target) => boolean): readonly Target[] {
    const rank = (target: Target): number => (busy(target) ? 2 : this.isBest(target) ? 0 : 1);
    const known = targets.some((target) => this.isBest(target));
    const tried = targets.filter(
      (target) => !known || this.isBest(target) || now - this.#refusedAt(target) >= LEFT_ALONE,
    );
    return tried.toSorted((a, b) => rank(a) - rank(b));
  }

  /**
   * Which of their troubles is the primary's. Where one address is known to be good, only its own is. Otherwise one that
   * greets and breaks may be mended sooner than one that refuses us; a family without a route says nothing of either.
   */
  decisive(troubles: ReadonlyMap<Target, DestinationTrouble>): DestinationTrouble | undefined {
    const all = [...troubles];
    const [, own] = all.find(([target]) => this.isBest(target)) ?? [];
    const spoke = all.flatMap(([, trouble]) => (trouble.stage === "connect" ? [] : [trouble]));
    return own ?? spoke.find((trouble) => !refusesUs(trouble)) ?? spoke[0] ?? all.at(-1)?.[1];
  }

  #refusedAt({ ip }: Target): number {
    return this.#refused.get(ip) ?? -Infinity;
  }
}
