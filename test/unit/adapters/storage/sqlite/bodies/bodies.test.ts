import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { rename, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { loggerTo } from "../../../../../../src/runtime/log.ts";
import { ownBuffer } from "../../../../../../src/adapters/storage/sqlite/bodies/bodies.ts";
import { DELIVERED, accept, fillBody, newMail, settlement } from "../../../../../contract/mails.ts";
import { openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { openAs } from "../disk/file-faults.ts";

const LARGE = Buffer.alloc(70_000, 1);

function spooled(store: SqliteStore): string[] {
  return readdirSync(join(store.folder, "spool"));
}

function spoolHolds(store: SqliteStore, files: number): Promise<unknown> {
  return waitFor(
    { what: `${files} files in the spool`, deadline: 20_000 },
    () => spooled(store).length === files,
  );
}

it("removes the file after the commit that settles the last recipient", async () => {
  await using store = await openSqliteStore();
  await accept(store.intake, newMail(store.clock.now()), LARGE);
  assert.equal(spooled(store).length, 1);
  const [mail] = await store.work.claim({ domain: "one.test", limit: 1, now: store.clock.now() });
  await store.work.settle(settlement(mail as never, { state: "gone", outcome: DELIVERED }, 1));
  await spoolHolds(store, 0);
});

it("stores small bodies outside the spool", async () => {
  await using store = await openSqliteStore();
  await accept(store.intake, newMail(store.clock.now()), LARGE.subarray(0, 16_384));
  assert.deepEqual(spooled(store), []);
});

it("removes the files of aborted and refused bodies", async () => {
  await using store = await openSqliteStore();
  const aborted = await fillBody(store.intake, LARGE);
  aborted.abort();
  const late = newMail(store.clock.now(), { deadline: store.clock.now() - 1 });
  await accept(store.intake, late, LARGE);
  await spoolHolds(store, 0);
});

it("writes bodies to the disk while the bodies in memory exceed their limit, and then uses memory again", async () => {
  await using store = await openSqliteStore({ bodyMemory: 100_000 });
  const bodies = await Promise.all([1, 2, 3].map(() => fillBody(store.intake, LARGE.subarray(0, 60_000))));
  await spoolHolds(store, 2);
  for (const body of bodies) {
    const answer = await store.intake.accept(newMail(store.clock.now()), body);
    assert.equal(answer.kind, "accepted");
  }
  await accept(store.intake, newMail(store.clock.now()), LARGE.subarray(0, 60_000));
  assert.equal(spooled(store).length, 3, "memory is free again: two share a segment");
  const claims = await store.work.claim({ domain: "one.test", limit: 9, now: store.clock.now() });
  assert.deepEqual(
    claims.map(({ body }) => body.size),
    [60_000, 60_000, 60_000, 60_000],
  );
});

it("asks for a pause when the disk cannot keep up", async () => {
  await using store = await openSqliteStore();
  const body = store.intake.openBody();
  let pauses = 0;
  for (let i = 0; i < 40; i++) if (body.write(Buffer.alloc(32_768)) !== undefined) pauses += 1;
  assert.ok(pauses > 0);
  body.abort();
  await spoolHolds(store, 0);
});

it("a sweep removes orphans older than an hour, and nothing else", async () => {
  await using store = await openSqliteStore();
  await accept(store.intake, newMail(store.clock.now()), LARGE);
  const [known] = spooled(store);
  const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
  const age = (name: string): Promise<void> => utimes(join(store.folder, "spool", name), old, old);
  await age(known as string);
  for (const name of ["orphan", "orphan.tmp", "fresh"])
    await writeFile(join(store.folder, "spool", name), "x");
  await age("orphan");
  await age("orphan.tmp");
  // A dangling link: a file that is gone when the sweep examines it.
  await symlink("nowhere", join(store.folder, "spool", "0000"));
  store.clock.advance(40 * 24 * 60 * 60 * 1000);
  await store.writer.sweepSpool();
  assert.deepEqual(spooled(store).toSorted(), [known, "fresh", "0000"].toSorted());
});

it("a sweep leaves no file open", async () => {
  await using store = await openSqliteStore();
  await store.writer.sweepSpool();
  const open = openAs(join(store.folder, "queue.sqlite")).length;
  for (let time = 0; time < 3; time++) await store.writer.sweepSpool();
  assert.equal(openAs(join(store.folder, "queue.sqlite")).length, open);
});

it("logs a sweep that failed, and still accepts mail", async () => {
  const lines: string[] = [];
  const log = loggerTo((level, message) => void lines.push(`${level} ${message}`));
  await using store = await openSqliteStore({ log });
  await rename(join(store.folder, "spool"), join(store.folder, "moved"));
  store.clock.advance(61 * 60 * 1000);
  await waitFor({ what: "the log", deadline: 20_000 }, () => lines.length > 0);
  assert.deepEqual(lines, ["warn a sweep failed"]);
  assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), { kind: "accepted" });
  await rename(join(store.folder, "moved"), join(store.folder, "spool"));
});

it("copies only the body out of memory that it shares with other bodies", () => {
  const shared = Buffer.from("others body others");
  assert.equal(Buffer.from(ownBuffer(shared.subarray(7, 11))).toString(), "body");
});
