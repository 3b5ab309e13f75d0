/**
 * The access rules that operators add while the daemon runs, in addition to those of the configuration. The newest
 * comes first, so that the latest decision counts. `services/policy` applies them.
 */
import type { AccessRule } from "../../ports/checks.ts";
import type { RuleStore, StoredRule } from "../../ports/rules.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Most rules that are kept. */
export const MOST_RULES = 10_000;

interface RulesParts {
  readonly store: RuleStore;
  readonly clock: Clock;
  readonly nextId: () => string;
  /** Runs after each change. */
  readonly changed: () => void;
}

export class Rules {
  readonly #parts: RulesParts;
  #rules: readonly StoredRule[] = [];
  /** A change failed: if its commit failed, it may be on the disk all the same. */
  #unsure = false;

  constructor(parts: RulesParts) {
    this.#parts = parts;
  }

  /** Reads the rules from the store; until then the list is empty. */
  async load(): Promise<void> {
    this.#use(await this.#parts.store.rules());
    this.#unsure = false;
  }

  /** The rules, newest first; the same array until something changes. */
  list(): readonly StoredRule[] {
    return this.#rules;
  }

  /** Adds a rule; undefined if there are too many. */
  async add(rule: AccessRule, who: string): Promise<StoredRule | undefined> {
    if (this.#rules.length >= MOST_RULES) return undefined;
    const stored = { id: this.#parts.nextId(), rule, createdAt: this.#parts.clock.now(), who };
    await this.#change(() => this.#parts.store.addRule(stored));
    this.#use([stored, ...this.#rules.filter(({ id }) => id !== stored.id)]);
    return stored;
  }

  /** Removes a rule; false if there is no such rule. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.#change(() => this.#parts.store.removeRule(id));
    if (removed) this.#use(this.#rules.filter((rule) => rule.id !== id));
    return removed;
  }

  /**
   * Runs every few seconds. Reads the rules again if a change failed. Removes rules whose `until` has passed (they have
   * no effect any more), and reports all of them as one change.
   */
  async forgetOver(): Promise<void> {
    if (this.#unsure) await this.load();
    const now = this.#parts.clock.now();
    const over = this.#rules.filter(({ rule: { until = Infinity } }) => now >= until);
    const removed = new Set<string>();
    try {
      for (const { id } of over) {
        await this.#change(() => this.#parts.store.removeRule(id));
        removed.add(id);
      }
    } finally {
      if (removed.size > 0) this.#use(this.#rules.filter(({ id }) => !removed.has(id)));
    }
  }

  async #change<T>(make: () => Promise<T>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      this.#unsure = true;
      throw error;
    }
  }

  #use(rules: readonly StoredRule[]): void {
    this.#rules = rules;
    this.#parts.changed();
  }
}
