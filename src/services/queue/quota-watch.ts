import type { DomainRecord, Quota } from "../../ports/directory.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Kept, QueueReader } from "../../ports/operator.ts";
import type { Clock } from "../../runtime/clock.ts";

const NOTHING: Kept = { messages: 0, bytes: 0 };
/** Share of a quota below which a domain that was full takes mail again: no flapping at the edge. */
const RELIEF = 0.95;
/** A look reads all mail of these domains: after it nobody looks for so many times as long, at most so many ms. */
const REST = 30;
const MOST_REST = 60_000;

interface Limited {
  readonly name: string;
  readonly quota: Quota;
}

interface QuotaParts {
  readonly queue: Pick<QueueReader, "kept">;
  readonly domains: () => Promise<readonly DomainRecord[]>;
  /** Of the directory; another one after each change. */
  readonly generation: () => number;
  readonly journal: Journal;
  readonly clock: Clock;
}

/**
 * Knows which domains hold more than their quota allows. It counts what the store holds, now and then, so that a
 * domain can go over by what arrives between two looks; senders are put off, nothing is refused for good.
 */
export class QuotaWatch {
  readonly #parts: QuotaParts;
  #full: ReadonlySet<string> = new Set();
  /** Domains with a quota, by the generation of the directory that they were read from. */
  #limited: { readonly generation: number; readonly domains: readonly Limited[] } | undefined;
  /** In elapsed time. */
  #restUntil = -Infinity;

  constructor(parts: QuotaParts) {
    this.#parts = parts;
  }

  /** The domains that were full at the last look. */
  get full(): readonly string[] {
    return [...this.#full];
  }

  /** Counts, where the last count is old enough; answers the domains that are full. */
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

  /** A directory of thousands takes too long to be read at each look. */
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
