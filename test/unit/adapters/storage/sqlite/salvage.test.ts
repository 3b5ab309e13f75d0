import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import Database from "better-sqlite3";
import { accept, newMail } from "../../../../contract/mails.ts";
import { openSqliteStore } from "../../../../contract/sqlite-harness.ts";
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

/** Overwrites pages in the middle, where bodies lie. */
function damage(file: string): void {
  const descriptor = openSync(file, "r+");
  const rubbish = Buffer.alloc(16_384, "rubbish ");
  writeSync(descriptor, rubbish, 0, rubbish.length, Math.floor(statSync(file).size / 2 / 4096) * 4096);
}

it(
  "is saved from damage by the commands of the guide, but for what lay in the damaged pages",
  { skip },
  async () => {
    await using folder = await tempFolder();
    const file = join(folder.path, "queue.sqlite");
    await using store = await openSqliteStore();
    const body = Buffer.alloc(4000, "body ");
    for (let n = 0; n < MAILS; n++)
      await accept(store.intake, newMail(store.clock.now(), { id: `m${n}` }), body);
    await store.writer.close();
    renameSync(join(store.folder, "queue.sqlite"), file);
    damage(file);
    execFileSync("sh", ["-ec", commands()], { cwd: folder.path, stdio: ["ignore", "ignore", "ignore"] });
    renameSync(join(folder.path, "saved.sqlite"), file);
    const saved = new Database(file, { readonly: true });
    const count = (table: string): number =>
      saved.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
    assert.equal(saved.pragma("integrity_check", { simple: true }), "ok");
    assert.equal(saved.pragma("auto_vacuum", { simple: true }), INCREMENTAL);
    const mails = count("message");
    const lost = readFileSync(join(folder.path, "lost.txt"), "utf8")
      .split("\n")
      .filter((line) => line !== "").length;
    assert.ok(mails >= MAILS - 40, `${mails} mails`);
    assert.deepEqual([mails + lost, count("recipient")], [MAILS, mails]);
    assert.ok(count("body") >= MAILS - 40 && count("body") < MAILS, `${count("body")} bodies`);
    saved.close();
    await using again = await openSqliteStore({ folder: folder.path, clock: store.clock });
    assert.equal((await again.reader.counts())[0]?.recipients, mails);
  },
);
