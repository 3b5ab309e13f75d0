import type { WorkStore } from "../../ports/work-store.ts";
import { errorText, type Logger } from "../../runtime/log.ts";

interface TlsMemoryParts {
  readonly store: Pick<WorkStore, "encrypted" | "rememberTls">;
  readonly log: Logger;
}

/** Remembers which primaries offered TLS in their latest conversation, including those of earlier processes. */
export class TlsMemory {
  readonly #store: Pick<WorkStore, "encrypted" | "rememberTls">;
  readonly #log: Logger;
  /** What the store contained; undefined until it has been read. */
  #stored: ReadonlySet<string> | undefined;
  #reading = false;
  #readFailed = false;
  /** What this process saw; it is newer than what the store contained. */
  readonly #seen = new Map<string, boolean>();

  constructor({ store, log }: TlsMemoryParts) {
    this.#store = store;
    this.#log = log;
    void this.#read();
  }

  /** Undefined while the store has not been read. If that failed, each call tries again. */
  encrypted(destination: string): boolean | undefined {
    if (this.#stored === undefined && !this.#reading) void this.#read();
    return this.#seen.get(destination) ?? this.#stored?.has(destination);
  }

  remember(destination: string, encrypted: boolean): void {
    this.#seen.set(destination, encrypted);
    this.#store.rememberTls(destination, encrypted).catch((error: unknown) => this.#complain(error));
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      this.#stored = new Set(await this.#store.encrypted());
    } catch (error) {
      // Every conversation may try again while the store fails; one warning is enough.
      if (!this.#readFailed) this.#complain(error);
      this.#readFailed = true;
    }
    this.#reading = false;
  }

  /** Only logs: this memory serves an alert, and delivery does not depend on it. */
  #complain(error: unknown): void {
    this.#log.warn("the TLS history of primaries could not be read or written", {
      error: errorText(error),
    });
  }
}
