/** Keeps the SMTP threads told of what primaries can take, so that what they would refuse is refused at once. */
import type { PrimaryOffers, PrimaryStatus } from "./ports/health.ts";
import type { Clock } from "./runtime/clock.ts";
import { offersOf } from "./services/health/health.ts";

/** One life of one SMTP thread. */
export interface Reader {
  tell(offers: readonly (readonly [string, PrimaryOffers])[]): Promise<void>;
}

export interface BoardParts {
  /** Undefined while the delivery thread is between two lives: what was known stays. */
  readonly primaries: () => Promise<readonly PrimaryStatus[] | undefined>;
  /** By what identifies their present life. */
  readonly readers: () => ReadonlyMap<object, Reader>;
  readonly clock: Clock;
}

export class OffersBoard {
  readonly #parts: BoardParts;
  /** What each was told last. */
  readonly #told = new WeakMap<object, string>();

  constructor(parts: BoardParts) {
    this.#parts = parts;
  }

  async tell(): Promise<void> {
    const statuses = await this.#parts.primaries();
    if (statuses === undefined) return;
    const offers = offersOf(statuses, this.#parts.clock.now());
    const text = JSON.stringify(offers);
    for (const [life, reader] of this.#parts.readers()) {
      if (this.#told.get(life) === text) continue;
      await reader.tell(offers);
      this.#told.set(life, text);
    }
  }
}
