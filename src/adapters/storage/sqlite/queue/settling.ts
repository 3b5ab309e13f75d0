import type Database from "better-sqlite3";
import type { Batch } from "../commit/batch.ts";
import type { Bodies } from "../bodies/bodies.ts";
import type { Learning } from "../memory/learning.ts";
import type { SettledRow } from "../wire/mail-row.ts";
import type { Sessions } from "./sessions.ts";
import type { WireSettlement } from "../wire/wire.ts";

type ClaimRow = readonly [mail: number, n: number, address: string];

/** Records how attempts ended. The token proves that the caller still holds the claim. */
export class Settling {
  readonly #bodies: Bodies;
  readonly #sessions: Sessions;
  readonly #learning: Learning;
  readonly #claimed: Database.Statement<[string, number], ClaimRow>;
  readonly #update: Database.Statement<unknown[]>;

  constructor(
    database: Database.Database,
    parts: { bodies: Bodies; sessions: Sessions; learning: Learning },
  ) {
    this.#bodies = parts.bodies;
    this.#sessions = parts.sessions;
    this.#learning = parts.learning;
    this.#claimed = database
      .prepare<[string, number], ClaimRow>(
        `SELECT mail, n, address FROM recipient
         WHERE mail = (SELECT key FROM message WHERE id = ?) AND token = ?`,
      )
      .raw();
    this.#update = database.prepare(
      `UPDATE recipient SET destination = coalesce(?, destination), updated_at = ?, token = NULL, state = ?, reason = ?,
         due_at = coalesce(?, due_at), since = coalesce(?, since), owed = nullif(coalesce(?, owed), ''),
         last_reply = coalesce(?, last_reply), hash = ?, attempts = attempts + ?, unconfirmed = unconfirmed + ?
       WHERE n = ? AND mail = ?`,
    );
  }

  /** Returns false, and writes nothing, if this token does not hold every recipient. */
  settle([id, token, destination, now, rows]: WireSettlement, batch: Batch): boolean {
    const claimed = this.#claimed.all(id, token);
    const open = new Map(claimed.map((row) => [row[1], row[2]]));
    const addresses = rows.map((row) => takeOut(open, row));
    if (!addresses.every((address) => address !== undefined)) return false;
    const [mail] = claimed[0] as ClaimRow;
    let gone = false;
    for (const [i, row] of rows.entries()) {
      this.#update.run(destination, now, row, mail);
      const [state, reason] = row;
      if (reason === "delivered") this.#learning.delivered(addresses[i] as string, now, batch);
      gone ||= state === "gone";
    }
    if (gone) this.#bodies.releaseUnneeded(mail, batch);
    batch.onCommit(() => this.#sessions.settled(token, rows.length));
    return true;
  }
}

/** Takes a recipient out of `open` and returns its address; undefined if the token does not hold it. */
function takeOut(open: Map<number, string>, row: SettledRow): string | undefined {
  const n = row[9];
  const address = open.get(n);
  open.delete(n);
  return address;
}
