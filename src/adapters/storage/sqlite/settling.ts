import type Database from "better-sqlite3";
import type { Outcome } from "../../../mail/outcome.ts";
import { formatReply } from "../../../mail/reply.ts";
import type { SettleRequest, Settlement } from "../../../ports/queue.ts";
import type { Batch } from "./batch.ts";
import type { Bodies } from "./bodies.ts";
import type { Learning } from "./learning.ts";
import type { Sessions } from "./sessions.ts";

/** Longest text of a primary that is kept, in characters. */
const MAX_WORDS = 1100;

interface HeldRow {
  readonly mail: number;
  readonly n: number;
  readonly address: string;
}

/** Closes attempts. The token proves that the claim is still the caller's. */
export class Settling {
  readonly #bodies: Bodies;
  readonly #sessions: Sessions;
  readonly #learning: Learning;
  readonly #held: Database.Statement<[string, number], HeldRow>;
  readonly #update: Database.Statement<unknown[]>;

  constructor(
    database: Database.Database,
    parts: { bodies: Bodies; sessions: Sessions; learning: Learning },
  ) {
    this.#bodies = parts.bodies;
    this.#sessions = parts.sessions;
    this.#learning = parts.learning;
    this.#held = database.prepare(
      `SELECT mail, n, address FROM recipient
       WHERE mail = (SELECT key FROM message WHERE id = ?) AND token = ? AND +state = 'claimed'`,
    );
    this.#update = database.prepare(
      `UPDATE recipient SET state = ?, reason = ?, due_at = coalesce(?, due_at), attempts = attempts + ?,
         unconfirmed = unconfirmed + ?, token = NULL, last_reply = coalesce(?, last_reply),
         destination = coalesce(?, destination), updated_at = ?, since = coalesce(?, since),
         owed = coalesce(?, owed)
       WHERE mail = ? AND n = ?`,
    );
  }

  /** False: not every recipient is held by this token; nothing is written. */
  settle(request: SettleRequest, batch: Batch): boolean {
    const rows = new Map(this.#held.all(request.id, request.token).map((row) => [row.n, row]));
    const held = request.recipients.map(({ n }) => {
      const row = rows.get(n);
      rows.delete(n);
      return row;
    });
    if (!held.every((row) => row !== undefined)) return false;
    for (const [i, settlement] of request.recipients.entries()) {
      const { mail, address } = held[i] as HeldRow;
      this.#close(mail, settlement, request);
      if (settlement.outcome.kind === "delivered") this.#learning.delivered(address, request.now, batch);
    }
    if (request.recipients.some(({ state }) => state === "gone"))
      this.#bodies.releaseUnneeded((held[0] as HeldRow).mail, batch);
    batch.onCommit(() => this.#sessions.settled(request.token, request.recipients.length));
    return true;
  }

  #close(mail: number, { n, outcome, state, reason, dueAt, owes }: Settlement, request: SettleRequest): void {
    const released = outcome.kind === "released";
    const due = dueAt ?? (released ? undefined : request.now);
    const attempt = released ? 0 : 1;
    const doubt = outcome.kind === "unconfirmed" ? 1 : 0;
    const { destination, now } = request;
    const since = state === "parked" || state === "gone" ? now : undefined;
    const words = wordsOf(outcome);
    this.#update.run(state, reason, due, attempt, doubt, words, destination, now, since, owes, mail, n);
  }
}

function wordsOf(outcome: Outcome): string | undefined {
  if (outcome.kind === "released") return undefined;
  const words = outcome.kind === "unconfirmed" ? outcome.why : formatReply(outcome.reply);
  return words.slice(0, MAX_WORDS);
}
