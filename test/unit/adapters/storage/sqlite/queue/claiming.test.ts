import assert from "node:assert/strict";
import { it } from "node:test";
import { loggerTo } from "../../../../../../src/runtime/log.ts";
import { accept, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

it("holds the recipients of a mail whose row is missing, and claims the other mails", async () => {
  const disk = new FlakyDisk();
  const logged: string[] = [];
  const log = loggerTo((level, text) => logged.push(`${level}: ${text}`));
  await using store = await openSqliteStore({ disk, log });
  const [lost, sound] = [newMail(store.clock.now()), newMail(store.clock.now())];
  for (const mail of [lost, sound]) await accept(store.intake, mail);
  const [database] = disk.opened;
  assert.ok(database !== undefined);
  database.pragma("foreign_keys = OFF");
  const key = database.prepare<[string], number>("SELECT key FROM message WHERE id = ?").pluck().get(lost.id);
  database.prepare("DELETE FROM message WHERE key = ?").run(key);
  const request = { domain: "one.test", limit: 9, now: store.clock.now() };
  assert.deepEqual(
    (await store.work.claim(request)).map(({ id }) => id),
    [sound.id],
  );
  const held = database.prepare("SELECT state, reason, token FROM recipient WHERE mail = ?").get(key);
  assert.deepEqual({ ...(held as object) }, { state: "held", reason: "damaged", token: null });
  assert.ok(logged.includes("error: recipients of a missing mail are held"));
  assert.deepEqual(await store.work.claim(request), []);
});

it("claims at most 8 MiB of bodies at once, and the rest with the next claim", async () => {
  await using store = await openSqliteStore();
  const body = Buffer.alloc(16_384, "x");
  const mails = Array.from({ length: 514 }, () => newMail(store.clock.now()));
  await Promise.all(mails.map((mail) => accept(store.intake, mail, body)));
  const claim = async () =>
    (await store.work.claim({ domain: "one.test", limit: 1000, now: store.clock.now() })).length;
  assert.deepEqual([await claim(), await claim()], [512, 2]);
});
