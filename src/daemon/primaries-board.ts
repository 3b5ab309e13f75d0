/** Sends what is known about primaries to all SMTP threads: each life of a thread gets each change once. */
import type { SmtpThread } from "../threads/crew.ts";
import type { KnownPrimaries } from "../ports/health.ts";
import { primariesFacts } from "../threads/primaries-facts.ts";
import type { Clock } from "../runtime/clock.ts";

interface PrimariesBoardParts {
  readonly primaries: () => Promise<KnownPrimaries>;
  readonly smtp: () => readonly SmtpThread[];
  readonly clock: Clock;
}

export class PrimariesBoard {
  readonly #parts: PrimariesBoardParts;
  /** What was last sent to each life of a thread. */
  readonly #told = new WeakMap<object, string>();

  constructor(parts: PrimariesBoardParts) {
    this.#parts = parts;
  }

  /** Waits for no thread: one that hangs would delay the others' next update. */
  async tell(): Promise<void> {
    const { primaries, noPrimaries } = await this.#parts.primaries();
    // The threads keep what they know.
    if (noPrimaries !== undefined) return;
    const facts = primariesFacts(primaries, this.#parts.clock.now());
    const text = JSON.stringify(facts);
    for (const { current: life } of this.#parts.smtp()) {
      if (life === undefined || this.#told.get(life) === text) continue;
      this.#told.set(life, text);
      life.control.call("learned", facts).catch(() => undefined);
    }
  }
}
