import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type Database from "better-sqlite3";
import { codeOf } from "../../../../runtime/system-code.ts";

/** A newer Holdfast has written this database. */
export class DatabaseFromFuture extends Error {
  override readonly name = "DatabaseFromFuture";

  constructor(found: number, known: number) {
    super(
      `the database has schema version ${found}, this Holdfast knows versions up to ${known}; ` +
        "start the version that wrote it, or a newer one",
    );
  }
}

/** The tables do not match the database's version, for example in a copy that was made without the version. */
export class SchemaAstray extends Error {
  override readonly name = "SchemaAstray";

  constructor(found: number, why: string) {
    super(
      `the database says that it has schema version ${found}, but it has the tables of another one (${why}); ` +
        "copies lose it unless PRAGMA user_version goes with them: docs/operating.md, A damaged database",
    );
  }
}

const SHIPPED = fileURLToPath(new URL("../../../../../migrations/sqlite", import.meta.url));

/** Brings the schema to the newest version, each step in a transaction of its own. */
export function migrate(database: Database.Database, folder: string = SHIPPED): void {
  const steps = readSteps(folder);
  const found = database.pragma("user_version", { simple: true }) as number;
  if (found > steps.length) throw new DatabaseFromFuture(found, steps.length);
  for (const [index, file] of steps.entries()) {
    if (index < found) continue;
    const sql = readFileSync(join(folder, file), "utf8");
    const step = database.transaction(() => {
      database.exec(sql);
      database.pragma(`user_version = ${index + 1}`);
    });
    try {
      step.immediate();
    } catch (error) {
      if (codeOf(error) !== "SQLITE_ERROR") throw error;
      throw new SchemaAstray(found, (error as Error).message);
    }
  }
}

/** Returns the file names in order; `0001-init.sql` is step 1. Throws if the numbers have a gap: a packaging fault. */
function readSteps(folder: string): string[] {
  const files = readdirSync(folder)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .sort();
  for (const [index, file] of files.entries()) {
    if (Number.parseInt(file, 10) !== index + 1)
      throw new Error(`${folder}: expected step ${index + 1}, found ${file}`);
  }
  return files;
}
