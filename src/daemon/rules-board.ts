/** Sends the access rules that operators add at run time to all SMTP threads. */
import type { SmtpThread } from "../threads/crew.ts";
import type { AccessRule } from "../ports/checks.ts";
import type { RuleStore } from "../ports/rules.ts";
import type { Clock } from "../runtime/clock.ts";
import { tellAll } from "./smtp-threads.ts";
import { idSource } from "../runtime/ids.ts";
import { Rules } from "../services/rules/rules.ts";

/** Ms; changes within this time are sent together. */
const GATHER = 50;

interface RulesBoardParts {
  readonly store: RuleStore;
  readonly clock: Clock;
  readonly smtp: () => readonly SmtpThread[];
}

export class RulesBoard {
  readonly rules: Rules;
  readonly #parts: RulesBoardParts;
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

  #changed(): void {
    this.#current = this.rules.list().map(({ rule }) => rule);
    if (this.#planned) return;
    this.#planned = true;
    this.#parts.clock.after(GATHER, () => {
      this.#planned = false;
      void tellAll(this.#parts.smtp(), "applyRules", this.#current).catch(() => undefined);
    });
  }
}
