import { rm } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Batch } from "./batch.ts";
import type { WireBody } from "./wire.ts";

export const SPOOL_FOLDER = "spool";

/** Bodies of stored mail, by the key of their message. */
export class Bodies {
  readonly #folder: string;
  readonly #insert: Database.Statement<[number | bigint, Uint8Array]>;
  readonly #content: Database.Statement<[number], Buffer>;
  readonly #delete: Database.Statement<[number]>;
  readonly #spool: Database.Statement<[number], string | null>;
  readonly #clearSpool: Database.Statement<[number]>;
  readonly #anyLeft: Database.Statement<[number], number>;

  constructor(database: Database.Database, folder: string) {
    this.#folder = folder;
    this.#insert = database.prepare("INSERT INTO body (mail, content) VALUES (?, ?)");
    this.#content = database.prepare<[number], Buffer>("SELECT content FROM body WHERE mail = ?").pluck();
    this.#delete = database.prepare("DELETE FROM body WHERE mail = ?");
    this.#spool = database
      .prepare<[number], string | null>("SELECT spool FROM message WHERE key = ?")
      .pluck();
    this.#clearSpool = database.prepare("UPDATE message SET spool = NULL WHERE key = ?");
    this.#anyLeft = database
      .prepare<[number], number>(
        "SELECT 1 FROM recipient WHERE mail = ? AND (state <> 'gone' OR owed IS NOT NULL) LIMIT 1",
      )
      .pluck();
  }

  store(mail: number | bigint, body: Uint8Array): void {
    this.#insert.run(mail, body);
  }

  /** The body in a form that can be handed over; undefined when it is lost. */
  load(mail: number, spool: string | null): WireBody | undefined {
    if (spool !== null) return spool;
    const content = this.#content.get(mail);
    return content === undefined ? undefined : ownBuffer(content);
  }

  /** Throws the body away once no recipient and no notice needs it: the row at once, the file after the commit. */
  releaseUnneeded(mail: number, batch: Batch): void {
    if (this.#anyLeft.get(mail) === undefined) this.drop(mail, batch);
  }

  drop(mail: number, batch: Batch): void {
    this.#delete.run(mail);
    const spool = this.#spool.get(mail);
    if (typeof spool !== "string") return;
    this.#clearSpool.run(mail);
    const file = join(this.#folder, SPOOL_FOLDER, spool);
    // A file that stays behind is an orphan, which the sweep finds.
    batch.onCommit(() => rm(file, { force: true }, () => {}));
  }
}

/** The bytes as an ArrayBuffer of their own, which may move to another thread. */
function ownBuffer(content: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = content;
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
