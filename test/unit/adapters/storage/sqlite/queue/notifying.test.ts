import assert from "node:assert/strict";
import { it } from "node:test";
import { accept, newMail, REFUSED } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";

it("tells of no more than 8 MiB of bodies at once", async () => {
  await using store = await openSqliteStore();
  const body = Buffer.alloc(16_384, "x");
  const mails = Array.from({ length: 514 }, () => newMail(store.clock.now()));
  await Promise.all(mails.map((mail) => accept(store.intake, mail, body)));
  const now = store.clock.now();
  for (let claims = await claim(); claims.length > 0; claims = await claim())
    await Promise.all(
      claims.map(({ id, token }) => {
        const recipients = [{ n: 0, outcome: REFUSED, state: "parked", owes: "failed" }] as const;
        return store.work.settle({ id, token, recipients, now });
      }),
    );
  assert.equal((await store.work.owed({ limit: 1000, now })).length, 512);

  function claim() {
    return store.work.claim({ domain: "one.test", limit: 1000, now: store.clock.now() });
  }
});
