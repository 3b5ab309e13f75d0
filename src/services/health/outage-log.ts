import type { PrimaryState } from "../../ports/health.ts";
import type { Journal } from "../../ports/journal.ts";
import { isAway, type HealthRecord } from "./state.ts";

interface OutageFacts {
  readonly destination: string;
  readonly domains: readonly string[];
  readonly held: number;
}

/**
 * Records the beginning and the end of each outage in the journal, each once. A primary that relapses counts as away
 * until it is proven, so that a half-dead server does not cause an event every second.
 */
export class OutageLog {
  readonly #journal: Journal;
  #away: PrimaryState | undefined;
  #since = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** When the present or the last outage began, in ms since 1970. */
  get since(): number {
    return this.#since;
  }

  look(health: HealthRecord, facts: () => OutageFacts, now: number): void {
    if (isAway(health.state)) this.#begin(health, facts);
    else if (health.state === "up" && (health.proven || health.relapses === 0)) this.#end(facts, now);
  }

  #begin(health: HealthRecord, facts: () => OutageFacts): void {
    const isNew = this.#away === undefined;
    const nowLoop = health.state === "loop" && this.#away !== "loop";
    this.#away = health.state;
    if (isNew) this.#since = health.awaySince ?? health.since;
    if (!isNew && !nowLoop) return;
    const { held, ...common } = facts();
    const why = health.why ?? "no reason known";
    if (health.state === "loop") this.#journal.record({ kind: "primary.loop", ...common, why });
    else this.#journal.record({ kind: "primary.down", ...common, held, why });
  }

  #end(facts: () => OutageFacts, now: number): void {
    if (this.#away === undefined) return;
    this.#away = undefined;
    this.#journal.record({ kind: "primary.up", ...facts(), outage: now - this.#since });
  }
}
