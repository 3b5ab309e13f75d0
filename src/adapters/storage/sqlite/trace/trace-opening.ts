import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TraceWriter } from "../../../../ports/trace.ts";
import { withBallast } from "../disk/ballast.ts";
import { TRACE_FILE } from "../disk/connection.ts";
import { StoreUnusable, usable } from "../disk/opening.ts";
import { openTraceWriter as open } from "./trace-writer.ts";

/**
 * Opens the trace for writing. A damaged one is set aside as `trace.sqlite.damaged`, told to `setAside`, and a new
 * one begins: no mail is in it, and none may wait for it. Throws StoreUnusable.
 */
export function openTraceWriter(folder: string, setAside: (file: string) => void = () => {}): TraceWriter {
  const file = join(folder, TRACE_FILE);
  try {
    return usable(file, () => withBallast(folder, () => open(folder)));
  } catch (error) {
    if (!(error instanceof StoreUnusable) || !/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) throw error;
  }
  renameSync(file, `${file}.damaged`);
  // They belong to the damaged one; a new database would take them for its own.
  for (const side of ["-wal", "-shm"]) rmSync(`${file}${side}`, { force: true });
  setAside(`${file}.damaged`);
  return usable(file, () => open(folder));
}
