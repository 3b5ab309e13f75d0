import type { Blocklists, ListStatus } from "../../ports/blocklist.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Interval between tests of a sound list, in ms. Other lists are tested at every call of `test`. */
const EVERY = 3_600_000;

interface ListHealthParts {
  readonly blocklists: Pick<Blocklists, "test">;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Called after each change or test, with the zones that may be queried. */
  readonly changed: (sound: readonly string[]) => void;
}

interface Tested extends ListStatus {
  /** When the list was tested last, in elapsed time. */
  readonly testedAt: number;
}

/** Knows which DNS lists work. A list that is untested, or failed its test, is not queried and does not count. */
export class ListHealth {
  readonly #parts: ListHealthParts;
  #lists = new Map<string, Tested>();

  constructor(parts: ListHealthParts) {
    this.#parts = parts;
  }

  /** Sets the lists that are in use from now on. Lists that were in use before keep their state. */
  use(zones: readonly string[]): void {
    const since = this.#parts.clock.now();
    const untested = (zone: string): Tested => ({ zone, state: "untested", since, testedAt: -Infinity });
    this.#lists = new Map(zones.map((zone) => [zone, this.#lists.get(zone) ?? untested(zone)]));
    this.#parts.changed(this.sound());
  }

  /** Tests all lists that are due, in parallel. */
  async test(): Promise<void> {
    const now = this.#parts.clock.elapsed();
    const due = [...this.#lists.values()].filter(
      ({ state, testedAt }) => state !== "sound" || now - testedAt >= EVERY,
    );
    await Promise.all(due.map((list) => this.#testOne(list.zone)));
    this.#parts.changed(this.sound());
  }

  sound(): readonly string[] {
    return [...this.#lists.values()].filter(({ state }) => state === "sound").map(({ zone }) => zone);
  }

  status(): readonly ListStatus[] {
    return [...this.#lists.values()].map(({ testedAt: _testedAt, ...status }) => status);
  }

  async #testOne(zone: string): Promise<void> {
    const result = await this.#parts.blocklists.test(zone);
    const before = this.#lists.get(zone);
    if (before === undefined) return;
    const { clock } = this.#parts;
    const since = before.state === result.kind ? before.since : clock.now();
    const why = result.kind === "sick" ? { why: result.why } : {};
    this.#lists.set(zone, { zone, state: result.kind, since, testedAt: clock.elapsed(), ...why });
    if (before.state === result.kind) return;
    if (result.kind === "sick") this.#parts.journal.record({ kind: "blocklist.sick", zone, why: result.why });
    else if (before.state === "sick") this.#parts.journal.record({ kind: "blocklist.sound", zone });
  }
}
