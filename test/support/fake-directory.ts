/** A directory in memory. */
import type { DirectoryReader, DomainRecord, DomainSettings, Primary } from "../../src/ports/directory.ts";

export class FakeDirectory implements DirectoryReader {
  readonly #domains = new Map<string, DomainRecord>();
  #generation = 1;

  /** Adds or replaces a domain. */
  set(name: string, primaries: readonly Primary[], change: Partial<DomainRecord> = {}): void {
    this.#generation += 1;
    const settings: DomainSettings = {
      mode: "backup",
      primaries,
      catchAll: true,
      tagSeparator: "+",
      unknownDuringOutage: "accept",
      bareNewlines: "normalise",
    };
    this.#domains.set(name, { name, origin: "file", settings, paused: false, draining: false, ...change });
  }

  remove(name: string): void {
    this.#generation += 1;
    this.#domains.delete(name);
  }

  generation(): number {
    return this.#generation;
  }

  domain(name: string): DomainRecord | undefined {
    return this.#domains.get(name);
  }

  names(): readonly string[] {
    return [...this.#domains.keys()];
  }

  recipient(): undefined {}

  close(): void {}
}

export function primaryAt(host: string, port: number, change: Partial<Primary> = {}): Primary {
  return { host, port, tls: "none", preference: 0, ...change };
}
