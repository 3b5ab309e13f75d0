import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import Database from "better-sqlite3";
import { accept, newMail } from "../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../contract/sqlite-harness.ts";
import type { ManualClock } from "../../../../support/manual-clock.ts";
import { tempFolder } from "../../../../support/temp-folder.ts";

const MAILS = 200;
const INCREMENTAL = 2;
const GUIDE = new URL("../../../../../docs/operating.md", import.meta.url);
const skip = spawnSync("sqlite3", ["--version"]).error === undefined ? false : "needs Debian's sqlite3";

/** The commands that docs/operating.md gives for a damaged database. */
function commands(): string {
  const [, block] = /\n```sh\ncd data\n([\s\S]*?)\n```\n/.exec(readFileSync(GUIDE, "utf8")) ?? [];
  assert.ok(block !== undefined, "the guide has the commands");
  return block;
}

/** Overwrites pages in the middle of the file, which hold bodies. */
function damage(file: string): void {
  const descriptor = openSync(file, "r+");
  const rubbish = Buffer.alloc(16_384, "rubbish ");
  writeSync(descriptor, rubbish, 0, rubbish.length, Math.floor(statSync(file).size / 2 / 4096) * 4096);
}

interface Damaged {
  readonly folder: string;
  readonly file: string;
  readonly clock: ManualClock;
}

/** Makes a closed database with mails in `folder` and damages it by `damage`. */
async function damaged(folder: string, damage: (file: string) => void): Promise<Damaged> {
  const file = join(folder, "queue.sqlite");
  await using store = await openSqliteStore();
  const body = Buffer.alloc(4000, "body ");
  for (let n = 0; n < MAILS; n++)
    await accept(store.intake, newMail(store.clock.now(), { id: `m${n}` }), body);
  await store.writer.close();
  renameSync(join(store.folder, "queue.sqlite"), file);
  damage(file);
  return { folder, file, clock: store.clock };
}

/** Runs the guide's commands; returns the lines of lost.txt. */
function save({ folder, file }: Damaged): readonly string[] {
  execFileSync("sh", ["-ec", commands()], { cwd: folder, stdio: ["ignore", "ignore", "ignore"] });
  renameSync(join(folder, "saved.sqlite"), file);
  const lines = readFileSync(join(folder, "lost.txt"), "utf8").split("\n");
  return lines.filter((line) => line !== "");
}

/** Overwrites the page in the middle of the table's leaves. */
function damageLeaf(file: string, table: string): void {
  const database = new Database(file, { readonly: true });
  const leaves = database
    .prepare<[string], number>("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
    .pluck()
    .all(table);
  database.close();
  const page = leaves[leaves.length >> 1] ?? 0;
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(4096, "rubbish "), 0, 4096, (page - 1) * 4096);
  closeSync(descriptor);
}

it("the guide's commands save a damaged database, except its damaged pages", { skip }, async () => {
  await using folder = await tempFolder();
  const broken = await damaged(folder.path, damage);
  const lost = save(broken).length;
  const saved = new Database(broken.file, { readonly: true });
  const count = (table: string): number =>
    saved.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
  assert.equal(saved.pragma("integrity_check", { simple: true }), "ok");
  assert.equal(saved.pragma("auto_vacuum", { simple: true }), INCREMENTAL);
  const mails = count("message");
  assert.ok(mails >= MAILS - 40, `${mails} mails`);
  assert.deepEqual([mails + lost, count("recipient")], [MAILS, mails]);
  assert.ok(count("body") >= MAILS - 40 && count("body") < MAILS, `${count("body")} bodies`);
  saved.close();
  await using again = await openSqliteStore({ folder: folder.path, clock: broken.clock });
  assert.equal((await again.reader.counts())[0]?.recipients, mails);
});

it("the guide's commands list the mails whose recipients were lost", { skip }, async () => {
  await using folder = await tempFolder();
  const broken = await damaged(folder.path, (file) => damageLeaf(file, "recipient"));
  const lost = save(broken);
  const saved = new Database(broken.file, { readonly: true });
  const left = saved.prepare<[], number>("SELECT count(*) FROM recipient").pluck().get() ?? 0;
  saved.close();
  assert.equal(left + lost.length, MAILS);
  for (const line of lost) assert.match(line, /^mail without recipients\|m\d+\|/);
});
