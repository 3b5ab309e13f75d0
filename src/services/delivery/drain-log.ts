import type { Journal } from "../../ports/journal.ts";
import type { Lane } from "./lane.ts";

/** Journals how much a primary took after its return, when the last of what was due has gone. In elapsed time. */
export class DrainLog {
  readonly #journal: Journal;
  readonly #drains = new Map<Lane, { readonly since: number; delivered: number }>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  begin(lane: Lane, now: number): void {
    if (lane.held() > 0) this.#drains.set(lane, { since: now, delivered: 0 });
  }

  abandon(lane: Lane): void {
    this.#drains.delete(lane);
  }

  /** So many recipients were delivered. */
  count(lane: Lane, delivered: number): void {
    const drain = this.#drains.get(lane);
    if (drain !== undefined) drain.delivered += delivered;
  }

  look(lane: Lane, now: number): void {
    const drain = this.#drains.get(lane);
    if (drain === undefined || lane.due.size > 0 || lane.unsettled + lane.claiming > 0) return;
    this.#drains.delete(lane);
    const { delivered, since } = drain;
    this.#journal.record({ kind: "primary.drained", destination: lane.name, delivered, took: now - since });
  }
}
