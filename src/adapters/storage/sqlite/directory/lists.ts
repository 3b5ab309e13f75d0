import type Database from "better-sqlite3";
import { isBeginning } from "../../../../mail/recipient-pattern.ts";

/** Entries that one step removes. */
const SWEEP_STEP = 500;
/** Entries that one step copies. */
const COPY_STEP = 500;

/**
 * Recipient lists. A list is filled while `staged`, visible while `live`, and removed piece by piece once `dead`.
 * Declared lists never change; API lists change entry by entry, and each entry has the generations it belongs to.
 */
export class Lists {
  readonly #database: Database.Database;
  readonly #create: Database.Statement<[string | null]>;
  readonly #fill: Database.Statement<unknown[]>;
  readonly #put: Database.Statement<unknown[]>;
  readonly #end: Database.Statement<unknown[]>;
  readonly #count: Database.Statement<unknown[]>;
  readonly #entries: Database.Statement<[number], number>;
  readonly #find: Database.Statement<[string], number>;
  readonly #publish: Database.Statement<[number]>;
  readonly #hashOf: Database.Statement<[number], string | null>;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#create = database.prepare("INSERT INTO list (hash, state) VALUES (?, 'staged')");
    // The primary key keeps entries of a staged list unique.
    this.#fill = database.prepare(
      "INSERT INTO entry (list, pattern, since) SELECT ?, value, 0 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
    );
    this.#put = database.prepare(
      `INSERT INTO entry (list, pattern, since) SELECT ?, value, ? FROM json_each(?)
         WHERE NOT EXISTS (SELECT 1 FROM entry WHERE list = ? AND pattern = value AND until IS NULL)
         ON CONFLICT DO NOTHING`,
    );
    this.#end = database.prepare(
      `UPDATE entry SET until = ? WHERE list = ? AND pattern IN (SELECT value FROM json_each(?))
         AND until IS NULL AND since <= ?`,
    );
    // `wildcards` may be too high, as it is never reduced: it only says whether a search for wildcards is worthwhile.
    this.#count = database.prepare(
      "UPDATE list SET entries = entries + ?, wildcards = wildcards + ? WHERE id = ?",
    );
    this.#entries = database.prepare<[number], number>("SELECT entries FROM list WHERE id = ?").pluck();
    this.#find = database
      .prepare<[string], number>("SELECT id FROM list WHERE hash = ? AND +state = 'live' LIMIT 1")
      .pluck();
    this.#publish = database.prepare("UPDATE list SET state = 'live' WHERE id = ?");
    this.#hashOf = database.prepare<[number], string | null>("SELECT hash FROM list WHERE id = ?").pluck();
  }

  create(hash: string | null): number {
    return Number(this.#create.run(hash).lastInsertRowid);
  }

  /** Returns a live list with exactly these entries. */
  find(hash: string): number | undefined {
    return this.#find.get(hash);
  }

  hashOf(list: number | null): string | null {
    return list === null ? null : (this.#hashOf.get(list) ?? null);
  }

  size(list: number): number {
    return this.#entries.get(list) ?? 0;
  }

  publish(list: number): void {
    this.#publish.run(list);
  }

  /** Adds missing entries, visible from generation `since` on. */
  add(list: number, patterns: readonly string[], since: number): void {
    // One statement for all entries: a call for each entry would take five times as long.
    const all = JSON.stringify(patterns);
    const { changes } = since === 0 ? this.#fill.run(list, all) : this.#put.run(list, since, all, list);
    if (changes > 0) this.#count.run(changes, patterns.filter(isBeginning).length, list);
  }

  /** Ends existing entries, which are invisible from generation `until` on. */
  remove(list: number, patterns: readonly string[], until: number): void {
    const { changes } = this.#end.run(until, list, JSON.stringify(patterns), until);
    if (changes > 0) this.#count.run(-changes, 0, list);
  }

  /** Copies the present entries of one list into a staged one. */
  *copy(from: number, to: number): Generator<void, void> {
    const page = this.#database
      .prepare<unknown[], string>(
        `SELECT pattern FROM entry WHERE list = ? AND pattern > ? AND until IS NULL ORDER BY pattern LIMIT ${COPY_STEP}`,
      )
      .pluck();
    for (let patterns = page.all(from, ""); patterns.length > 0; patterns = page.all(from, patterns.at(-1))) {
      this.add(to, patterns, 0);
      yield;
    }
  }

  /** Gives up all staged lists, which were never visible. */
  abandonStaged(): void {
    this.#database.exec("UPDATE list SET state = 'dead' WHERE state = 'staged'");
  }

  /** Removes lists that no domain uses any more, and entries that ended by generation `oldest`. */
  *sweep(oldest: number): Generator<void, void> {
    yield* this.#findUnused();
    const dead = this.#database
      .prepare<[], number>(
        "SELECT id FROM list INDEXED BY list_unsettled WHERE state = 'dead' AND state <> 'live'",
      )
      .pluck();
    const wipe = this.#database.prepare(`DELETE FROM entry WHERE list = ? LIMIT ${SWEEP_STEP}`);
    const remove = this.#database.prepare("DELETE FROM list WHERE id = ?");
    for (const list of dead.all()) {
      while (wipe.run(list).changes === SWEEP_STEP) yield;
      remove.run(list);
      yield;
    }
    const ended = this.#database.prepare(
      `DELETE FROM entry INDEXED BY entry_until WHERE until <= ? AND until IS NOT NULL LIMIT ${SWEEP_STEP}`,
    );
    while (ended.run(oldest).changes === SWEEP_STEP) yield;
  }

  /** Marks lists as dead that no row of any generation names. */
  *#findUnused(): Generator<void, void> {
    const page = this.#database
      .prepare<[number], number>(`SELECT id FROM list WHERE id > ? ORDER BY id LIMIT ${SWEEP_STEP}`)
      .pluck();
    const bury = this.#database.prepare(
      `UPDATE list SET state = 'dead' WHERE id > ? AND id <= ? AND +state = 'live'
         AND NOT EXISTS (SELECT 1 FROM domain WHERE domain.list = list.id)
         AND NOT EXISTS (SELECT 1 FROM overlay WHERE overlay.list = list.id)
         AND NOT EXISTS (SELECT 1 FROM fetched WHERE fetched.list = list.id)`,
    );
    let after = 0;
    for (let ids = page.all(after); ids.length > 0; ids = page.all(after)) {
      const last = ids.at(-1) as number;
      bury.run(after, last);
      after = last;
      yield;
    }
  }
}
