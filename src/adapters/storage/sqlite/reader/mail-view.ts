import { join } from "node:path";
import type Database from "better-sqlite3";
import type { MailDetail } from "../../../../ports/operator.ts";
import { SPOOL_FOLDER } from "../bodies/bodies.ts";
import { authenticationOf, clientOf, requestOf, traitsOf } from "../wire/mail-row.ts";
import { entryOf } from "./queue-list.ts";
import type { RecipientRow } from "./queue-list.ts";
import { placeOf } from "../bodies/spool-place.ts";

interface MessageRow {
  readonly key: number;
  readonly id: string;
  readonly sender: string;
  readonly accepted_at: number;
  readonly size: number;
  readonly crc: number | null;
  readonly client_ip: string;
  readonly client_name: string | null;
  readonly client_helo: string;
  readonly client_tls: string | null;
  readonly top_fields: string;
  readonly message_id: string | null;
  readonly subject: string | null;
  readonly from_field: string | null;
  readonly dsn_ret: "FULL" | "HDRS" | null;
  readonly dsn_envid: string | null;
  readonly traits: number;
  readonly authentication: string | null;
  readonly spool: string | null;
  readonly quarantine: string | null;
  readonly stored: number;
}

/** Octets of a file. */
export interface FilePart {
  readonly file: string;
  readonly start: number;
  readonly size: number;
}

/** A mail as it would go out: what stands on top, then the body, or where in a file that lies. */
export interface ExportedMail {
  readonly topFields: string;
  readonly body: Uint8Array<ArrayBuffer> | FilePart;
}

/** One mail with everything that is known of it. */
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
    const recipients = this.#recipients.all(row.key).map((recipient) => entryOf({ ...row, ...recipient }));
    return {
      id,
      sender: row.sender,
      acceptedAt: row.accepted_at,
      size: row.size,
      ...(row.crc !== null && { crc32: inHexadecimal(row.crc) }),
      client: clientOf(row),
      topFields: row.top_fields,
      ...(row.message_id !== null && { messageId: row.message_id }),
      ...(row.subject !== null && { subject: row.subject }),
      ...(row.from_field !== null && { from: row.from_field }),
      ...requestOf(row),
      traits: traitsOf(row.traits),
      ...(row.quarantine !== null && { quarantine: row.quarantine }),
      ...authenticationOf(row),
      recipients,
      hasBody: row.stored === 1 || row.spool !== null,
    };
  }

  export(id: string): ExportedMail | undefined {
    const row = this.#message.get(id);
    if (row === undefined) return undefined;
    const topFields = row.top_fields;
    if (row.spool !== null) return { topFields, body: this.#inSpool(row.spool, row.size) };
    const content = this.#content.get(row.key);
    return content === undefined ? undefined : { topFields, body: new Uint8Array(content) };
  }

  #inSpool(spool: string, size: number): FilePart {
    const { name, start = 0 } = placeOf(spool);
    return { file: join(this.#folder, SPOOL_FOLDER, name), start, size };
  }
}

function inHexadecimal(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
