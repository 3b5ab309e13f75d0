import type { DestinationTrouble, Target } from "../../ports/smtp-client.ts";
import { refusesUs } from "./state.ts";

/** How long an address that refused us is not tried while another one is known to be good, in ms. */
const LEFT_ALONE = 60_000;

/** What is known about the addresses of one primary. Times in ms. */
export class Addresses {
  /** The address that greeted last. */
  #best: string | undefined;
  /** When other addresses refused us, since the last greeting. */
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

  /** Returns the targets to try, the best first, the `busy` ones last. */
  inTurn(targets: readonly Target[], now: number, busy: (target: Target) => boolean): readonly Target[] {
    const rank = (target: Target): number => (busy(target) ? 2 : this.isBest(target) ? 0 : 1);
    const known = targets.some((target) => this.isBest(target));
    const tried = targets.filter(
      (target) => !known || this.isBest(target) || now - this.#refusedAt(target) >= LEFT_ALONE,
    );
    return tried.toSorted((a, b) => rank(a) - rank(b));
  }

  /**
   * Chooses the trouble that decides about the primary's state. If one address is known to be good, only its trouble
   * counts. Otherwise an address that broke off counts before one that refused us, because it may recover sooner, and
   * both count before one that could not be connected to: its address family may just have no route.
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
