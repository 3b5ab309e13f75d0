/** Keeps the SMTP threads told of what is known of primaries: each life of a thread hears of each change once. */
import type { PrimaryStatus } from "./ports/health.ts";
import type { Clock } from "./runtime/clock.ts";

/** One life of one SMTP thread. */
export interface Reader<T> {
  tell(facts: T): Promise<void>;
}

export interface BoardParts<T> {
  /** Undefined while the delivery thread is between two lives: what was known stays. */
  readonly primaries: () => Promise<readonly PrimaryStatus[] | undefined>;
  /** What the threads need of it. */
  readonly facts: (statuses: readonly PrimaryStatus[], now: number) => T;
  /** By what identifies their present life. */
  readonly readers: () => ReadonlyMap<object, Reader<T>>;
  readonly clock: Clock;
}

export class PrimariesBoard<T> {
  readonly #parts: BoardParts<T>;
  /** What each was told last. */
  readonly #told = new WeakMap<object, string>();

  constructor(parts: BoardParts<T>) {
    this.#parts = parts;
  }

  async tell(): Promise<void> {
    const statuses = await this.#parts.primaries();
    if (statuses === undefined) return;
    const facts = this.#parts.facts(statuses, this.#parts.clock.now());
    const text = JSON.stringify(facts);
    for (const [life, reader] of this.#parts.readers()) {
      if (this.#told.get(life) === text) continue;
      await reader.tell(facts);
      this.#told.set(life, text);
    }
  }
}
