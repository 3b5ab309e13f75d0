/**
 * Reads the recipients of a domain from the place where the operator lists them: the configuration itself, or a file.
 */
import { statSync, type Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { DeclaredDomain, RecipientFile } from "../ports/directory.ts";
import type { Partly } from "./remarks.ts";
import { keyText, type Remark, type Path, type Problem } from "./problem.ts";
import { readEntries, readLines, type EntryFault } from "./recipient-list.ts";
import type { ParsedDomain } from "./schema.ts";
import { readText } from "./text-file.ts";

const MAX_LIST_BYTES = 128e6;

/** A domain's declaration of its recipients. */
export type ListedRecipients = Pick<DeclaredDomain, "recipients" | "recipientsFile">;

interface ListPlace {
  /** Name of the domain, in A-labels. */
  readonly name: string;
  readonly path: Path;
  /** Folder from which relative paths start. */
  readonly folder: string;
  /** The list as it was last read: a file that has not changed since is not read again. */
  readonly before?: ListedRecipients | undefined;
}

interface ReadList {
  readonly listed: ListedRecipients;
  readonly remarks: readonly Remark[];
  /** Problems in the recipient file. */
  readonly elsewhere: readonly Problem[];
}

const NO_LIST: ReadList = { listed: {}, remarks: [], elsewhere: [] };

export function readList(place: ListPlace, source: Partly<ParsedDomain>["recipients"]): ReadList {
  if (source?.list !== undefined) {
    const path = source.listKey === undefined ? place.path : [...place.path, source.listKey];
    return inline({ ...place, path }, source.list);
  }
  return source?.file === undefined ? NO_LIST : fromFile(place, source.file);
}

/** Reads the file of a domain's recipients again. */
export function rereadList({
  name,
  recipientsFile,
}: DeclaredDomain): ListedRecipients | { readonly problems: readonly Problem[] } {
  const path: Path = ["domains", name, "recipients"];
  const file = recipientsFile?.path ?? "";
  const { listed, remarks, elsewhere } = fromFile({ name, path, folder: "/" }, file);
  const here = remarks.map(({ wrong, right }): Problem => {
    return { file, line: 1, column: 1, key: keyText(path), wrong, right };
  });
  const problems = [...here, ...elsewhere];
  return problems.length > 0 ? { problems } : listed;
}

/** Returns the mark that the file would get if it were read now, and when it was last written, in ms since 1970. */
export async function markNow({ path }: RecipientFile): Promise<{ mark: string; writtenAt: number }> {
  const stats = await stat(path).catch(() => undefined);
  return { mark: markOf(stats), writtenAt: stats?.mtimeMs ?? Infinity };
}

/** Returns undefined if the system refuses; reading the file then gives the reason. */
function statsOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

/** The mark of a pipe or a device: it changes when it is read or written, and cannot be read a second time. */
const NO_FILE = "no regular file";

/** Returns a text that differs whenever the content may differ; a missing file has a mark, too. */
function markOf(stats: Stats | undefined): string {
  if (stats === undefined) return "gone";
  return stats.isFile() ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : NO_FILE;
}

function inline(place: ListPlace, list: readonly string[]): ReadList {
  const { recipients, faults } = readEntries(list, place.name);
  const remarks = faults.map(({ index, wrong, right }): Remark => {
    return { path: place.path.concat(index), wrong, right };
  });
  return { listed: { recipients }, remarks, elsewhere: [] };
}

function fromFile({ name, path, folder, before }: ListPlace, written: string): ReadList {
  const file = resolve(folder, written);
  // Taken before the content: a change in between is then seen as a change later.
  const mark = markOf(statsOf(file));
  const { recipients: known, recipientsFile } = before ?? {};
  const unchanged = recipientsFile?.path === file && recipientsFile.mark === mark && mark !== NO_FILE;
  if (known !== undefined && unchanged) return { ...NO_LIST, listed: { recipients: known, recipientsFile } };
  const content = readText(file, MAX_LIST_BYTES);
  if ("fault" in content) {
    const { wrong, right } = content.fault;
    return { ...NO_LIST, remarks: [{ path: [...path, "file"], wrong: `${file} ${wrong}`, right }] };
  }
  const { recipients, faults } = readLines(content.text, name);
  const problem = ({ index, ...fault }: EntryFault): Problem => {
    return { file, line: index + 1, column: 1, key: keyText(path), ...fault };
  };
  return {
    listed: { recipients, recipientsFile: { path: file, mark } },
    remarks: [],
    elsewhere: faults.map(problem),
  };
}
