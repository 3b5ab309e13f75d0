import { rmSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../../../runtime/system-code.ts";
import type { Disk } from "./disk.ts";
import { failureOf, StoreFailure } from "./failure.ts";

/** Bytes that a test write needs; SQLite's failed write left less than a page of the quota. */
const TRIED = 256 * 1024;

/**
 * Classifies an error. SQLite knows only ENOSPC; for an exhausted quota it reports an I/O error, as for a failing disk.
 * So after a failed write of SQLite this writes a file of its own, whose error shows which of the two it is.
 */
export function judged(error: unknown, { disk, folder }: { disk: Disk; folder: string }): StoreFailure {
  const failure = failureOf(error);
  if (codeOf(failure.cause) !== "SQLITE_IOERR_WRITE") return failure;
  const file = join(folder, "room");
  try {
    disk.fill(file, TRIED);
  } catch (told) {
    const { why, message } = failureOf(told);
    if (why === "full") return new StoreFailure(why, message, failure.cause);
  } finally {
    remove(file);
  }
  return failure;
}

/** Ignores errors: the original failure already tells that the disk is bad. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // The next call removes it.
  }
}
