/** Keeps all SMTP threads told of what is known of primaries: each life of a thread hears of each change once. */
import type { SmtpThread } from "../threads/crew.ts";
import type { PrimaryStatus } from "../ports/health.ts";
import { primariesFacts } from "../threads/primaries-facts.ts";
import type { Clock } from "../runtime/clock.ts";

interface PrimariesBoardParts {
  /** Undefined while the delivery thread is between two lives: what was known stays. */
  readonly primaries: () => Promise<readonly PrimaryStatus[] | undefined>;
  readonly smtp: () => readonly SmtpThread[];
  readonly clock: Clock;
}

export class PrimariesBoard {
  readonly #parts: PrimariesBoardParts;
  /** What each life of a thread was told last. */
  readonly #told = new WeakMap<object, string>();

  constructor(parts: PrimariesBoardParts) {
    this.#parts = parts;
  }

  /** Waits for no thread: one that hangs would keep the others from what comes next. */
  async tell(): Promise<void> {
    const statuses = await this.#parts.primaries();
    if (statuses === undefined) return;
    const facts = primariesFacts(statuses, this.#parts.clock.now());
    const text = JSON.stringify(facts);
    for (const { current: life } of this.#parts.smtp()) {
      if (life === undefined || this.#told.get(life) === text) continue;
      this.#told.set(life, text);
      life.control.call("learned", facts).catch(() => undefined);
    }
  }
}
