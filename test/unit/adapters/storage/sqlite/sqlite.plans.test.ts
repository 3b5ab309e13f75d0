/** No statement that runs for every mail, on a thread other than the writer's, may scan a whole table. */
import assert from "node:assert/strict";
import { it, mock } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { realDisk } from "../../../../../src/adapters/storage/sqlite/disk/disk.ts";
import {
  openDirectoryReader,
  openGreylist,
  openTraceWriter,
} from "../../../../../src/adapters/storage/sqlite/sqlite.ts";
import { openSqliteStore } from "../../../../contract/sqlite-harness.ts";
import { ManualClock } from "../../../../support/manual-clock.ts";
import { tempFolder } from "../../../../support/temp-folder.ts";

type Opened = ReturnType<typeof realDisk.openDatabase>;

/** Statements that run once at start or on an operator's request, never for every mail. */
const SELDOM =
  /FROM generation|FROM domain WHERE since|GROUP BY| UNION SELECT mail|ORDER BY d.name$|ORDER BY seq LIMIT|FROM filter ORDER BY/;

it("every frequent statement of the readers and of the trace uses an index", async () => {
  const asked = new Map<string, Opened>();
  const open = realDisk.openDatabase;
  const spied = mock.method(realDisk, "openDatabase", (file: string, options: object): Opened => {
    const database = open(file, options);
    const prepare = database.prepare.bind(database);
    const noted = (sql: string): ReturnType<typeof prepare> => {
      // store.test.ts checks the statements of the writer.
      if (!file.endsWith("queue.sqlite") || "readonly" in options) asked.set(sql, database);
      return prepare(sql);
    };
    return Object.assign(database, { prepare: noted });
  });
  const line = new MessageChannel();
  try {
    await using folder = await tempFolder();
    await using store = await openSqliteStore({ folder: folder.path });
    const clock = new ManualClock();
    const trace = openTraceWriter(folder.path);
    const event = {
      kind: "mail.delivered",
      id: "id",
      recipient: "a@b.example",
      domain: "b.example",
    } as const;
    trace.add({ at: 1, event }, ["a@b.example"]);
    trace.write();
    await store.reader.trace({ about: ["a@b.example"], limit: 10 });
    trace.trim(0, 1e9);
    await store.reader.list({ filter: {}, limit: 10 });
    const directory = openDirectoryReader(folder.path);
    const memory = openGreylist(line.port1, { folder: folder.path, clock });
    const hot = [...asked].filter(
      ([sql]) => /^\s*(?:SELECT|UPDATE|DELETE|WITH)/.test(sql) && !SELDOM.test(sql),
    );
    for (const part of [
      "FROM entry",
      "FROM greylist",
      "FROM domain d",
      "DELETE FROM filter",
      "FROM block WHERE",
    ])
      assert.ok(
        hot.some(([sql]) => sql.includes(part)),
        part,
      );
    for (const [sql, database] of hot) assertIndexed(sql, database, open);
    trace.close();
    directory.close();
    memory.close();
  } finally {
    line.port1.close();
    spied.mock.restore();
  }
});

/** Opens a new connection if the statement's own connection is closed. */
function assertIndexed(sql: string, database: Opened, open: typeof realDisk.openDatabase): void {
  const own = database.open ? database : open(database.name, { readonly: true });
  const unnamed = sql.replaceAll(/[@:][a-z]\w*/gi, "?");
  const values = Array.from({ length: unnamed.split("?").length - 1 }, () => 0);
  const plan = own.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${unnamed}`).all(...values);
  // CONSTANT and `cut` (the prefixes of one name) are not tables; recipient_quarantine holds quarantined mail only.
  const scan = /^SCAN (?!CONSTANT|cut\b|recipient USING COVERING INDEX recipient_quarantine)/;
  for (const { detail } of plan) assert.doesNotMatch(detail, scan, `${sql}: ${detail}`);
}
