/** Follows the files in which recipients are listed, so that a change counts within seconds, without a reload. */
import { stat } from "node:fs/promises";
import { formatProblem, rereadList, type Config } from "./config/config.ts";
import type { DeclaredDomain } from "./ports/directory.ts";
import type { Journal } from "./ports/journal.ts";
import type { DirectoryEditor } from "./services/directory/directory.ts";

export interface ListFileParts {
  readonly editor: DirectoryEditor;
  readonly journal: Journal;
  /** Changes the configuration that is in force, between two reloads. */
  readonly alter: (alter: (config: Config) => Promise<Config>) => Promise<void>;
}

export class ListFiles {
  readonly #parts: ListFileParts;
  /** By domain: what its file was when it was read last. */
  #seen = new Map<string, string>();

  constructor(parts: ListFileParts) {
    this.#parts = parts;
  }

  /** Reads the files that changed since the last look; the first look only remembers. */
  look(): Promise<void> {
    return this.#parts.alter(async (config) => {
      const marks = await marksOf(config.domains);
      const changed = [...marks].filter(([name, mark]) => (this.#seen.get(name) ?? mark) !== mark);
      this.#seen = marks;
      return changed.length === 0 ? config : this.#read(config, new Set(changed.map(([name]) => name)));
    });
  }

  async #read(config: Config, changed: ReadonlySet<string>): Promise<Config> {
    const { editor, journal } = this.#parts;
    const read: [string, number][] = [];
    const domains = config.domains.map((domain): DeclaredDomain => {
      if (!changed.has(domain.name)) return domain;
      const list = rereadList(domain);
      if ("recipients" in list) {
        read.push([domain.name, list.recipients.length]);
        return { ...domain, recipients: list.recipients };
      }
      const [first] = list.problems;
      const why = first === undefined ? "it cannot be read" : formatProblem(first);
      journal.record({ kind: "recipients.stuck", domain: domain.name, why });
      return domain;
    });
    if (read.length === 0) return config;
    await (await editor.stage(domains)).flip();
    for (const [domain, entries] of read) journal.record({ kind: "recipients.fetched", domain, entries });
    return { ...config, domains };
  }
}

async function marksOf(domains: readonly DeclaredDomain[]): Promise<Map<string, string>> {
  const marks = new Map<string, string>();
  for (const { name, recipientsFile } of domains)
    if (recipientsFile !== undefined) marks.set(name, await markOf(recipientsFile));
  return marks;
}

/** Another text for another content; a file that is gone has a mark as well. */
async function markOf(file: string): Promise<string> {
  const stats = await stat(file).catch(() => undefined);
  return stats === undefined ? "gone" : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}
