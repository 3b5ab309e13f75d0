import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { accept, bodyOf, claimOne, fillBody, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { waitFor } from "../../../../../support/wait.ts";
import { openAs } from "../disk/file-faults.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

/** A body that is stored in a file of its own. */
const LARGE = Buffer.alloc(100_000, 1);

function spooled({ folder }: SqliteStore): number {
  return readdirSync(join(folder, "spool")).length;
}

/** An unhandled rejection, which would end the thread, fails the test within these turns. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn();
}

describe("an intake whose store has ended", () => {
  it("refuses a mail if the spool folder is missing, without an unhandled rejection", async () => {
    await using store = await openSqliteStore();
    const body = await fillBody(store.intake, Buffer.alloc(100_000));
    store.closeIntakePort();
    await rename(join(store.folder, "spool"), join(store.folder, "moved"));
    const answer = await store.intake.accept(newMail(store.clock.now()), body);
    await settled();
    assert.deepEqual(answer, { kind: "refused", why: "sick" });
    await rename(join(store.folder, "moved"), join(store.folder, "spool"));
  });

  it("rejects every mail with an error", async () => {
    await using store = await openSqliteStore();
    store.closeIntakePort();
    await settled();
    const answers = [1, 2].map(() => accept(store.intake, newMail(store.clock.now())));
    for (const answer of answers) await assert.rejects(answer, /the other thread has ended/);
  });

  it("closes its segment", async () => {
    await using store = await openSqliteStore();
    await accept(store.intake, newMail(store.clock.now()), Buffer.alloc(20_000));
    const [segment = assert.fail("no segment")] = readdirSync(join(store.folder, "spool"));
    assert.equal(openAs(segment).length, 1);
    store.closeIntakePort();
    await waitFor({ what: "the segment to be closed", deadline: 20_000 }, () => openAs(segment).length === 0);
  });
});

describe("an intake", () => {
  it("stores each body of one turn whole when one buffer cannot hold all of them", async () => {
    await using store = await openSqliteStore();
    const contents = Array.from({ length: 14 }, (_, i) => Buffer.alloc(9000 + 500 * i, `${i} of many, `));
    const bodies = await Promise.all(contents.map((content) => fillBody(store.intake, content)));
    const mails = contents.map(() => newMail(store.clock.now()));
    const answers = await Promise.all(bodies.map((body, i) => store.intake.accept(mails[i] as never, body)));
    assert.deepEqual(new Set(answers.map(({ kind }) => kind)), new Set(["accepted"]));
    const claims = await store.work.claim({ domain: "one.test", limit: 20, now: store.clock.now() });
    const found = new Map(claims.map((claim) => [claim.id, claim]));
    for (const [i, { id }] of mails.entries())
      assert.ok((await bodyOf(found.get(id) as never)).equals(contents[i] as Buffer), `${i}`);
  });

  it("keeps the file of a mail that got no answer, because the mail may be stored", async () => {
    const disk = new FlakyDisk();
    await using store = await openSqliteStore({ disk });
    disk.failCommit = () => void store.closeIntakePort();
    await assert.rejects(accept(store.intake, newMail(store.clock.now()), LARGE), /has ended/);
    disk.failCommit = undefined;
    await settled();
    assert.ok((await bodyOf(await claimOne(store))).equals(LARGE));
  });

  it("keeps the file of a mail whose commit failed on a failing disk, because the commit may be durable", async () => {
    const disk = new FlakyDisk();
    await using store = await openSqliteStore({ disk });
    disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const answer = await accept(store.intake, newMail(store.clock.now()), LARGE);
    assert.deepEqual(answer, { kind: "refused", why: "sick" });
    // Enough turns for a removal on the thread pool to finish.
    for (let times = 0; times < 20; times++) await stat(store.folder);
    assert.equal(spooled(store), 1);
  });

  it("removes the file of a refused mail, and no other file", async () => {
    await using store = await openSqliteStore();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail, LARGE);
    assert.deepEqual(await accept(store.intake, mail, Buffer.alloc(100_000, 2)), {
      kind: "refused",
      why: "row",
    });
    await waitFor(
      { what: "the refused mail's file to be removed", deadline: 20_000 },
      () => spooled(store) === 1,
    );
    assert.ok((await bodyOf(await claimOne(store))).equals(LARGE));
  });
});
