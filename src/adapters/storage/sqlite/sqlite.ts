/**
 * The queue, the directory, operators' settings, knowledge about peers, and the trace, all in SQLite. The floors of
 * this room, each of which imports none above it:
 *
 *   writer/     the storage thread, the only writer, on one connection: its services, maintenance and recovery
 *   clients/    the other threads' access to it, over a port each: `connectIntake`, `connectWork`, `connectControl`
 *   reader/     lists, searches and exports for people, on a thread and connections of their own; the same thread
 *               copies the WAL for the writer (disk/checkpointer.ts)
 *   directory/  domains, their recipients, and operators' other settings: tokens, rules, allowed senders
 *   queue/      the operations on mail, from acceptance to expiry, and the holders of claims
 *   memory/     knowledge about clients and primaries: the greylist, addresses, TLS
 *   trace/      the trace database, which no mail waits for
 *   bodies/     storage of bodies: rows, segments, files of their own (docs/adr/0009)
 *   commit/     the group commit, and long tasks in slices of it
 *   disk/       the files of the data folder, their lock (the main thread's), and what a failed write means
 *   wire/       the messages between threads, and the memory that all of them read
 *
 * The store is `ok`, `full` (no room for new mail; attempts are still settled, if necessary in blocks reserved by the
 * ballast) or `sick` (a write, a flush or the database failed: the connection is abandoned, and nothing is served until
 * the disk has proven itself). Invariants: a job is answered only after the commit that contains it is flushed; a body
 * that is not a row is flushed, with its file name, before its mail is; after a failed commit, everything in doubt is
 * resolved before anything else is served; mail claimed when a process or a delivery thread died is `unconfirmed`.
 * Files: queue.sqlite, trace.sqlite, lock.sqlite, spool/, ballast, daemon.pid, clean (only after a clean stop),
 * refused (while the disk is sick), doubted (while the age of mail is in doubt).
 */
import { Writer, type WriterOptions } from "./writer/writer.ts";

/** Opens the store for writing; one in each data folder. Throws DatabaseFromFuture or StoreUnusable. */
export function openWriter(options: WriterOptions): Writer {
  return new Writer(options);
}

export { acquireLock, FolderInUse } from "./disk/lock.ts";
export { DatabaseFromFuture } from "./disk/migrate.ts";
export type { WriterOptions } from "./writer/writer.ts";
export type { Disk } from "./disk/disk.ts";
export { readCondition, readRoom, writeSilence } from "./wire/shared-state.ts";
export type { Role } from "./writer/roles.ts";
export { connectIntake } from "./clients/intake.ts";
export type { IntakeOptions } from "./clients/intake.ts";
export { connectWork } from "./clients/work-client.ts";
export { connectControl } from "./clients/control-client.ts";
export { openAllowedSenders } from "./directory/allowed-senders.ts";
export { openGreylist } from "./memory/greylist-memory.ts";
export { openRecipientMemory, openRecipientNotes } from "./memory/recipient-memory.ts";
export { openDirectoryReader } from "./directory/directory-reader.ts";
export { readerClient, serveReader } from "./reader/reader.ts";
export { serveCheckpointer } from "./disk/checkpointer.ts";
export { checkDatabase } from "./disk/soundness.ts";
export { doubtNote, type DoubtNote } from "./disk/doubt-note.ts";
export { StoreUnusable } from "./disk/opening.ts";
export { openTraceWriter } from "./trace/trace-opening.ts";
