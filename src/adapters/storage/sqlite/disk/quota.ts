import { rmSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../../../runtime/system-code.ts";
import type { Disk } from "./disk.ts";
import { failureOf, StoreFailure } from "./failure.ts";

/** Bytes that must find room; a write of SQLite that found none has taken all but a page before. */
const TRIED = 256 * 1024;

/**
 * What a failure comes to. To SQLite a quota that is used up is an I/O error, like a disk that fails: of the system's
 * errors it knows ENOSPC alone. So where it failed to write, we write a file of our own, and the system tells us which.
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

/** A disk on which not even that can be done is what the failure says. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // The next look for room removes it.
  }
}
