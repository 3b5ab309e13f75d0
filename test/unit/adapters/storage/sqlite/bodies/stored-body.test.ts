/** A body that the disk changed is never sent as if it were the accepted mail. */
import assert from "node:assert/strict";
import { readdirSync, truncateSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, it } from "node:test";
import type Database from "better-sqlite3";
import type { ClaimedMail } from "../../../../../../src/ports/work-store.ts";
import { BodyDamaged } from "../../../../../../src/ports/stored-body.ts";
import { accept, bodyOf, claimOne, newMail } from "../../../../../contract/mails.ts";
import { openSqliteStore, type SqliteStore } from "../../../../../contract/sqlite-harness.ts";
import { openAs } from "../disk/file-faults.ts";
import { FlakyDisk } from "../disk/flaky-disk.ts";

const SMALL = Buffer.alloc(3000, "small ");
const LARGE = Buffer.alloc(200_000, "large ");
const REFUSED = { kind: "refused", reply: { code: 550, text: "no such user" } } as const;

interface Stored extends SqliteStore {
  readonly file: string;
  readonly database: Database.Database;
}

async function openWith(content: Buffer): Promise<Stored> {
  const disk = new FlakyDisk();
  const store = await openSqliteStore({ disk });
  await accept(store.intake, newMail(store.clock.now()), content);
  const [name = ""] = readdirSync(join(store.folder, "spool"));
  const [database = assert.fail("nothing is open")] = disk.opened;
  return { ...store, file: join(store.folder, "spool", name), database };
}

/** Reads the body twice: each attempt must report the same damage. */
async function reportsDamage(store: SqliteStore, why: RegExp): Promise<void> {
  const mail = await claimOne(store);
  for (let time = 0; time < 2; time++)
    await assert.rejects(
      async () => await bodyOf(mail),
      (error) => error instanceof BodyDamaged && why.test(error.message),
    );
}

async function flipBit(file: string, at: number): Promise<void> {
  await using handle = await open(file, "r+");
  const octet = Buffer.alloc(1);
  await handle.read(octet, 0, 1, at);
  await handle.write(Buffer.of((octet[0] as number) ^ 4), 0, 1, at);
}

/** Changes the first letter of the body, in its row or in its file. */
async function damage({ database, file }: Stored): Promise<void> {
  const inRow = database.prepare("UPDATE body SET content = CAST('X' || substr(content, 2) AS BLOB)").run();
  if (inRow.changes > 0) return;
  await using handle = await open(file, "r+");
  await handle.write("X", 0);
}

describe("a body in a row", () => {
  it("is reported as damaged if an octet changed", async () => {
    await using store = await openWith(SMALL);
    store.database.exec("UPDATE body SET content = CAST('S' || substr(content, 2) AS BLOB)");
    await reportsDamage(store, /another checksum/);
  });

  it("is reported as damaged if its recorded size, which BDAT announces, is wrong", async () => {
    await using store = await openWith(SMALL);
    store.database.exec("UPDATE message SET size = 2999");
    await reportsDamage(store, /has 3000 octets instead of 2999/);
  });

  it("is reported as damaged if the row is missing", async () => {
    await using store = await openWith(SMALL);
    store.database.exec("DELETE FROM body");
    await reportsDamage(store, /is gone/);
  });
});

describe("a body in a file", () => {
  it("leaves no file open after it was read", async () => {
    await using store = await openWith(LARGE);
    assert.ok((await bodyOf(await claimOne(store))).equals(LARGE));
    assert.deepEqual(openAs(store.file), []);
  });

  it("is reported as damaged if a bit is flipped", async () => {
    await using store = await openWith(LARGE);
    await flipBit(store.file, 150_000);
    await reportsDamage(store, /another checksum/);
  });

  it("is reported as damaged if the file is truncated", async () => {
    await using store = await openWith(LARGE);
    truncateSync(store.file, 150_000);
    await reportsDamage(store, /has 150000 octets instead of 200000/);
  });

  it("is read from the disk and checked, too, if it was claimed by grant on arrival", async () => {
    await using store = await openSqliteStore();
    store.work.grant("one.test", 1);
    const claimed = new Promise<ClaimedMail>((resolve) =>
      store.work.onEvent((event) => void (event.kind === "claimed" && resolve(event.mail))),
    );
    await store.work.work();
    await accept(store.intake, newMail(store.clock.now()), LARGE);
    const [name = ""] = readdirSync(join(store.folder, "spool"));
    await flipBit(join(store.folder, "spool", name), 10);
    const mail = await claimed;
    await assert.rejects(async () => await bodyOf(mail), BodyDamaged);
  });
});

describe("a body that is quoted in a notice", () => {
  for (const [what, content] of [
    ["a row", SMALL],
    ["a file", LARGE],
  ] as const)
    it(`is checked, too, if it is stored in ${what}`, async () => {
      await using store = await openWith(content);
      const mail = await claimOne(store);
      const recipients = [{ n: 0, state: "parked", outcome: REFUSED, owes: "failed" }] as const;
      const now = store.clock.now();
      assert.ok(await store.work.settle({ id: mail.id, token: mail.token, recipients, now }));
      await damage(store);
      const [owed] = await store.work.owed({ limit: 1, now });
      const { body } = owed ?? assert.fail("nothing is owed");
      await assert.rejects(
        async () => await bodyOf({ body: body ?? assert.fail("the mail is missing") }),
        BodyDamaged,
      );
    });
});

describe("a body that is exported", () => {
  for (const [what, content] of [
    ["a row", SMALL],
    ["a file", LARGE],
  ] as const)
    it(`in ${what} is checked before the first octet is sent, and is exported unchecked on request`, async () => {
      await using store = await openWith(content);
      const { id } = await claimOne(store);
      const top = "Received: by mx2.example.net\r\n";
      const whole = await buffer((await store.reader.export(id)) ?? assert.fail("the mail is missing"));
      assert.equal(whole.toString(), top + content.toString());
      await damage(store);
      await assert.rejects(store.reader.export(id), BodyDamaged);
      const left = await buffer((await store.reader.export(id, true)) ?? assert.fail("the mail is missing"));
      assert.equal(left.toString(), `${top}X${content.toString().slice(1)}`);
    });

  it("ends in an error if it changes during the export", async () => {
    await using store = await openWith(LARGE);
    const { id } = await claimOne(store);
    const mail = (await store.reader.export(id)) ?? assert.fail("the mail is missing");
    await flipBit(store.file, 150_000);
    await assert.rejects(buffer(mail), BodyDamaged);
  });

  it("is exported on request as far as it goes if the file is truncated", async () => {
    await using store = await openWith(LARGE);
    const { id } = await claimOne(store);
    truncateSync(store.file, 150_000);
    await assert.rejects(store.reader.export(id), /150000 octets instead of 200000/);
    const left = await buffer((await store.reader.export(id, true)) ?? assert.fail("the mail is missing"));
    assert.ok(left.subarray(-150_000).equals(LARGE.subarray(0, 150_000)));
  });
});

it("holds the recipients of a missing mail, and claims the other mails", async () => {
  await using store = await openWith(SMALL);
  const other = newMail(store.clock.now());
  await accept(store.intake, other);
  store.database.exec("DELETE FROM message WHERE key = 1");
  const claims = await store.work.claim({ domain: "one.test", limit: 9, now: store.clock.now() });
  assert.deepEqual(
    claims.map(({ id }) => id),
    [other.id],
  );
  const held = store.database.prepare("SELECT mail, state, reason FROM recipient WHERE mail = 1").raw().all();
  assert.deepEqual(held, [[1, "held", "damaged"]]);
});
