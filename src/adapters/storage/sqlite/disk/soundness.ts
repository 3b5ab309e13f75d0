import type Database from "better-sqlite3";
import { codeOf } from "../../../../runtime/system-code.ts";
import { openMailReader } from "./connection.ts";

/** Most findings that are reported, for one table or for the whole database. */
const MOST = 5;

/**
 * Checks the whole mail database for damage and returns the findings. It blocks until it is done, so it belongs in a
 * process of its own, which can be killed. It checks table by table, because the WAL cannot be emptied during a
 * statement.
 */
export function checkDatabase(folder: string): readonly string[] {
  return orDamage("the database", () => {
    const database = openMailReader(folder);
    try {
      const tables = database
        .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .pluck()
        .all();
      return tables.flatMap((table) => orDamage(table, () => checkTable(database, table)));
    } finally {
      database.close();
    }
  });
}

function checkTable(database: Database.Database, table: string): readonly string[] {
  return findingsOf(database, table).map((finding) => `${table}: ${finding}`);
}

/** Returns the findings of `quick_check` for the whole database, or for one table. */
export function findingsOf(database: Database.Database, table?: string): readonly string[] {
  const of = table === undefined ? MOST : quoted(table);
  const rows = database.pragma(`quick_check(${of})`) as { readonly quick_check: string }[];
  const findings = rows.map((row) => row.quick_check).filter((finding) => finding !== "ok");
  return findings.slice(0, MOST);
}

/** Runs `look`. Damage may make SQLite abort the check itself; that is a finding, too. */
function orDamage(what: string, look: () => readonly string[]): readonly string[] {
  try {
    return look();
  } catch (error) {
    if (!/^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(error) ?? "")) throw error;
    return [`${what}: ${(error as Error).message}`];
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
