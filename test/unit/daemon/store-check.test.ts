/** The look through the database after an unclean end, and the alert when it finds damage. */
import assert from "node:assert/strict";
import { openSync, closeSync, fstatSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { alertFor } from "../../../src/adapters/alerts/alerts.ts";
import type { JournalSink } from "../../../src/adapters/journal/journal.ts";
import type { JournalEvent } from "../../../src/ports/journal.ts";
import { startStoreCheck } from "../../../src/daemon/store-check.ts";
import { accept, newMail } from "../../contract/mails.ts";
import { openSqliteStore } from "../../contract/sqlite-harness.ts";
import { idle } from "../../support/settle.ts";
import { SILENT } from "../../support/silent-log.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../support/wait.ts";

/** Octets. */
const PAGE = 4096;

/** From where to where a file of so many octets is overwritten. */
type Stretch = (size: number) => readonly [from: number, to: number];

/** What is told of a database with some mail whose file was overwritten there. */
async function lookThrough(stretch: Stretch): Promise<JournalEvent> {
  await using folder = await tempFolder();
  const data = join(folder.path, "data");
  const store = await openSqliteStore({ folder: data });
  const { clock } = store;
  for (let n = 0; n < 50; n++) await accept(store.intake, newMail(clock.now()), "body\r\n".repeat(500));
  await store[Symbol.asyncDispose]();
  const file = openSync(join(data, "queue.sqlite"), "r+");
  const [from, to] = stretch(fstatSync(file).size);
  writeSync(file, Buffer.alloc(to - from, "damage"), 0, to - from, from);
  closeSync(file);
  return await new Promise((resolve, reject) => {
    const error = (event: string, fields?: object): void =>
      reject(new Error(`${event} ${JSON.stringify(fields)}`));
    const sink = { record: resolve, log: { ...SILENT, error } } as unknown as JournalSink;
    startStoreCheck(data, { clock, sink });
  });
}

test("a sound database causes no alert", async () => {
  const event = await lookThrough(() => [0, 0]);
  assert.deepEqual(event.kind === "store.checked" && event.findings, []);
  assert.equal(alertFor(event, 0), undefined);
});

const DAMAGES: readonly (readonly [what: string, stretch: Stretch])[] = [
  ["the pages of its mails are", (size) => [size - 8 * PAGE, size]],
  ["its schema is", () => [100, PAGE]],
];
for (const [what, stretch] of DAMAGES)
  test(`the operator is alerted when ${what} damaged`, async () => {
    const alert = alertFor(await lookThrough(stretch), 0);
    assert.equal(alert?.name, "store.checked");
    assert.match(
      alert.text,
      /^The mail database is damaged: .+ Stop the daemon and copy the data folder; docs\/operating\.md says how to save what can be read\.$/,
    );
  });

test("a check of the database that is stopped early reports nothing, and its process has ended", async () => {
  await using store = await openSqliteStore();
  const told: unknown[] = [];
  const log = { ...SILENT, error: (event: string) => void told.push(event) };
  const sink = { record: (event: unknown) => void told.push(event), log } as unknown as JournalSink;
  const before = processes();
  const end = startStoreCheck(store.folder, { clock: store.clock, sink });
  const child = processes().find((id) => !before.includes(id));
  assert.ok(child !== undefined);
  // It does not end by itself.
  process.kill(Number(child), "SIGSTOP");
  end();
  await waitFor({ what: "the process is gone", deadline: 10_000 }, () => !processes().includes(child));
  await idle();
  assert.deepEqual(told, []);
});

/** Ids of the processes that this one has started. */
function processes(): readonly string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
}
