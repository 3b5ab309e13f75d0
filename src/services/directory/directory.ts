/**
 * The domains that we serve, where their mail goes, and which recipients they have.
 *
 * Each thread reads over its own connection (Directory). Only the main thread writes, one change at a time
 * (DirectoryEditor). Every change creates a new generation; a transaction keeps the generation with which it began, so
 * that all of its recipients are judged by the same directory.
 */
import type {
  DeclaredDomain,
  DeclareResult,
  DirectoryReader,
  DirectoryWriter,
  DomainRecord,
  DomainSettings,
  ListSizes,
  RecipientChange,
  RecipientHit,
} from "../../ports/directory.ts";

/** Most cached names, including names that are no domain. A full cache is cleared, because strangers can fill it. */
const REMEMBERED_DOMAINS = 10_000;
/** The same for recipients. */
const REMEMBERED_RECIPIENTS = 20_000;

/** Looks up domains and recipients. Caches those of the newest generation. */
export class Directory implements DirectoryReader {
  readonly #reader: DirectoryReader;
  #remembered = new Map<string, DomainRecord | undefined>();
  #rememberedGeneration = -1;
  /** By domain and local part, for the cached generation. */
  #recipients = new Map<string, RecipientHit | undefined>();

  constructor(reader: DirectoryReader) {
    this.#reader = reader;
  }

  generation(): number {
    return this.#reader.generation();
  }

  domain(name: string, generation: number): DomainRecord | undefined {
    if (generation < this.#rememberedGeneration) return this.#reader.domain(name, generation);
    if (generation > this.#rememberedGeneration) this.#forget(generation);
    if (this.#remembered.has(name)) return this.#remembered.get(name);
    const record = this.#reader.domain(name, generation);
    if (this.#remembered.size >= REMEMBERED_DOMAINS) this.#remembered.clear();
    this.#remembered.set(name, record);
    return record;
  }

  names(generation: number): readonly string[] {
    return this.#reader.names(generation);
  }

  recipient(record: DomainRecord, local: string): RecipientHit | undefined {
    if (this.#remembered.get(record.name) !== record) return this.#reader.recipient(record, local);
    const key = `${local}@${record.name}`;
    const known = this.#recipients.get(key);
    if (known !== undefined || this.#recipients.has(key)) return known;
    const hit = this.#reader.recipient(record, local);
    if (this.#recipients.size >= REMEMBERED_RECIPIENTS) this.#recipients.clear();
    this.#recipients.set(key, hit);
    return hit;
  }

  /** Clears the cache, for a pause: it changes a domain without a new generation. */
  refresh(): void {
    this.#forget(this.#rememberedGeneration);
  }

  close(): void {
    this.#reader.close();
  }

  #forget(generation: number): void {
    this.#remembered = new Map();
    this.#recipients.clear();
    this.#rememberedGeneration = generation;
  }
}

/** Changes the directory, one change at a time, and reports each change. */
export class DirectoryEditor {
  readonly #writer: DirectoryWriter;
  readonly #reader: Pick<DirectoryReader, "generation" | "domain">;
  #changed: (domains: readonly string[]) => void = () => {};
  #last: Promise<unknown> = Promise.resolve();
  /** Domains whose change failed: if the commit failed, the change may be on the disk. Reported with the next change. */
  readonly #unsure = new Set<string>();

  constructor(writer: DirectoryWriter, reader: Pick<DirectoryReader, "generation" | "domain">) {
    this.#writer = writer;
    this.#reader = reader;
  }

  /** `changed` runs after each change from now on, once it is visible, with the domains that it touched. */
  onChange(changed: (domains: readonly string[]) => void): void {
    this.#changed = changed;
  }

  async declare(domains: readonly DeclaredDomain[]): Promise<DeclareResult> {
    const names = domains.map(({ name }) => name);
    const result = await this.#alone(names, () => this.#writer.declare(domains));
    const { added, changed, draining, removed } = result;
    this.#report([...added, ...changed, ...draining, ...removed]);
    return result;
  }

  addDomain(domain: DeclaredDomain): Promise<void> {
    return this.#change(domain.name, () => this.#writer.addDomain(domain));
  }

  /**
   * Replaces the settings of a domain by the result of `settle`, which gets the current ones, so that two simultaneous
   * changes both take effect. False if there is no such domain. Rejects, and changes nothing, if `settle` throws.
   */
  changeDomain(name: string, settle: (domain: DomainRecord) => DomainSettings): Promise<boolean> {
    return this.#change(name, async () => {
      const known = this.#reader.domain(name, this.#reader.generation());
      return known !== undefined && this.#writer.changeDomain(name, settle(known));
    });
  }

  removeDomain(name: string): ReturnType<DirectoryWriter["removeDomain"]> {
    return this.#change(name, () => this.#writer.removeDomain(name));
  }

  setPaused(name: string, paused: boolean, until?: number): Promise<boolean> {
    return this.#change(name, () => this.#writer.setPaused(name, paused, until));
  }

  /** Runs every few seconds. Usually it finds nothing, which is not reported as a change unless one failed before. */
  endPauses(): Promise<readonly string[]> {
    return this.#changeOfSome(() => this.#writer.endPauses());
  }

  changeRecipients(change: RecipientChange): Promise<ListSizes> {
    return this.#change(change.domain, () => this.#writer.changeRecipients(change));
  }

  /** Runs every minute. Usually it finds nothing, which is not reported as a change. */
  retire(): Promise<readonly string[]> {
    return this.#changeOfSome(() => this.#writer.retire());
  }

  async #changeOfSome(run: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const names = await this.#alone([], run);
    if (names.length + this.#unsure.size > 0) this.#report(names);
    return names;
  }

  async #change<T>(domain: string, run: () => Promise<T>): Promise<T> {
    const result = await this.#alone([domain], run);
    this.#report([domain]);
    return result;
  }

  #report(domains: readonly string[]): void {
    const unsure = [...this.#unsure];
    this.#unsure.clear();
    this.#changed([...domains, ...unsure]);
  }

  #alone<T>(domains: readonly string[], run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => domains.forEach((name) => this.#unsure.add(name)));
    return turn;
  }
}
