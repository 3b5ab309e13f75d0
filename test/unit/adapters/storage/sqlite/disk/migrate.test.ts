import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import Database from "better-sqlite3";
import { DatabaseFromFuture, openWriter } from "../../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { migrate } from "../../../../../../src/adapters/storage/sqlite/disk/migrate.ts";
import { ManualClock } from "../../../../../support/manual-clock.ts";
import { SILENT } from "../../../../../support/silent-log.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

const SHIPPED = new URL("../../../../../../migrations/sqlite", import.meta.url);
const KNOWN = readdirSync(SHIPPED).length;
const NEXT = String(KNOWN + 1).padStart(4, "0");
const PARTS = { clock: new ManualClock(), reserve: { bytes: 0 }, log: SILENT };

it("refuses a database that a newer version wrote, and names both versions", async () => {
  await using folder = await tempFolder();
  const [data, migrations] = [join(folder.path, "data"), join(folder.path, "migrations")];
  await cp(SHIPPED, migrations, { recursive: true });
  await writeFile(join(migrations, `${NEXT}-later.sql`), "CREATE TABLE later (x INTEGER) STRICT;");
  await openWriter({ ...PARTS, folder: data, migrations }).close();
  assert.throws(
    () => openWriter({ ...PARTS, folder: data }),
    (error) => {
      assert.ok(error instanceof DatabaseFromFuture);
      assert.match(error.message, new RegExp(`version ${KNOWN + 1}.*up to ${KNOWN}`));
      return true;
    },
  );
  await openWriter({ ...PARTS, folder: data, migrations }).close();
});

it("rolls back a step that fails, and runs it at the next start", async () => {
  await using folder = await tempFolder();
  const [data, migrations] = [join(folder.path, "data"), join(folder.path, "migrations")];
  await cp(SHIPPED, migrations, { recursive: true });
  const step = join(migrations, `${NEXT}-later.sql`);
  await writeFile(step, "CREATE TABLE later (x INTEGER) STRICT; NONSENSE;");
  assert.throws(() => openWriter({ ...PARTS, folder: data, migrations }), /NONSENSE/);
  await writeFile(step, "CREATE TABLE later (x INTEGER) STRICT;");
  await openWriter({ ...PARTS, folder: data, migrations }).close();
});

it("reports a database whose schema version does not match its tables", async () => {
  await using folder = await tempFolder();
  await openWriter({ ...PARTS, folder: folder.path }).close();
  const database = new Database(join(folder.path, "queue.sqlite"));
  database.pragma("user_version = 0");
  database.close();
  assert.throws(
    () => openWriter({ ...PARTS, folder: folder.path }),
    /schema version 0, but it has the tables of another one \(.*already exists\); .*PRAGMA user_version.*docs\/operating\.md/,
  );
});

it("reports a gap in the numbers of the steps", async () => {
  await using folder = await tempFolder();
  const migrations = join(folder.path, "migrations");
  await cp(SHIPPED, migrations, { recursive: true });
  await writeFile(join(migrations, `${String(KNOWN + 2).padStart(4, "0")}-gap.sql`), "");
  const open = (): unknown => openWriter({ ...PARTS, folder: join(folder.path, "data"), migrations });
  assert.throws(open, new RegExp(`expected step ${KNOWN + 1}, found \\d+-gap\\.sql`));
});

it("reports the original error if it is not about existing tables", async () => {
  await using folder = await tempFolder();
  const sql = "CREATE TABLE one (x INTEGER PRIMARY KEY) STRICT; INSERT INTO one VALUES (1), (1);";
  await writeFile(join(folder.path, "0001-init.sql"), sql);
  const database = new Database(":memory:");
  assert.throws(() => migrate(database, folder.path), { code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
  database.close();
});
