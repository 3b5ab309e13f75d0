import type { DomainRecord } from "../../ports/directory.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Kept, QueueReader } from "../../ports/operator.ts";

const NOTHING: Kept = { messages: 0, bytes: 0 };
/** Share of a quota below which a domain that was full takes mail again: no flapping at the edge. */
const RELIEF = 0.95;

/**
 * Knows which domains hold more than their quota allows. It counts what the store holds, now and then, so that a
 * domain can go over by what arrives between two looks; senders are put off, nothing is refused for good.
 */
export class QuotaWatch {
  readonly #queue: Pick<QueueReader, "kept">;
  readonly #journal: Journal;
  #full: ReadonlySet<string> = new Set();

  constructor(queue: Pick<QueueReader, "kept">, journal: Journal) {
    this.#queue = queue;
    this.#journal = journal;
  }

  /** The domains that were full at the last look. */
  get full(): readonly string[] {
    return [...this.#full];
  }

  /** Counts; answers the domains that are full. Domains without a quota cost nothing. */
  async look(domains: readonly DomainRecord[]): Promise<readonly string[]> {
    const limited = domains.flatMap(({ name, settings: { quota } }) =>
      quota === undefined ? [] : [{ name, quota }],
    );
    const amounts = limited.length === 0 ? [] : await this.#queue.kept(limited.map(({ name }) => name));
    const full = new Set<string>();
    for (const [at, { name, quota }] of limited.entries()) {
      const was = this.#full.has(name);
      const kept = amounts[at] ?? NOTHING;
      const share = Math.max(part(kept.messages, quota.messages), part(kept.bytes, quota.bytes));
      if (share >= (was ? RELIEF : 1)) full.add(name);
      if (full.has(name) !== was) this.#tell(name, kept, !was);
    }
    this.#full = full;
    return this.full;
  }

  #tell(domain: string, kept: Kept, full: boolean): void {
    this.#journal.record({ kind: full ? "quota.reached" : "quota.left", domain, ...kept });
  }
}

function part(used: number, allowed: number | undefined): number {
  return allowed === undefined ? 0 : used / allowed;
}
