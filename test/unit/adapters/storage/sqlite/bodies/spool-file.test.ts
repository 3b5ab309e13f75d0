import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, it } from "node:test";
import { SpoolFile } from "../../../../../../src/adapters/storage/sqlite/bodies/spool-file.ts";
import { accept, claimOne, fillBody, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { closeBehind, failAt, openAs, watch } from "../disk/file-faults.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

const LARGE = Buffer.alloc(200_000, 1);
const SICK = { kind: "refused", why: "sick" };

function spooled({ folder }: SqliteStore): string[] {
  return readdirSync(join(folder, "spool"));
}

async function becomes(store: SqliteStore, condition: string): Promise<void> {
  await waitFor({ what: condition, deadline: 20_000 }, () => store.writer.condition === condition);
}

/** Waits until the file is removed; then the next mail must be accepted when the disk is sound again. */
async function awaitRecovery(store: SqliteStore): Promise<void> {
  await becomes(store, "sick");
  await waitFor({ what: "the file to be removed", deadline: 20_000 }, () => spooled(store).length === 0);
  store.clock.advance(6000);
  await becomes(store, "ok");
  const { kind } = await accept(store.intake, newMail(store.clock.now()), LARGE);
  assert.equal(kind, "accepted");
}

describe("a spool file", () => {
  for (const { code, condition } of [
    { code: "ENOSPC", condition: "full" },
    { code: "EDQUOT", condition: "full" },
    { code: "EIO", condition: "sick" },
  ])
    it(`that cannot be written (${code}) makes the store ${condition}, although its mail was aborted`, async (t) => {
      await using store = await openSqliteStore();
      await failAt(t, { method: "writev", nth: 1, code });
      const body = store.intake.openBody();
      await assert.rejects(async () => {
        for (;;) await (body.write(Buffer.from(LARGE)) ?? new Promise(setImmediate));
      });
      body.abort();
      await becomes(store, condition);
    });

  it("is refused if its last octets were not written, also if the disk is sound", async (t) => {
    await using store = await openSqliteStore();
    await failAt(t, { method: "writev", nth: 1, code: "ENOMEM" });
    const body = store.intake.openBody();
    assert.equal(body.write(Buffer.alloc(100_000)), undefined, "nobody waits for the write");
    await assert.rejects(store.intake.accept(newMail(store.clock.now()), body), { code: "ENOMEM" });
  });

  for (const [what, nth] of [
    ["the file", 1],
    ["its folder", 2],
  ] as const)
    it(`is refused and removed if ${what} cannot be flushed`, async (t) => {
      await using store = await openSqliteStore();
      const body = await fillBody(store.intake, LARGE);
      await failAt(t, { method: "sync", nth, code: "EIO" });
      const answer = await store.intake.accept(newMail(store.clock.now()), body);
      assert.deepEqual(answer, { kind: "refused", why: "sick" });
      await awaitRecovery(store);
    });

  it("is refused, without making the store sick, if too many files are open", async (t) => {
    await using store = await openSqliteStore();
    const body = await fillBody(store.intake, LARGE);
    await failAt(t, { method: "sync", nth: 2, code: "EMFILE" });
    await assert.rejects(store.intake.accept(newMail(store.clock.now()), body), { code: "EMFILE" });
    const { kind } = await accept(store.intake, newMail(store.clock.now()), LARGE);
    assert.equal(kind, "accepted");
    assert.equal(store.writer.condition, "ok");
  });

  it("is refused if it cannot be renamed to its final name", async () => {
    await using store = await openSqliteStore();
    const body = await fillBody(store.intake, LARGE);
    for await (const _ of body.read()) continue;
    for (const name of spooled(store)) await rm(join(store.folder, "spool", name));
    const answer = await store.intake.accept(newMail(store.clock.now()), body);
    assert.deepEqual(answer, { kind: "refused", why: "sick" });
    await awaitRecovery(store);
  });

  it("that arrived when the disk began to fail is removed, because its mail is not stored", async () => {
    const disk = new FlakyDisk();
    await using store = await openSqliteStore({ disk });
    const body = await fillBody(store.intake, LARGE);
    for await (const _ of body.read()) continue;
    disk.failCommit = "SQLITE_IOERR_FSYNC";
    assert.deepEqual(await accept(store.intake, newMail(store.clock.now())), SICK);
    assert.deepEqual(await store.intake.accept(newMail(store.clock.now()), body), SICK);
    await waitFor({ what: "the file to be removed", deadline: 20_000 }, () => spooled(store).length === 0);
  });

  it("asks for a pause when all files together have filled the write buffer", async () => {
    await using folder = await tempFolder();
    const chunk = Buffer.alloc(128 * 1024);
    for (const round of ["once", "again, after all is written"]) {
      const files = Array.from({ length: 17 }, () => new SpoolFile(folder.path, assert.fail));
      const pauses = files.map((file) => file.write(chunk));
      const asked = pauses.map((pause) => pause !== undefined);
      assert.deepEqual([asked.indexOf(true), asked.length], [16, 17], round);
      await Promise.all(files.map((file) => file.finish()));
    }
  });

  it("flushes its octets before its name, and its name before it is answered", async (t) => {
    await using folder = await tempFolder();
    const flushed: unknown[] = [];
    await watch(t, "sync", (path) => {
      const names = readdirSync(folder.path);
      const sizes = names.map((name) => statSync(join(folder.path, name)).size);
      flushed.push([path, names, sizes]);
    });
    const file = new SpoolFile(folder.path, assert.fail);
    void file.write(LARGE);
    const name = await file.finish();
    assert.deepEqual(flushed, [
      [join(folder.path, `${name}.tmp`), [`${name}.tmp`], [LARGE.length]],
      [folder.path, [name], [LARGE.length]],
    ]);
    assert.deepEqual([openAs(name), openAs(folder.path)], [[], []]);
  });

  it("that cannot be closed is still removed", async () => {
    await using folder = await tempFolder();
    const file = new SpoolFile(folder.path, assert.fail);
    void file.write(LARGE);
    await buffer(await file.read());
    closeBehind(readdirSync(folder.path)[0] ?? "");
    file.discard();
    const what = { what: "the file to be removed", deadline: 20_000 };
    await waitFor(what, () => readdirSync(folder.path).length === 0);
  });

  it("that cannot be removed is left in place without an unhandled rejection", async () => {
    await using folder = await tempFolder();
    const file = new SpoolFile(folder.path, assert.fail);
    void file.write(LARGE);
    await buffer(await file.read());
    const [name = ""] = readdirSync(folder.path);
    await rm(join(folder.path, name));
    await mkdir(join(folder.path, name));
    file.discard();
    await waitFor(
      { what: "the file to be closed", deadline: 20_000 },
      () => openAs(`${name} (deleted)`).length === 0,
    );
    // These calls are served after the removal.
    for (let time = 0; time < 5; time++) await readdir(folder.path);
    assert.deepEqual(readdirSync(folder.path), [name]);
  });

  it("that failed takes no more octets, and causes no unhandled rejection", async (t) => {
    await using folder = await tempFolder();
    const failures: Error[] = [];
    const file = new SpoolFile(folder.path, (error) => void failures.push(error));
    await failAt(t, { method: "writev", nth: 1, code: "ENOSPC" });
    void file.write(LARGE);
    await waitFor({ what: "the failure", deadline: 20_000 }, () => failures.length === 1);
    void file.write(LARGE);
    await assert.rejects(async () => await file.write(LARGE), { code: "ENOSPC" });
    const [name = ""] = readdirSync(folder.path);
    assert.equal(statSync(join(folder.path, name)).size, 0);
    await assert.rejects(file.finish(), { code: "ENOSPC" });
    await waitFor(
      { what: "the file to be removed", deadline: 20_000 },
      () => readdirSync(folder.path).length === 0,
    );
  });

  it("returns all of its octets, including those not yet written to the disk", async () => {
    await using folder = await tempFolder();
    const file = new SpoolFile(folder.path, assert.fail);
    void file.write(LARGE);
    assert.equal((await buffer(await file.read())).length, LARGE.length);
    await file.finish();
  });

  it("that is discarded while it is opened leaves nothing behind", async () => {
    await using folder = await tempFolder();
    const file = new SpoolFile(folder.path, assert.fail);
    void file.write(LARGE);
    file.discard();
    // By then the file was opened.
    await assert.rejects(file.read(), /thrown away/);
    const isGone = (): boolean =>
      readdirSync(folder.path).length === 0 && openAs(".tmp (deleted)").length === 0;
    await waitFor({ what: "no file left behind or open", deadline: 5000 }, isGone);
  });

  it("that cannot be closed after it was read does not fail its mail", async () => {
    await using store = await openSqliteStore();
    await accept(store.intake, newMail(store.clock.now()), LARGE);
    const body = (await claimOne(store)).body.read();
    assert.ok(!Buffer.isBuffer(body));
    await body.read(Buffer.alloc(10));
    closeBehind(spooled(store)[0] as string);
    await assert.doesNotReject(body.close());
  });
});
