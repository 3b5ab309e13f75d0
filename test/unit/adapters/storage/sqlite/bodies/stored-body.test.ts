/** What the disk changed never leaves as if it were the mail that was accepted. */
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

/** Reads it twice: another attempt is told the same. */
async function tells(store: SqliteStore, why: RegExp): Promise<void> {
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

/** Another first letter, wherever it lies. */
async function damage({ database, file }: Stored): Promise<void> {
  const inRow = database.prepare("UPDATE body SET content = CAST('X' || substr(content, 2) AS BLOB)").run();
  if (inRow.changes > 0) return;
  await using handle = await open(file, "r+");
  await handle.write("X", 0);
}

describe("a body in a row", () => {
  it("with another octet is damaged", async () => {
    await using store = await openWith(SMALL);
    store.database.exec("UPDATE body SET content = CAST('S' || substr(content, 2) AS BLOB)");
    await tells(store, /another checksum/);
  });

  it("of which the recorded size is wrong is damaged: BDAT would announce that", async () => {
    await using store = await openWith(SMALL);
    store.database.exec("UPDATE message SET size = 2999");
    await tells(store, /has 3000 octets instead of 2999/);
  });

  it("that is gone is damaged", async () => {
    await using store = await openWith(SMALL);
    store.database.exec("DELETE FROM body");
    await tells(store, /is gone/);
  });
});

describe("a body in a file", () => {
  it("leaves no file open once it was read", async () => {
    await using store = await openWith(LARGE);
    assert.ok((await bodyOf(await claimOne(store))).equals(LARGE));
    assert.deepEqual(openAs(store.file), []);
  });

  it("with a flipped bit is damaged", async () => {
    await using store = await openWith(LARGE);
    await flipBit(store.file, 150_000);
    await tells(store, /another checksum/);
  });

  it("that was cut off is damaged", async () => {
    await using store = await openWith(LARGE);
    truncateSync(store.file, 150_000);
    await tells(store, /has 150000 octets instead of 200000/);
  });

  it("that was claimed as it came is read from the disk, so that is compared, too", async () => {
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
    it(`is compared, too, where it is ${what}`, async () => {
      await using store = await openWith(content);
      const mail = await claimOne(store);
      const recipients = [{ n: 0, state: "parked", outcome: REFUSED, owes: "failed" }] as const;
      const now = store.clock.now();
      assert.ok(await store.work.settle({ id: mail.id, token: mail.token, recipients, now }));
      await damage(store);
      const [owed] = await store.work.owed({ limit: 1, now });
      const { body } = owed ?? assert.fail("nothing is owed");
      await assert.rejects(
        async () => await bodyOf({ body: body ?? assert.fail("it is there") }),
        BodyDamaged,
      );
    });
});

describe("a body that is exported", () => {
  for (const [what, content] of [
    ["a row", SMALL],
    ["a file", LARGE],
  ] as const)
    it(`is compared before the first octet, where it is ${what}, and given as it is when asked for`, async () => {
      await using store = await openWith(content);
      const { id } = await claimOne(store);
      const top = "Received: by mx2.example.net\r\n";
      const whole = await buffer((await store.reader.export(id)) ?? assert.fail("it is there"));
      assert.equal(whole.toString(), top + content.toString());
      await damage(store);
      await assert.rejects(store.reader.export(id), BodyDamaged);
      const left = await buffer((await store.reader.export(id, true)) ?? assert.fail("it is there"));
      assert.equal(left.toString(), `${top}X${content.toString().slice(1)}`);
    });

  it("ends in an error where it changes while it goes out", async () => {
    await using store = await openWith(LARGE);
    const { id } = await claimOne(store);
    const mail = (await store.reader.export(id)) ?? assert.fail("it is there");
    await flipBit(store.file, 150_000);
    await assert.rejects(buffer(mail), BodyDamaged);
  });

  it("that was cut off is given as far as it goes", async () => {
    await using store = await openWith(LARGE);
    const { id } = await claimOne(store);
    truncateSync(store.file, 150_000);
    await assert.rejects(store.reader.export(id), /150000 octets instead of 200000/);
    const left = await buffer((await store.reader.export(id, true)) ?? assert.fail("it is there"));
    assert.ok(left.subarray(-150_000).equals(LARGE.subarray(0, 150_000)));
  });
});

it("holds recipients of a mail that is not there, and goes on with the others", async () => {
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
