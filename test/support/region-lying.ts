/** Tells when what is due lies beside a primary that is up and idle. */
import type { Primary } from "../../src/ports/directory.ts";
import type { PrimaryStatus } from "../../src/ports/health.ts";
import type { Bench } from "./delivery-bench.ts";

/** Milliseconds that mail may lie due beside an idle primary; with leaps of the clock, and after a start, a survey finds it. */
const LYING = 6000;
const LYING_UNTOLD = 75_000;
/** After the store's trouble, in ms. */
const STORE_RESTS = 3000;

const AWAY: ReadonlySet<PrimaryStatus["state"]> = new Set(["down", "banned", "loop"]);

interface Lying {
  readonly since: number;
  readonly seen: number;
}

interface LyingParts {
  readonly bench: Bench;
  readonly domains: readonly string[];
  readonly primariesOf: (domain: string) => readonly Primary[];
  /** Starts and leaps of the clock happen: what is due is found by a survey then. */
  readonly leaps: boolean;
}

export class LyingMail {
  /** Domains whose mail lay about. */
  readonly found = new Set<string>();
  readonly #bench: Bench;
  readonly #parts: LyingParts;
  readonly #lying = new Map<string, Lying>();
  #storeWellAt = 0;

  constructor(parts: LyingParts) {
    this.#bench = parts.bench;
    this.#parts = parts;
  }

  /** Until then the store takes nothing, in elapsed ms. */
  storeIsSick(until: number): void {
    this.#storeWellAt = Math.max(this.#storeWellAt, until);
  }

  forget(): void {
    this.#lying.clear();
  }

  look(status: readonly PrimaryStatus[]): void {
    const now = this.#bench.clock.elapsed();
    const rests = now - this.#storeWellAt < STORE_RESTS;
    const bound = this.#parts.leaps ? LYING_UNTOLD : LYING;
    for (const domain of this.#parts.domains) {
      if (rests || !this.#lies(domain, status)) {
        this.#lying.delete(domain);
        continue;
      }
      const { since, seen } = this.#lying.get(domain) ?? { since: now, seen: 0 };
      this.#lying.set(domain, { since, seen: seen + 1 });
      if (seen >= 4 && now - since > bound) this.found.add(domain);
    }
  }

  /** Something is due, a primary of the best tier of use is up, and none of that tier does anything. */
  #lies(domain: string, status: readonly PrimaryStatus[]): boolean {
    if (this.#bench.directory.domain(domain)?.paused !== false) return false;
    const now = this.#bench.clock.now();
    const mails = this.#bench.store.mails.filter((mail) => mail.domain === domain);
    const recipients = mails.flatMap((mail) => mail.recipients);
    const waits = recipients.some(
      ({ state, dueAt }) => (state === "waiting" || state === "unconfirmed") && dueAt <= now,
    );
    const held = recipients.some(({ state, reason }) => state === "held" && reason === "probation");
    if (!waits && !held) return false;
    const best = this.#best(domain, status);
    const up = best.filter(({ state }) => state === "up");
    const busy = best.some(({ connections }) => connections > 0);
    // Two pools of one name: one is that of a detour, and the status does not tell which.
    const names = new Set(best.map(({ destination }) => destination));
    if (up.length === 0 || busy || names.size < best.length) return false;
    const stopped = up.map(({ probation = [] }) =>
      probation.find((each) => each.domain === domain && each.state === "stopped"),
    );
    return stopped.some((each) => each === undefined || (each.canaryAt ?? 0) <= now - 1000);
  }

  /** Of the tiers that are not away the best that its probation has not stopped, or else the best. */
  #best(domain: string, status: readonly PrimaryStatus[]): readonly PrimaryStatus[] {
    const primaries = this.#parts.primariesOf(domain);
    const tiers = [0, 1].map((preference) => {
      const tier = primaries.filter((one) => one.preference === preference);
      return status.filter(
        ({ destination, domains }) =>
          domains.includes(domain) && tier.some(({ host, port }) => destination === `${host}:${port}`),
      );
    });
    const present = tiers.filter((tier) => tier.some(({ state }) => !AWAY.has(state)));
    return present.find((tier) => !isStopped(tier, domain)) ?? present[0] ?? [];
  }
}

function isStopped(tier: readonly PrimaryStatus[], domain: string): boolean {
  return tier.every(
    ({ state, probation = [] }) =>
      AWAY.has(state) || probation.some((each) => each.domain === domain && each.state === "stopped"),
  );
}
