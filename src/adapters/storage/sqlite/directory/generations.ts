import type Database from "better-sqlite3";
import type { DomainSettings, Origin } from "../../../../ports/directory.ts";
import type { SideTable } from "../wire/wire.ts";

/** How long a superseded generation stays readable, in ms; an SMTP transaction uses the one with which it began. */
const KEEP = 60 * 60 * 1000;

/** Rows that one step removes. */
const SWEEP_STEP = 500;

const SIDE_TABLES: readonly SideTable[] = ["overlay", "fetched"];

interface SideStatements {
  readonly find: Database.Statement<[string], number>;
  readonly end: Database.Statement<[number, string]>;
  readonly put: Database.Statement<[string, number, number]>;
}

export interface DomainRow {
  readonly name: string;
  readonly origin: Origin;
  /** DomainSettings as JSON. */
  readonly settings: string;
  readonly list: number | null;
  readonly draining: number;
}

/** Versioned rows of domains and side lists. Rows written for `next()` become visible with `raise`. */
export class Generations {
  readonly #database: Database.Database;
  readonly #newest: Database.Statement<[], number>;
  readonly #raise: Database.Statement<[number, number]>;
  readonly #domain: Database.Statement<[string, number, number], DomainRow>;
  readonly #put: Database.Statement<unknown[]>;
  readonly #end: Database.Statement<[number, string]>;
  readonly #side: Readonly<Record<SideTable, SideStatements>>;

  /** Whether `raise` was called since this was last reset; true at first. */
  raised = true;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#newest = database.prepare<[], number>("SELECT max(number) FROM generation").pluck();
    this.#raise = database.prepare("INSERT INTO generation (number, at) VALUES (?, ?)");
    this.#domain = database.prepare(
      `SELECT name, origin, settings, list, draining FROM domain
       WHERE name = ? AND since <= ? AND (until IS NULL OR until > ?)`,
    );
    this.#put = database.prepare(
      "INSERT INTO domain (name, since, origin, settings, list, draining) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#end = database.prepare("UPDATE domain SET until = ? WHERE name = ? AND until IS NULL");
    this.#side = { overlay: prepareSide(database, "overlay"), fetched: prepareSide(database, "fetched") };
  }

  newest(): number {
    return this.#newest.get() ?? 0;
  }

  next(): number {
    return this.newest() + 1;
  }

  /** Makes all rows that were written for `next()` visible. */
  raise(now: number): number {
    const number = this.next();
    this.#raise.run(number, now);
    this.raised = true;
    return number;
  }

  /** Returns the visible domain, without what is being staged. */
  domain(name: string): DomainRow | undefined {
    const newest = this.newest();
    return this.#domain.get(name, newest, newest);
  }

  /** Returns all visible domains of one origin, by name. */
  domains(origin: Origin): readonly DomainRow[] {
    const newest = this.newest();
    return this.#database
      .prepare<unknown[], DomainRow>(
        `SELECT name, origin, settings, list, draining FROM domain
         WHERE origin = ? AND since <= ? AND (until IS NULL OR until > ?) ORDER BY name`,
      )
      .all(origin, newest, newest);
  }

  /** Returns the last rows of removed domains that a transaction may still see. Nothing may be staged. */
  ended(): readonly DomainRow[] {
    return this.#database
      .prepare<[], DomainRow>(
        `SELECT name, origin, settings, list, draining, max(since) FROM domain
         WHERE until IS NOT NULL AND name NOT IN (SELECT name FROM domain WHERE until IS NULL)
         GROUP BY name ORDER BY name`,
      )
      .all();
  }

  /** Replaces the domain's row from the next generation on. */
  put(row: DomainRow): void {
    this.end(row.name);
    this.#put.run(row.name, this.next(), row.origin, row.settings, row.list, row.draining);
  }

  end(name: string): void {
    this.#end.run(this.next(), name);
  }

  sideList(table: SideTable, domain: string): number | undefined {
    return this.#side[table].find.get(domain);
  }

  putSideList(table: SideTable, domain: string, list: number): void {
    this.endSideList(table, domain);
    this.#side[table].put.run(domain, this.next(), list);
  }

  endSideList(table: SideTable, domain: string): void {
    this.#side[table].end.run(this.next(), domain);
  }

  /** Removes everything that was written for a generation that was never raised. */
  abandonStaged(): void {
    const newest = this.newest();
    for (const table of ["domain", ...SIDE_TABLES]) {
      this.#database.prepare(`DELETE FROM ${table} WHERE since > ?`).run(newest);
      this.#database.prepare(`UPDATE ${table} SET until = NULL WHERE until > ?`).run(newest);
    }
  }

  /** Removes rows that no generation in use can see; returns the oldest generation in use. */
  *sweep(now: number): Generator<void, number> {
    const oldest =
      this.#database
        .prepare<[number], number | null>("SELECT max(number) FROM generation WHERE at < ?")
        .pluck()
        .get(now - KEEP) ?? 0;
    // Generations go first, so that a reader that still uses one of them never gets an answer from incomplete rows.
    this.#database.prepare("DELETE FROM generation WHERE number < ?").run(oldest);
    for (const table of ["domain", ...SIDE_TABLES]) {
      const ended = this.#database.prepare(
        `DELETE FROM ${table} INDEXED BY ${table}_until WHERE until <= ? AND until IS NOT NULL LIMIT ${SWEEP_STEP}`,
      );
      while (ended.run(oldest).changes === SWEEP_STEP) yield;
    }
    return oldest;
  }
}

function prepareSide(database: Database.Database, table: SideTable): SideStatements {
  return {
    find: database
      .prepare<[string], number>(`SELECT list FROM ${table} WHERE domain = ? AND until IS NULL`)
      .pluck(),
    end: database.prepare(`UPDATE ${table} SET until = ? WHERE domain = ? AND until IS NULL`),
    put: database.prepare(`INSERT INTO ${table} (domain, since, list) VALUES (?, ?, ?)`),
  };
}

export function sameSettings(row: DomainRow, settings: DomainSettings): boolean {
  return row.settings === JSON.stringify(settings);
}
