import { rmSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../../../runtime/system-code.ts";
import type { Disk } from "./disk.ts";
import { failureOf, StoreFailure } from "./failure.ts";

/** Bytes that must find room; a write of SQLite that found none has taken all but a page before. */
const TRIED = 256 * 1024;

/**
 * What a failure comes to. A quota that is used up is an I/O error to SQLite, as a disk is that fails: of the system's
 * errors it knows ENOSPC alone. So where a write of its own failed, a file of ours asks the system which it was.
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
    rmSync(file, { force: true });
  }
  return failure;
}
