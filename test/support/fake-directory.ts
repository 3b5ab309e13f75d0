/** A directory in memory. */
import type { DirectoryReader, DomainRecord, Primary, RecipientHit } from "../../src/ports/directory.ts";
import { domainSettings } from "./domain-settings.ts";

export class FakeDirectory implements DirectoryReader {
  readonly #domains = new Map<string, DomainRecord>();
  #generation = 1;

  /** Adds or replaces a domain. */
  set(name: string, primaries: readonly Primary[], change: Partial<DomainRecord> = {}): void {
    this.#generation += 1;
    const settings = { ...domainSettings(...primaries), catchAll: true };
    this.#domains.set(name, { name, origin: "file", settings, paused: false, draining: false, ...change });
  }

  remove(name: string): void {
    this.#generation += 1;
    this.#domains.delete(name);
  }

  generation(): number {
    return this.#generation;
  }

  /** Names that were looked up. */
  readonly lookedUp: string[] = [];

  domain(name: string): DomainRecord | undefined {
    this.lookedUp.push(name);
    return this.#domains.get(name);
  }

  names(): readonly string[] {
    return [...this.#domains.keys()];
  }

  /** Local parts and patterns that are listed, whatever the domain. */
  readonly listed = new Map<string, string>();

  recipient(_record: DomainRecord, local: string): RecipientHit | undefined {
    const pattern = this.listed.get(local);
    return pattern === undefined ? undefined : { pattern, origin: "file" };
  }

  close(): void {}
}

export function primaryAt(host: string, port: number, change: Partial<Primary> = {}): Primary {
  return { host, port, tls: "none", preference: 0, ...change };
}
