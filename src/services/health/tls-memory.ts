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
  #known: ReadonlySet<string> | undefined;

  constructor({ store, log }: TlsMemoryParts) {
    this.#store = store;
    this.#log = log;
    store.encrypted().then(
      (known) => {
        this.#known = new Set(known);
      },
      (error: unknown) => this.#complain(error),
    );
  }

  /** Undefined while it is not known yet. */
  encrypted(destination: string): boolean | undefined {
    return this.#known?.has(destination);
  }

  remember(destination: string, encrypted: boolean): void {
    this.#store.rememberTls(destination, encrypted).catch((error: unknown) => this.#complain(error));
  }

  /** It serves an alert only: mail goes on without. */
  #complain(error: unknown): void {
    this.#log.warn("what is known of primaries' TLS could not be read or written", {
      error: errorText(error),
    });
  }
}
