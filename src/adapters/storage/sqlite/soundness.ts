import { openMailReader } from "./connection.ts";

/** Findings that are told of one table. */
const MOST = 5;

/**
 * Looks through the whole mail database for damage; answers what was found. Blocks as long as that takes, so it
 * belongs into a process of its own, which can be ended. Table by table: the WAL cannot be emptied under a statement.
 */
export function checkDatabase(folder: string): readonly string[] {
  const database = openMailReader(folder);
  try {
    const tables = database
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .pluck()
      .all();
    return tables.flatMap((table) => {
      const rows = database.pragma(`quick_check(${quoted(table)})`) as { quick_check: string }[];
      const findings = rows.map((row) => row.quick_check).filter((text) => text !== "ok");
      return findings.slice(0, MOST).map((text) => `${table}: ${text}`);
    });
  } finally {
    database.close();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
