/** Follows the files in which recipients are listed, so that a change counts within seconds, without a reload. */
import { formatProblem, markNow, rereadList, type Config } from "../config/config.ts";
import type { DeclaredDomain } from "../ports/directory.ts";
import type { Journal } from "../ports/journal.ts";
import type { DirectoryEditor } from "../services/directory/directory.ts";

export interface ListFileParts {
  readonly editor: DirectoryEditor;
  readonly journal: Journal;
  /** Changes the configuration that is in force, between two reloads. */
  readonly alter: (alter: (config: Config) => Promise<Config>) => Promise<void>;
}

export class ListFiles {
  readonly #parts: ListFileParts;
  /** By domain: the mark of a file that could not be used, which is told once. */
  readonly #unusable = new Map<string, string>();

  constructor(parts: ListFileParts) {
    this.#parts = parts;
  }

  /** Reads the files that changed since they were read last. */
  look(): Promise<void> {
    return this.#parts.alter(async (config) => {
      const changed = new Map<string, string>();
      for (const { name, recipientsFile } of config.domains) {
        if (recipientsFile === undefined) continue;
        const mark = await markNow(recipientsFile);
        if (mark !== recipientsFile.mark && mark !== this.#unusable.get(name)) changed.set(name, mark);
      }
      return changed.size === 0 ? config : this.#read(config, changed);
    });
  }

  async #read(config: Config, changed: ReadonlyMap<string, string>): Promise<Config> {
    const { editor, journal } = this.#parts;
    const read: [string, number][] = [];
    const domains = config.domains.map((domain): DeclaredDomain => {
      const mark = changed.get(domain.name);
      if (mark === undefined) return domain;
      const list = rereadList(domain);
      if (!("problems" in list)) {
        read.push([domain.name, list.recipients?.length ?? 0]);
        return { ...domain, ...list };
      }
      this.#unusable.set(domain.name, mark);
      const [first] = list.problems;
      const why = first === undefined ? "it cannot be read" : formatProblem(first);
      journal.record({ kind: "recipients.stuck", domain: domain.name, why });
      return domain;
    });
    if (read.length === 0) return config;
    await editor.declare(domains);
    for (const [domain, entries] of read) journal.record({ kind: "recipients.fetched", domain, entries });
    return { ...config, domains };
  }
}
