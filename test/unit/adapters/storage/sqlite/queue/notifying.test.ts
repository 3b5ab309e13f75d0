import assert from "node:assert/strict";
import { it } from "node:test";
import { accept, newMail, REFUSED } from "../../../../../contract/mails.ts";
import { openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

/** Stores mails that were refused permanently, each with a failure notice owed; returns their ids. */
async function owe(store: SqliteStore, many: number, body: Buffer): Promise<readonly string[]> {
  const mails = Array.from({ length: many }, () => newMail(store.clock.now()));
  await Promise.all(mails.map((mail) => accept(store.intake, mail, body)));
  const now = store.clock.now();
  const claim = () => store.work.claim({ domain: "one.test", limit: 1000, now });
  for (let claims = await claim(); claims.length > 0; claims = await claim())
    await Promise.all(
      claims.map(({ id, token }) => {
        const recipients = [{ n: 0, outcome: REFUSED, state: "parked", owes: "failed" }] as const;
        return store.work.settle({ id, token, recipients, now });
      }),
    );
  return mails.map(({ id }) => id);
}

async function owed({ work, clock }: SqliteStore): Promise<readonly string[]> {
  return (await work.owed({ limit: 1000, now: clock.now() })).map(({ id }) => id);
}

it("lists owed notices with at most 8 MiB of bodies at once", async () => {
  await using store = await openSqliteStore();
  await owe(store, 514, Buffer.alloc(16_384, "x"));
  assert.equal((await owed(store)).length, 512);
});

it("skips an owed notice whose mail's row is missing, and lists the others", async () => {
  const disk = new FlakyDisk();
  await using store = await openSqliteStore({ disk });
  const [lost, sound] = await owe(store, 2, Buffer.from("x"));
  disk.opened[0]?.prepare("DELETE FROM message WHERE id = ?").run(lost);
  assert.deepEqual(await owed(store), [sound]);
});
