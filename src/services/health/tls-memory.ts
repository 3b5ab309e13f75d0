import type { WorkStore } from "../../ports/work-store.ts";
import { errorText, type Logger } from "../../runtime/log.ts";

interface TlsMemoryParts {
  readonly store: Pick<WorkStore, "encrypted" | "rememberTls">;
  readonly log: Logger;
}

/** Which primaries spoke TLS when they were spoken to last, by an earlier process too. */
export class TlsMemory {
  readonly #store: Pick<WorkStore, "encrypted" | "rememberTls">;
  readonly #log: Logger;
  /** What the store had; undefined while it was not read yet. */
  #stored: ReadonlySet<string> | undefined;
  /** What was seen since, which the store's is older than. */
  readonly #seen = new Map<string, boolean>();

  constructor({ store, log }: TlsMemoryParts) {
    this.#store = store;
    this.#log = log;
    store.encrypted().then(
      (stored) => {
        this.#stored = new Set(stored);
      },
      (error: unknown) => this.#complain(error),
    );
  }

  /** Undefined while it is not known yet. */
  encrypted(destination: string): boolean | undefined {
    return this.#seen.get(destination) ?? this.#stored?.has(destination);
  }

  remember(destination: string, encrypted: boolean): void {
    this.#seen.set(destination, encrypted);
    this.#store.rememberTls(destination, encrypted).catch((error: unknown) => this.#complain(error));
  }

  /** It serves an alert only: mail goes on without. */
  #complain(error: unknown): void {
    this.#log.warn("the TLS history of primaries could not be read or written", {
      error: errorText(error),
    });
  }
}
