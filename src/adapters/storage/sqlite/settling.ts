import type Database from "better-sqlite3";
import { mailboxKeyOf } from "../../../mail/address.ts";
import type { Outcome } from "../../../mail/outcome.ts";
import { formatReply } from "../../../mail/reply.ts";
import type { SettleRequest, Settlement } from "../../../ports/queue.ts";
import type { Batch } from "./batch.ts";
import type { Bodies } from "./bodies.ts";
import type { Sessions } from "./sessions.ts";

const DAY = 86_400_000;

/** Longest text of a primary that is kept, in characters. */
const MAX_WORDS = 1100;

/** Closes attempts. The token proves that the claim is still the caller's. */
export class Settling {
  readonly #bodies: Bodies;
  readonly #sessions: Sessions;
  readonly #key: Database.Statement<[string], number>;
  readonly #claimed: Database.Statement<[number, number], number>;
  readonly #update: Database.Statement;
  readonly #accepted: Database.Statement;
  readonly #clear: Database.Statement<[string]>;
  readonly #address: Database.Statement<[number, number], string>;

  constructor(database: Database.Database, parts: { bodies: Bodies; sessions: Sessions }) {
    this.#bodies = parts.bodies;
    this.#sessions = parts.sessions;
    this.#key = database.prepare<[string], number>("SELECT key FROM message WHERE id = ?").pluck();
    this.#claimed = database
      .prepare<[number, number], number>(
        "SELECT n FROM recipient WHERE mail = ? AND token = ? AND +state = 'claimed'",
      )
      .pluck();
    this.#update = database.prepare(
      `UPDATE recipient SET state = ?, reason = ?, due_at = coalesce(?, due_at), attempts = attempts + ?,
         unconfirmed = unconfirmed + ?, token = NULL, last_reply = coalesce(?, last_reply),
         destination = coalesce(?, destination), updated_at = ?, since = coalesce(?, since),
         owed = coalesce(?, owed)
       WHERE mail = ? AND n = ?`,
    );
    // Once a day an address, so that a busy mailbox costs no write a mail.
    this.#accepted = database.prepare(
      `INSERT INTO accepted (address, at) VALUES (?, ?)
       ON CONFLICT (address) DO UPDATE SET at = excluded.at, origin = excluded.origin
         WHERE at < excluded.at - ${DAY}`,
    );
    this.#clear = database.prepare("DELETE FROM refused WHERE address = ?");
    this.#address = database
      .prepare<[number, number], string>("SELECT address FROM recipient WHERE mail = ? AND n = ?")
      .pluck();
  }

  /** False: not every recipient is held by this token; nothing is written. */
  settle(request: SettleRequest, batch: Batch): boolean {
    const mail = this.#key.get(request.id);
    if (mail === undefined) return false;
    const held = new Set(this.#claimed.all(mail, request.token));
    if (!request.recipients.every(({ n }) => held.delete(n))) return false;
    for (const settlement of request.recipients) this.#close(mail, settlement, request);
    if (request.recipients.some(({ state }) => state === "gone")) this.#bodies.releaseUnneeded(mail, batch);
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
    if (outcome.kind === "delivered") this.#learn(this.#address.get(mail, n) ?? "", now);
  }

  #learn(address: string, now: number): void {
    const key = mailboxKeyOf(address);
    this.#accepted.run(key, now);
    this.#clear.run(key);
  }
}

function wordsOf(outcome: Outcome): string | undefined {
  if (outcome.kind === "released") return undefined;
  const words = outcome.kind === "unconfirmed" ? outcome.why : formatReply(outcome.reply);
  return words.slice(0, MAX_WORDS);
}
