import type Database from "better-sqlite3";
import type { MailDetail } from "../../../../ports/operator.ts";
import { ownBuffer } from "../bodies/bodies.ts";
import { type FilePlace, placeInFile } from "../bodies/stored-body.ts";
import { type MailColumns, mailOf } from "../wire/mail-columns.ts";
import { entryOf, type RecipientRow } from "./queue-entry.ts";
import type { ExportedMail } from "./exported-mail.ts";

interface MessageRow extends MailColumns {
  readonly key: number;
  readonly subject: string | null;
  readonly from_field: string | null;
  readonly quarantine: string | null;
  readonly stored: number;
}

/** Reads one mail with everything that is known about it. */
export class MailView {
  readonly #folder: string;
  readonly #message: Database.Statement<[string], MessageRow>;
  readonly #recipients: Database.Statement<[number], Omit<RecipientRow, keyof MessageRow>>;
  readonly #content: Database.Statement<[number], Buffer>;

  constructor(database: Database.Database, folder: string) {
    this.#folder = folder;
    this.#message = database.prepare(
      `SELECT *, EXISTS (SELECT 1 FROM body WHERE mail = message.key) AS stored FROM message WHERE id = ?`,
    );
    this.#recipients = database.prepare("SELECT * FROM recipient WHERE mail = ? ORDER BY n");
    this.#content = database.prepare<[number], Buffer>("SELECT content FROM body WHERE mail = ?").pluck();
  }

  show(id: string): MailDetail | undefined {
    const row = this.#message.get(id);
    if (row === undefined) return undefined;
    return {
      ...mailOf(row),
      ...(row.crc !== null && { crc32: inHexadecimal(row.crc) }),
      ...(row.subject !== null && { subject: row.subject }),
      ...(row.from_field !== null && { from: row.from_field }),
      ...(row.quarantine !== null && { quarantine: row.quarantine }),
      recipients: this.#recipients.all(row.key).map((recipient) => entryOf({ ...row, ...recipient })),
      hasBody: row.stored === 1 || row.spool !== null,
    };
  }

  export(id: string): ExportedMail | undefined {
    const row = this.#message.get(id);
    if (row === undefined) return undefined;
    const { top_fields: topFields, size, crc } = row;
    const body = this.#body(row);
    return body && { topFields, size, crc, body };
  }

  #body({ key, spool }: MessageRow): ArrayBuffer | FilePlace | undefined {
    if (spool !== null) return placeInFile(this.#folder, spool);
    const content = this.#content.get(key);
    return content && ownBuffer(content);
  }
}

function inHexadecimal(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
