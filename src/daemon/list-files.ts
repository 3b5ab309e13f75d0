/**
 * Follows the files that list recipients, so that a change takes effect within seconds, without a reload. A program
 * that writes such a file may not be done yet, and recipients that are missing in half a list would be refused for
 * good. So a changed file is read once two successive looks found it the same, or once nobody has written it for a
 * while. A list that has become empty takes effect only at a reload or a start.
 */
import { formatProblem, markNow, rereadList, type Config, type ListedRecipients } from "../config/config.ts";
import type { DeclaredDomain } from "../ports/directory.ts";
import type { Journal } from "../ports/journal.ts";
import type { Clock } from "../runtime/clock.ts";
import type { DirectoryEditor } from "../services/directory/directory.ts";

/** Ms; a file that nobody has written for this long is read at the first look. */
const REST = 2000;

export interface ListFileParts {
  readonly clock: Clock;
  readonly editor: DirectoryEditor;
  readonly journal: Journal;
  /** Changes the configuration that is in effect, never at the same time as a reload. */
  readonly alter: (alter: (config: Config) => Promise<Config>) => Promise<void>;
}

export class ListFiles {
  readonly #parts: ListFileParts;
  /** By domain: a file that could not be used. This is reported once. */
  readonly #unusable = new Map<string, { readonly mark: string; readonly why: string }>();
  /** By domain: the mark that a changed file had at the last look. */
  readonly #changing = new Map<string, string>();

  constructor(parts: ListFileParts) {
    this.#parts = parts;
  }

  /** Reads the files that changed since they were last read, unless somebody seems to be writing them. */
  look(): Promise<void> {
    return this.#parts.alter(async (config) => {
      this.#forget(config);
      const restedSince = this.#parts.clock.now() - REST;
      const changed = new Map<string, string>();
      for (const { name, recipientsFile } of config.domains) {
        if (recipientsFile === undefined) continue;
        const { mark, writtenAt } = await markNow(recipientsFile);
        if (mark === recipientsFile.mark) this.#unusable.delete(name);
        if (mark === recipientsFile.mark || mark === this.#unusable.get(name)?.mark) continue;
        if (writtenAt <= restedSince || this.#changing.get(name) === mark) changed.set(name, mark);
        this.#changing.set(name, mark);
      }
      return changed.size === 0 ? config : this.#read(config, changed);
    });
  }

  /** Says why the file of a domain could not be used; undefined if its content is in effect. */
  trouble(domain: string): string | undefined {
    return this.#unusable.get(domain)?.why;
  }

  /** Forgets domains that no longer exist or no longer have a file, after a reload. */
  #forget({ domains }: Config): void {
    if (this.#unusable.size === 0) return;
    const followed = new Set(domains.flatMap(({ name, recipientsFile }) => (recipientsFile ? name : [])));
    for (const name of this.#unusable.keys()) if (!followed.has(name)) this.#unusable.delete(name);
  }

  async #read(config: Config, changed: ReadonlyMap<string, string>): Promise<Config> {
    const { editor, journal } = this.#parts;
    const read: [string, number][] = [];
    const domains = config.domains.map((domain): DeclaredDomain => {
      const mark = changed.get(domain.name);
      if (mark === undefined) return domain;
      const list = followed(domain, mark);
      if (list === undefined) return domain;
      if (typeof list !== "string") {
        this.#unusable.delete(domain.name);
        read.push([domain.name, list.recipients?.length ?? 0]);
        return { ...domain, ...list };
      }
      this.#unusable.set(domain.name, { mark, why: list });
      journal.record({ kind: "recipients.stuck", domain: domain.name, why: list });
      return domain;
    });
    if (read.length === 0) return config;
    await editor.declare(domains);
    for (const [domain, entries] of read) journal.record({ kind: "recipients.fetched", domain, entries });
    return { ...config, domains };
  }
}

/**
 * Reads the domain's file. Returns its list; or a sentence that says why the old list stays in effect; or undefined if
 * the file no longer has this mark, because somebody began to write it again while other files were read.
 */
function followed(domain: DeclaredDomain, mark: string): ListedRecipients | string | undefined {
  const list = rereadList(domain);
  if ("problems" in list) {
    const [first] = list.problems;
    return first === undefined ? "it cannot be read" : formatProblem(first);
  }
  if (list.recipientsFile?.mark !== mark) return undefined;
  const emptied = list.recipients?.length === 0 && domain.recipients?.length !== 0;
  if (!emptied) return list;
  return `${domain.recipientsFile?.path} no longer lists any recipient; fill it again, or run \`holdfast reload\` if that is intended`;
}
