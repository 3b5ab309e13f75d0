/** Keeps all SMTP threads told of the rules of access that operators add while the daemon runs. */
import type { SmtpThread } from "../threads/crew.ts";
import type { AccessRule } from "../ports/checks.ts";
import type { RuleStore } from "../ports/rules.ts";
import type { Clock } from "../runtime/clock.ts";
import { idSource } from "../runtime/ids.ts";
import { Rules } from "../services/access/access.ts";

/** Changes that come together are told together, in ms. */
const GATHER = 50;

interface RulesBoardParts {
  readonly store: RuleStore;
  readonly clock: Clock;
  readonly smtp: () => readonly SmtpThread[];
}

export class RulesBoard {
  readonly rules: Rules;
  readonly #parts: RulesBoardParts;
  /** What each life of a thread was told last. */
  readonly #told = new WeakMap<object, readonly AccessRule[]>();
  #current: readonly AccessRule[] = [];
  #planned = false;

  constructor(parts: RulesBoardParts) {
    this.#parts = parts;
    const nextId = idSource(() => parts.clock.now());
    this.rules = new Rules({ ...parts, nextId, changed: () => this.#changed() });
  }

  current(): readonly AccessRule[] {
    return this.#current;
  }

  /** Tells whoever does not know yet; a thread that began a moment ago may not. */
  async tell(): Promise<void> {
    const rules = this.#current;
    for (const { current: life } of this.#parts.smtp()) {
      if (life === undefined || this.#told.get(life) === rules) continue;
      await life.control.call("applyRules", rules);
      this.#told.set(life, rules);
    }
  }

  #changed(): void {
    const rules = this.rules.list().map(({ rule }) => rule);
    this.#current = rules.length === 0 ? NONE : rules;
    if (this.#planned) return;
    this.#planned = true;
    this.#parts.clock.after(GATHER, () => {
      this.#planned = false;
      // The job that runs each second tries again.
      void this.tell().catch(() => undefined);
    });
  }
}

const NONE: readonly AccessRule[] = [];
