import { rm } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Batch } from "./batch.ts";
import type { WireBody } from "./wire.ts";

export const SPOOL_FOLDER = "spool";

/** Nobody is to get it any more, and no notice may quote it. */
const UNNEEDED = `NOT EXISTS (
  SELECT 1 FROM recipient WHERE recipient.mail = +? AND (state <> 'gone' OR owed IS NOT NULL)
)`;

/** Bodies of stored mail, by the key of their message. */
export class Bodies {
  readonly #folder: string;
  readonly #insert: Database.Statement<[number | bigint, Uint8Array]>;
  readonly #content: Database.Statement<[number], Buffer>;
  readonly #delete: Database.Statement<[number, number]>;
  readonly #file: Database.Statement<[number, number], string>;
  readonly #clearSpool: Database.Statement<[number]>;

  constructor(database: Database.Database, folder: string) {
    this.#folder = folder;
    this.#insert = database.prepare("INSERT INTO body (mail, content) VALUES (?, ?)");
    this.#content = database.prepare<[number], Buffer>("SELECT content FROM body WHERE mail = ?").pluck();
    this.#delete = database.prepare(`DELETE FROM body WHERE mail = +? AND ${UNNEEDED}`);
    this.#file = database
      .prepare<[number, number], string>(
        `SELECT spool FROM message WHERE key = +? AND spool IS NOT NULL AND ${UNNEEDED}`,
      )
      .pluck();
    this.#clearSpool = database.prepare("UPDATE message SET spool = NULL WHERE key = ?");
  }

  store(mail: number | bigint, body: Uint8Array): void {
    this.#insert.run(mail, body);
  }

  /** The body in a form that can be handed over; undefined when it is lost. */
  load(mail: number, spool: string | null): WireBody | undefined {
    if (spool !== null) return spool;
    const content = this.#content.get(mail);
    return content && ownBuffer(content);
  }

  /** Throws the body away once no recipient and no notice needs it: the row at once, the file after the commit. */
  releaseUnneeded(mail: number, batch: Batch): void {
    if (this.#delete.run(mail, mail).changes > 0) return;
    const spool = this.#file.get(mail, mail);
    if (spool === undefined) return;
    this.#clearSpool.run(mail);
    const file = join(this.#folder, SPOOL_FOLDER, spool);
    // A file that stays behind is an orphan, which the sweep finds.
    batch.onCommit(() => rm(file, { force: true }, () => {}));
  }
}

/** The bytes as an ArrayBuffer of their own, which may move to another thread. */
export function ownBuffer(content: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = content;
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
