import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { it } from "node:test";
import Database from "better-sqlite3";
import { SETTINGS, accept, newMail } from "../../../../contract/mails.ts";
import { openSqliteStore, type SqliteStore } from "../../../../contract/sqlite-harness.ts";
import { tempFolder } from "../../../../support/temp-folder.ts";

const GUIDE = new URL("../../../../../docs/operating.md", import.meta.url);
const INCREMENTAL = 2;
/** Sizes in bytes of bodies that are stored in a row, in a segment and in a file of their own. */
const SIZES = [16_000, 40_000, 100_000] as const;
/** The timeout of a backup, in ms. */
const PATIENCE = 20_000;
const skip = spawnSync("sqlite3", ["--version"]).error === undefined ? false : "needs Debian's sqlite3";

/** Runs the guide's backup commands; returns false if they fail or time out. */
function backUp(cwd: string): Promise<boolean> {
  const [, commands = ""] = /```sh\n(umask 077[\s\S]*?)```/.exec(readFileSync(GUIDE, "utf8")) ?? [];
  const shell = spawn("sh", ["-c", commands], { cwd, stdio: "ignore", timeout: PATIENCE });
  return new Promise((resolve) => shell.once("close", (code) => resolve(code === 0)));
}

const bodyOf = (id: string, size: number): Buffer => Buffer.alloc(size, `${id} `);

async function holds({ reader }: SqliteStore, id: string, size: number): Promise<boolean> {
  const mail = await reader.export(id);
  return mail !== undefined && (await buffer(mail)).subarray(-size).equals(bodyOf(id, size));
}

it("the guide's backup commands copy a busy store completely, each time", { skip }, async () => {
  await using home = await tempFolder();
  await using store = await openSqliteStore({ folder: join(home.path, "data") });
  const send = (id: string, size: number): Promise<unknown> =>
    accept(store.intake, newMail(store.clock.now(), { id }), bodyOf(id, size));
  const sent = SIZES.map((size, n) => [`m${n}`, size] as const);
  for (const [id, size] of sent) await send(id, size);
  // Enough pages that mail arrives while they are copied.
  for (let n = 0; n < 40; n++)
    await Promise.all(Array.from({ length: 100 }, (_, at) => send(`more${n}-${at}`, 16_000)));
  const copied = backUp(home.path);
  for (let n = 0; typeof (await Promise.race([copied, send(`meanwhile${n}`, 100)])) !== "boolean";) n += 1;
  assert.ok(await copied, "the copy is made");
  await store.control.operate({ verb: "delete", filter: { id: "m2" }, who: "x", now: store.clock.now() });
  assert.ok(await backUp(home.path), "the next copy is made");
  await store.writer.close();
  const folder = join(home.path, "backup");
  await using restored = await openSqliteStore({ folder, clock: store.clock });
  for (const [id, size] of [...sent.slice(0, 2), ["more39-99", 16_000]] as const)
    assert.ok(await holds(restored, id, size), id);
  assert.equal(await restored.reader.export("m2"), undefined);
  const spooled = (of: string): readonly string[] => readdirSync(join(of, "spool")).toSorted();
  assert.deepEqual(spooled(folder), spooled(store.folder));
  const database = new Database(join(folder, "queue.sqlite"), { readonly: true });
  assert.equal(database.pragma("auto_vacuum", { simple: true }), INCREMENTAL);
  database.close();
});

it("after a restore, the guide's command pauses every domain until an operator resumes it", async () => {
  const [, command = ""] =
    /^sqlite3 data\/queue\.sqlite '(INSERT .*)'$/m.exec(readFileSync(GUIDE, "utf8")) ?? [];
  await using store = await openSqliteStore();
  await store.control.declare([{ name: "one.test", settings: SETTINGS, recipients: ["a"] }]);
  await store.control.addDomain({ name: "two.test", settings: SETTINGS });
  await store.writer.close();
  const copy = new Database(join(store.folder, "queue.sqlite"));
  copy.exec(command);
  copy.close();
  await using restored = await openSqliteStore({ folder: store.folder, clock: store.clock });
  const { directory, control } = restored;
  const paused = (name: string) => directory.domain(name, directory.generation())?.paused;
  assert.deepEqual([paused("one.test"), paused("two.test")], [true, true]);
  await control.setPaused("one.test", false);
  assert.deepEqual([paused("one.test"), paused("two.test")], [false, true]);
});
