import { rm } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Batch } from "../commit/batch.ts";
import type { Appender, Segments } from "./segments.ts";
import { boundsOf, placeOf, spoolIn } from "./spool-place.ts";
import type { WireBody } from "../wire/wire.ts";

/** True if no recipient waits for the body and no DSN may quote it. */
const UNNEEDED = `NOT EXISTS (
  SELECT 1 FROM recipient WHERE recipient.mail = +? AND (state <> 'gone' OR owed IS NOT NULL)
)`;

/** Bodies of stored mail, by the key of their message. */
export class Bodies {
  readonly #folder: string;
  readonly #segments: Segments;
  readonly #insert: Database.Statement<[number | bigint, Uint8Array]>;
  readonly #content: Database.Statement<[number], Buffer>;
  readonly #delete: Database.Statement<[number, number]>;
  readonly #spool: Database.Statement<[number, number], string>;
  readonly #clearSpool: Database.Statement<[number]>;
  readonly #holdsMail: (segment: string) => boolean;

  constructor(database: Database.Database, parts: { readonly folder: string; readonly segments: Segments }) {
    this.#folder = spoolIn(parts.folder);
    this.#segments = parts.segments;
    this.#insert = database.prepare("INSERT INTO body (mail, content) VALUES (?, ?)");
    this.#content = database.prepare<[number], Buffer>("SELECT content FROM body WHERE mail = ?").pluck();
    this.#delete = database.prepare(`DELETE FROM body WHERE mail = +? AND ${UNNEEDED}`);
    this.#spool = database
      .prepare<[number, number], string>(
        `SELECT spool FROM message WHERE key = +? AND spool IS NOT NULL AND ${UNNEEDED}`,
      )
      .pluck();
    this.#clearSpool = database.prepare("UPDATE message SET spool = NULL WHERE key = ?");
    this.#holdsMail = segmentsWithMail(database);
  }

  store(mail: number | bigint, body: Uint8Array): void {
    this.#insert.run(mail, body);
  }

  /** Returns the body, or its place in the spool; undefined if it is lost. */
  load(mail: number, spool: string | null): WireBody | undefined {
    if (spool !== null) return spool;
    const content = this.#content.get(mail);
    return content && ownBuffer(content);
  }

  /** Deletes the body if no recipient and no DSN needs it: a row at once, a file after the commit. */
  releaseUnneeded(mail: number, batch: Batch): void {
    if (this.#delete.run(mail, mail).changes > 0) return;
    const spool = this.#spool.get(mail, mail);
    if (spool === undefined) return;
    this.#clearSpool.run(mail);
    const { name, start } = placeOf(spool);
    if (start === undefined) this.#remove(name, batch);
    else this.#leftSegment(name, batch);
  }

  /** Stores the body of a mail, which lies in a segment, as a row instead. */
  moveToRow(mail: number, body: Uint8Array, spool: string, batch: Batch): void {
    this.store(mail, body);
    this.#clearSpool.run(mail);
    this.#leftSegment(placeOf(spool).name, batch);
  }

  /** A mail of this appender is in the segment of `spool`, so its earlier segments will not grow any more. */
  reached(appender: Appender, spool: string, batch: Batch): void {
    const { name, start } = placeOf(spool);
    if (start !== undefined) this.#close(appender, this.#segments.before(appender, name), batch);
  }

  /** The appender has ended, and none of its segments will grow any more. */
  leaveSegments(appender: Appender, batch: Batch): void {
    this.#close(appender, this.#segments.before(appender), batch);
  }

  #close(appender: Appender, names: readonly string[], batch: Batch): void {
    if (names.length === 0) return;
    batch.onCommit(() => this.#segments.leave(appender, names));
    for (const name of names) if (!this.#holdsMail(name)) this.#remove(name, batch);
  }

  /** Handles a segment that a mail has just left. */
  #leftSegment(name: string, batch: Batch): void {
    if (this.#holdsMail(name)) batch.onCommit(() => this.#segments.thin(name));
    else if (!this.#segments.isOpen(name)) this.#remove(name, batch);
  }

  /** Removes the file after the commit; if that fails, the sweep will find it. */
  #remove(name: string, batch: Batch): void {
    batch.onCommit(() => rm(join(this.#folder, name), { force: true }, () => {}));
  }
}

/** Returns a function that tells whether any mail lies in a segment. */
export function segmentsWithMail(database: Database.Database): (segment: string) => boolean {
  const within = database
    .prepare<[string, string], number>("SELECT 1 FROM message WHERE spool > ? AND spool < ? LIMIT 1")
    .pluck();
  return (segment) => within.get(...boundsOf(segment)) !== undefined;
}

/** Returns the bytes as a separate ArrayBuffer, which can be transferred to another thread. */
export function ownBuffer(content: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = content;
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
