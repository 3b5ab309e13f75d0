import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { accept, fillBody, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";

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
});
