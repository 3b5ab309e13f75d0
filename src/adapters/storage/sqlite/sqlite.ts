/**
 * The queue, the directory, the tokens and the trace in SQLite: this room keeps the ports `queue`, `directory`,
 * `access` and the storing half of `journal`.
 *
 * One thread writes, on one connection (`Writer`); others reach it over ports, one client a role: `connectIntake`,
 * `connectWork`, `connectControl`. Reading has connections of its own: `openDirectoryReader` for answers at once,
 * `serveReader`/`connectReader` for people. The main thread holds the folder's lock as long as the process lives.
 *
 * The store is `ok`, `full` (no room for new mail; attempts are still closed, at the worst in blocks that a ballast has
 * kept) or `sick` (a write, a flush or the database itself failed; the connection is given up at once, nothing is
 * served until the disk has proven itself).
 *
 * Invariants: a job is answered only after the commit that holds it is flushed; a body that is no row
 * (bodies.ts) is flushed in its file, with its name, before its mail is; what is in doubt after a failed commit is put right before
 * anything else is served; mail that was claimed when a process or a delivery thread died is `unconfirmed`.
 *
 * Files: queue.sqlite, trace.sqlite, lock.sqlite, spool/, ballast, daemon.pid, clean (only while closed in order).
 */
import { Writer } from "./writer.ts";
import type { WriterOptions } from "./writer.ts";

/** Opens the store for writing; one in each data folder. Throws DatabaseFromFuture or StoreUnusable. */
export function openWriter(options: WriterOptions): Writer {
  return new Writer(options);
}

export { acquireLock, FolderInUse } from "./lock.ts";
export type { Lock } from "./lock.ts";
export { DatabaseFromFuture } from "./migrate.ts";
export type { Writer, WriterOptions } from "./writer.ts";
export type { Reserve } from "./illness.ts";
export type { Disk } from "./disk.ts";
export { readCondition, readRoom } from "./shared-state.ts";
export type { SharedState } from "./shared-state.ts";
export type { Role } from "./roles.ts";
export { connectIntake } from "./intake.ts";
export type { IntakeOptions } from "./intake.ts";
export { connectWork } from "./work-client.ts";
export { connectControl } from "./control-client.ts";
export type { Control } from "./control-client.ts";
export { openAllowedSenders } from "./allowed-senders.ts";
export { openGreylist } from "./greylist-memory.ts";
export { openRecipientMemory, openRecipientNotes } from "./recipient-memory.ts";
export { openDirectoryReader } from "./directory-reader.ts";
export { connectReader, serveReader } from "./reader.ts";
export type { StoreReader } from "./reader.ts";
export { checkDatabase } from "./soundness.ts";
export { StoreUnusable } from "./opening.ts";
export { openTraceWriter } from "./trace-opening.ts";
