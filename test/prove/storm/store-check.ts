/** The data folder of a daemon that has ended: sound, and with nothing in it that nobody needs. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

const NEEDED = "SELECT mail FROM recipient WHERE state <> 'gone' OR owed IS NOT NULL";
/** Each finds what should not be. */
const QUESTIONS: Readonly<Record<string, string>> = {
  "mail without recipients": "SELECT id FROM message WHERE key NOT IN (SELECT mail FROM recipient)",
  "recipients without mail": "SELECT address FROM recipient WHERE mail NOT IN (SELECT key FROM message)",
  "bodies that nobody needs": `SELECT mail FROM body WHERE mail NOT IN (${NEEDED})`,
  "places that nobody needs": `SELECT spool FROM message WHERE spool IS NOT NULL AND key NOT IN (${NEEDED})`,
  "mail without a body": `SELECT id FROM message
    WHERE key IN (${NEEDED}) AND spool IS NULL AND key NOT IN (SELECT mail FROM body)`,
  "claims of nobody": "SELECT address FROM recipient WHERE state = 'claimed'",
  "what SQLite finds": "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
};

interface StoreLook {
  readonly failures: readonly string[];
  /** Recipients by state. */
  readonly counts: Readonly<Record<string, number>>;
}

export function lookIntoStore(folder: string): StoreLook {
  const database = new Database(join(folder, "queue.sqlite"), { readonly: true });
  try {
    const all = (sql: string): readonly string[] => database.prepare<[], string>(sql).pluck().all();
    const found = Object.entries(QUESTIONS).flatMap(([what, sql]) => {
      const rows = all(sql);
      return rows.length === 0 ? [] : [`${what} (${rows.length}): ${rows.slice(0, 5).join(", ")}`];
    });
    const states = database
      .prepare<[], [string, number]>("SELECT state, count(*) FROM recipient GROUP BY state")
      .raw()
      .all();
    const places = all("SELECT spool FROM message WHERE spool IS NOT NULL");
    return { failures: [...found, ...fileFailures(folder, places)], counts: Object.fromEntries(states) };
  } finally {
    database.close();
  }
}

/** A place is the name of a file, with `@` and an offset where that is a segment. */
function fileFailures(folder: string, places: readonly string[]): readonly string[] {
  const there = new Set(readdirSync(join(folder, "spool")));
  const named = new Set(places.map((place) => place.replace(/@.*/, "")));
  return [
    ...[...there].filter((file) => !named.has(file)).map((file) => `spool/${file} is nobody's`),
    ...[...named].filter((file) => !there.has(file)).map((file) => `spool/${file} is missing`),
  ];
}
