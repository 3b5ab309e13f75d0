import type Database from "better-sqlite3";
import type { ClaimRequest } from "../../../../ports/work-store.ts";
import type { Logger } from "../../../../runtime/log.ts";
import type { Batch } from "../commit/batch.ts";
import { ownBuffer } from "../bodies/bodies.ts";
import { CLAIMED, FACTS, type ClaimedRow, type FactsRow } from "../wire/mail-row.ts";
import type { Sessions, WorkSession } from "./sessions.ts";
import type { WireClaim } from "../wire/wire.ts";

/** Most mails, and bytes of bodies, of one claim; the caller claims again for more. */
const MAX_MAILS = 1000;
const MAX_BYTES = 8 * 1024 * 1024;

/** The facts are passed on as they are; `content` is null if the body is in a file, or lost. */
type MailRow = [...facts: FactsRow, crc: number | null, content: Buffer | null];

/** Marks recipients as claimed, and collects what their delivery needs. */
export class Claiming {
  readonly #sessions: Sessions;
  readonly #log: Logger;
  readonly #due: Database.Statement<[string, number], number>;
  readonly #named: Database.Statement<[string, string, number], number>;
  readonly #open: Database.Statement<[number, string, number], ClaimedRow>;
  readonly #mark: Database.Statement<[number, number, number, number]>;
  readonly #mail: Database.Statement<[number], MailRow>;
  readonly #hold: Database.Statement<[number, number, number]>;

  constructor(database: Database.Database, parts: { sessions: Sessions; log: Logger }) {
    this.#sessions = parts.sessions;
    this.#log = parts.log;
    // With `= ?` and ORDER BY, or in a join, SQLite recompiles the statement for each value; `= +?` prevents that.
    this.#due = database
      .prepare<[string, number], number>(
        `SELECT mail FROM recipient INDEXED BY recipient_due
         WHERE domain = +? AND due_at <= ? AND state IN ('waiting', 'unconfirmed') ORDER BY due_at, mail, n`,
      )
      .pluck();
    this.#named = database
      .prepare<[string, string, number], number>(
        `SELECT DISTINCT r.mail FROM message m CROSS JOIN recipient r ON r.mail = m.key
         WHERE m.id = +? AND +r.domain = ? AND +r.due_at <= ? AND +r.state IN ('waiting', 'unconfirmed')`,
      )
      .pluck();
    // The plus signs make SQLite use the primary key: all recipients of one mail are adjacent in it.
    this.#open = database
      .prepare<[number, string, number], ClaimedRow>(
        `SELECT ${CLAIMED} FROM recipient
         WHERE mail = ? AND +domain = ? AND +due_at <= ? AND +state IN ('waiting', 'unconfirmed')`,
      )
      .raw();
    // An update of one row by its full key takes one pass; several rows, or RETURNING, cost 50 % more.
    this.#mark = database.prepare(
      "UPDATE recipient SET state = 'claimed', token = ?, updated_at = ? WHERE mail = ? AND n = ?",
    );
    this.#mail = database
      .prepare<[number], MailRow>(
        `SELECT ${FACTS}, crc, content FROM message LEFT JOIN body ON body.mail = message.key WHERE message.key = +?`,
      )
      .raw();
    this.#hold = database.prepare(
      `UPDATE recipient SET state = 'held', reason = 'damaged', token = NULL, updated_at = ?
       WHERE mail = ? AND token = ?`,
    );
  }

  claim(request: ClaimRequest, session: WorkSession, batch: Batch): readonly WireClaim[] {
    const claims: WireClaim[] = [];
    let bytes = 0;
    for (const mail of this.#dueMails(request)) {
      const claim = this.#claimMail(mail, request);
      if (claim === undefined) continue;
      claims.push(claim);
      const [token, , , recipients, { content: body }] = claim;
      batch.onCommit(() => session.claimed(token, recipients.length));
      bytes += body?.byteLength ?? 0;
      if (bytes >= MAX_BYTES) break;
    }
    return claims;
  }

  /** Returns the keys of the mails whose recipients have been due longest, without duplicates. */
  #dueMails({ domain, now, limit, id }: ClaimRequest): Iterable<number> {
    if (id !== undefined) return this.#named.all(id, domain, now);
    const most = Math.min(limit, MAX_MAILS);
    const mails = new Set<number>();
    if (most <= 0) return mails;
    for (const mail of this.#due.iterate(domain, now)) {
      mails.add(mail);
      if (mails.size >= most) break;
    }
    return mails;
  }

  #claimMail(mail: number, { domain, now }: ClaimRequest): WireClaim | undefined {
    const token = this.#sessions.nextToken();
    const recipients = this.#open.all(mail, domain, now);
    for (const [n] of recipients) this.#mark.run(token, now, mail, n);
    const row: unknown[] | undefined = this.#mail.get(mail);
    if (row === undefined) {
      this.#hold.run(now, mail, token);
      this.#log.error("recipients of a missing mail are held", { mail, domain });
      return undefined;
    }
    const content = row.pop() as Buffer | null;
    const crc = row.pop() as number | null;
    const body = { content: content && ownBuffer(content), crc };
    return [token, domain, row as unknown as FactsRow, recipients, body];
  }
}
