import type { DomainRecord, Quota } from "../../ports/directory.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Kept, QueueReader } from "../../ports/operator.ts";
import type { Clock } from "../../runtime/clock.ts";

const NOTHING: Kept = { messages: 0, bytes: 0 };
/** Share of a quota below which a full domain accepts mail again; the distance to 1 prevents flapping. */
const RELIEF = 0.95;
/** A count reads all mail of these domains. After it, no count runs for REST times as long, at most MOST_REST ms. */
const REST = 30;
const MOST_REST = 60_000;

interface Limited {
  readonly name: string;
  readonly quota: Quota;
}

interface QuotaParts {
  readonly queue: Pick<QueueReader, "kept">;
  readonly domains: () => Promise<readonly DomainRecord[]>;
  /** The generation of the directory; it changes with the directory. */
  readonly generation: () => number;
  readonly journal: Journal;
  readonly clock: Clock;
}

/**
 * Knows which domains hold more than their quota allows. It counts the mail in the store from time to time, so a domain
 * can exceed its quota by the mail that arrives between two counts. Senders to a full domain get 4xx, never 5xx.
 */
export class QuotaWatch {
  readonly #parts: QuotaParts;
  #full: ReadonlySet<string> = new Set();
  /** Domains with a quota, by the generation of the directory that they were read from. */
  #limited: { readonly generation: number; readonly domains: readonly Limited[] } | undefined;
  /** Until then no count runs, in elapsed time. */
  #restUntil = -Infinity;

  constructor(parts: QuotaParts) {
    this.#parts = parts;
  }

  /** The domains that were full at the last count. */
  get full(): readonly string[] {
    return [...this.#full];
  }

  /** Counts, if the last count is old enough; returns the domains that are full. */
  async look(): Promise<readonly string[]> {
    const { clock } = this.#parts;
    const begun = clock.elapsed();
    if (begun < this.#restUntil) return this.full;
    await this.#count();
    const ended = clock.elapsed();
    this.#restUntil = ended + Math.min(MOST_REST, (ended - begun) * REST);
    return this.full;
  }

  async #count(): Promise<void> {
    const limited = await this.#domains();
    const names = limited.map(({ name }) => name);
    const amounts = names.length === 0 ? [] : await this.#parts.queue.kept(names);
    const full = new Set<string>();
    for (const [at, { name, quota }] of limited.entries()) {
      const was = this.#full.has(name);
      const kept = amounts[at] ?? NOTHING;
      const share = Math.max(part(kept.messages, quota.messages), part(kept.bytes, quota.bytes));
      if (share >= (was ? RELIEF : 1)) full.add(name);
      if (full.has(name) !== was) this.#tell(name, kept, !was);
    }
    this.#full = full;
  }

  /** Reads the domains only when the directory has changed: reading thousands for each count would take too long. */
  async #domains(): Promise<readonly Limited[]> {
    const generation = this.#parts.generation();
    if (this.#limited?.generation !== generation) {
      const domains = (await this.#parts.domains()).flatMap(({ name, settings: { quota } }) =>
        quota === undefined ? [] : [{ name, quota }],
      );
      this.#limited = { generation, domains };
    }
    return this.#limited.domains;
  }

  #tell(domain: string, kept: Kept, full: boolean): void {
    this.#parts.journal.record({ kind: full ? "quota.reached" : "quota.left", domain, ...kept });
  }
}

function part(used: number, allowed: number | undefined): number {
  return allowed === undefined ? 0 : used / allowed;
}
