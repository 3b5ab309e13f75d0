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

/** Has a file of its own. */
const LARGE = Buffer.alloc(100_000, 1);

function spooled({ folder }: SqliteStore): number {
  return readdirSync(join(folder, "spool")).length;
}

/** A rejection that nobody heeds, which would end the thread, fails the test within these turns. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn();
}

describe("an intake whose store has gone", () => {
  it("cannot tell of a spool that is not there, and does not end its thread by that", async () => {
    await using store = await openSqliteStore();
    const body = await fillBody(store.intake, Buffer.alloc(100_000));
    store.closeIntakePort();
    await rename(join(store.folder, "spool"), join(store.folder, "moved"));
    const answer = await store.intake.accept(newMail(store.clock.now()), body);
    await settled();
    assert.deepEqual(answer, { kind: "refused", why: "sick" });
    await rename(join(store.folder, "moved"), join(store.folder, "spool"));
  });

  it("accepts nothing: its clients are told of an error, each", async () => {
    await using store = await openSqliteStore();
    store.closeIntakePort();
    await settled();
    const answers = [1, 2].map(() => accept(store.intake, newMail(store.clock.now())));
    for (const answer of answers) await assert.rejects(answer, /the other thread has ended/);
  });

  it("keeps no segment open", async () => {
    await using store = await openSqliteStore();
    await accept(store.intake, newMail(store.clock.now()), Buffer.alloc(20_000));
    const [segment = assert.fail("no segment")] = readdirSync(join(store.folder, "spool"));
    assert.equal(openAs(segment).length, 1);
    store.closeIntakePort();
    await waitFor({ what: "the segment to be closed", deadline: 20_000 }, () => openAs(segment).length === 0);
  });
});

describe("an intake", () => {
  it("sends bodies of one turn that no buffer holds together, each once and whole", async () => {
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

  it("leaves the file of a mail there whose answer never came, for it may be stored", async () => {
    const disk = new FlakyDisk();
    await using store = await openSqliteStore({ disk });
    disk.failCommit = () => void store.closeIntakePort();
    await assert.rejects(accept(store.intake, newMail(store.clock.now()), LARGE), /has ended/);
    disk.failCommit = undefined;
    await settled();
    assert.ok((await bodyOf(await claimOne(store))).equals(LARGE));
  });

  it("leaves the file of a mail there whose commit failed on a sick disk, for it may be found after the cure", async () => {
    const disk = new FlakyDisk();
    await using store = await openSqliteStore({ disk });
    disk.failAfterCommit = "SQLITE_IOERR_FSYNC";
    const answer = await accept(store.intake, newMail(store.clock.now()), LARGE);
    assert.deepEqual(answer, { kind: "refused", why: "sick" });
    // What the system does on threads of its own would be done by then.
    for (let times = 0; times < 20; times++) await stat(store.folder);
    assert.equal(spooled(store), 1);
  });

  it("removes the file of a mail that was refused, and no other", async () => {
    await using store = await openSqliteStore();
    const mail = newMail(store.clock.now());
    await accept(store.intake, mail, LARGE);
    assert.deepEqual(await accept(store.intake, mail, Buffer.alloc(100_000, 2)), {
      kind: "refused",
      why: "row",
    });
    await waitFor({ what: "the other's file to go", deadline: 20_000 }, () => spooled(store) === 1);
    assert.ok((await bodyOf(await claimOne(store))).equals(LARGE));
  });
});
