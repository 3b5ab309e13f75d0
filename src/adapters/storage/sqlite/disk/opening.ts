/** Errors of files and folders that the store cannot use, in words for the operator at the start. */
import { closeSync, openSync, statSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../../../../runtime/system-code.ts";
import { realDisk } from "./disk.ts";
import { judged } from "./quota.ts";

/** Names the path, what is wrong with it, and the remedy. */
export class StoreUnusable extends Error {
  override readonly name = "StoreUnusable";
  /** Error code of the system or of SQLite, such as EACCES. */
  readonly code: string;

  constructor(path: string, code: string, cause: Error) {
    super(`${path} ${wordsFor(path, code, cause) ?? `cannot be used: ${cause.message}`}`, { cause });
    this.code = code;
  }
}

const FOREIGN =
  "may not be used by this user; the data folder and all in it must belong to the user that the daemon runs as: chown -R USER";
const NO_ROOM = "cannot be written: the disk is full; make room (inodes, too: df -i), then start again";

const WORDS: readonly (readonly [codes: RegExp, words: string])[] = [
  [/^(EROFS|SQLITE_READONLY)/, "cannot be written: the file, its folder or the file system is read-only"],
  [
    /^ENOTEMPTY$/,
    "holds other files and is open to other users, for whom it would be closed; name a folder of its own in `storage`, or close it yourself: chmod 700",
  ],
  [/^EISDIR$/, "is a folder; move it away, then start again"],
  [/^ENOENT$/, "cannot be made there; set another `storage`"],
  [/^(ENOTDIR|EEXIST)$/, "is not a folder; move that file away, or set another `storage`"],
  [
    /^SQLITE_BUSY/,
    "is locked by another program, such as a backup or an open sqlite3; end that one, then start again",
  ],
  [
    /^SQLITE_(CORRUPT|NOTADB)/,
    "is damaged. Copy the data folder first; then restore a backup, or save what can be read (docs/operating.md)",
  ],
];

function wordsFor(path: string, code: string, cause: Error): string | undefined {
  if (code.startsWith("SQLITE_CANTOPEN")) {
    const told = systemsWord(path);
    return told === undefined ? `${FOREIGN} ${path}` : wordsFor(path, codeOf(told) ?? "", told);
  }
  if (/^(EACCES|EPERM|SQLITE_PERM)/.test(code)) return `${FOREIGN} ${path}`;
  if (judged(cause, { disk: realDisk, folder: dirname(path) }).why === "full") return NO_ROOM;
  return WORDS.find(([codes]) => codes.test(code))?.[1];
}

/**
 * Finds the system's reason why SQLite cannot open a file, which SQLite does not tell. The reason may be that a file
 * beside it cannot be created. The file itself is not opened, because closing it would drop our locks on it.
 */
function systemsWord(path: string): Error | undefined {
  const beside = `${path}.room`;
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
      return Object.assign(new Error("is a folder"), { code: "EISDIR" });
    closeSync(openSync(beside, "w", 0o600));
    unlinkSync(beside);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Returns the result of `open`; turns its error into StoreUnusable, as `unusable` does. */
export function usable<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw unusable(path, error);
  }
}

/** Returns a StoreUnusable for an error of the system or of SQLite; returns any other error, a bug, unchanged. */
export function unusable(path: string, error: unknown): unknown {
  const code = codeOf(error) ?? "";
  const isOfStore = /^(E[A-Z]+|SQLITE_[A-Z_]+)$/.test(code);
  if (!isOfStore || code === "SQLITE_ERROR" || error instanceof StoreUnusable) return error;
  return new StoreUnusable(path, code, error as Error);
}
