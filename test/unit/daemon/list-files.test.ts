import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig, type Config } from "../../../src/config/config.ts";
import { ListFiles } from "../../../src/daemon/list-files.ts";
import type { DeclaredDomain, DirectoryWriter } from "../../../src/ports/directory.ts";
import type { JournalEvent } from "../../../src/ports/journal.ts";
import { DirectoryEditor } from "../../../src/services/directory/directory.ts";
import { FakeDirectory } from "../../support/fake-directory.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const TEXT = `hostname: mx2.example.net
smtp: { listen: ["127.0.0.1:2525"] }
domains: { a.example: { primary: { host: m.example }, recipients: { file: users.txt } } }
`;

/** A followed file with alice and bob: the list in effect, and the events in the journal. */
async function followed(folder: string) {
  const [file, list] = [join(folder, "holdfast.yaml"), join(folder, "users.txt")];
  await writeFile(file, TEXT);
  await writeFile(list, "alice\nbob\n");
  const loaded = loadConfig(file);
  assert.ok(loaded.ok);
  let config: Config = loaded.config;
  const told: JournalEvent[] = [];
  const declared: (readonly DeclaredDomain[])[] = [];
  const store: { failure?: Error } = {};
  const writer: Partial<DirectoryWriter> = {
    declare: async (domains) => {
      if (store.failure !== undefined) throw store.failure;
      declared.push(domains);
      return { generation: 2, added: [], changed: [], draining: [], removed: [] };
    },
  };
  const clock = new ManualClock(0);
  const files = new ListFiles({
    clock,
    editor: new DirectoryEditor(writer as DirectoryWriter, new FakeDirectory()),
    journal: { record: (event) => void told.push(event) },
    alter: async (alter) => void (config = await alter(config)),
  });
  return {
    files,
    told,
    declared,
    store,
    clock,
    write: (text: string) => writeFile(list, text),
    inForce: () => config.domains[0]?.recipients,
    /** Runs after all files have been looked at, and before any is read. */
    betweenLookAndRead: (act: () => void) => {
      const last = { ...config.domains[0], name: "b.example" };
      Object.defineProperty(last, "recipientsFile", { get: () => void act() });
      config = { ...config, domains: [...config.domains, last as DeclaredDomain] };
    },
    config: () => config,
    reload: (text: string) => {
      writeFileSync(file, text);
      const again = loadConfig(file, config);
      assert.ok(again.ok);
      config = again.config;
    },
  };
}

test("a changed list takes effect once two successive looks found it the same", async () => {
  await using folder = await tempFolder();
  const { files, told, write, inForce } = await followed(folder.path);
  for (const half of ["", "alice\n", "alice\nbo"]) {
    await write(half);
    await files.look();
    assert.deepEqual(inForce(), ["alice", "bob"]);
  }
  await write("alice\nbob\ncarol\n");
  await files.look();
  assert.deepEqual(inForce(), ["alice", "bob"]);
  await files.look();
  assert.deepEqual(inForce(), ["alice", "bob", "carol"]);
  assert.deepEqual(told, [{ kind: "recipients.fetched", domain: "a.example", entries: 3 }]);
});

test("a list that is being written again when it is read does not take effect", async () => {
  await using folder = await tempFolder();
  const { files, told, write, inForce, betweenLookAndRead } = await followed(folder.path);
  await write("alice\nbob\ncarol\n");
  await files.look();
  let text: string | undefined;
  const list = join(folder.path, "users.txt");
  betweenLookAndRead(() => text !== undefined && writeFileSync(list, text));
  for (text of ["", "alice\n"]) {
    await files.look();
    assert.deepEqual([inForce(), told], [["alice", "bob"], []]);
  }
  text = undefined;
  for (let looks = 0; looks < 2; looks++) await files.look();
  assert.deepEqual(inForce(), ["alice"]);
});

test("a list that was emptied or has a mistake is reported once, and the previous list stays in effect", async () => {
  await using folder = await tempFolder();
  const { files, told, declared, write, inForce } = await followed(folder.path);
  await write("# nobody\n");
  for (let looks = 0; looks < 4; looks++) await files.look();
  assert.deepEqual(inForce(), ["alice", "bob"]);
  const why = `${join(folder.path, "users.txt")} no longer lists any recipient; fill it again, or run \`holdfast reload\` if that is intended`;
  assert.deepEqual(told, [{ kind: "recipients.stuck", domain: "a.example", why }]);
  assert.equal(files.trouble("a.example"), why);
  await write("alice\nb ob\n");
  for (let looks = 0; looks < 4; looks++) await files.look();
  assert.deepEqual(inForce(), ["alice", "bob"]);
  assert.equal(told.length, 2, "a mistake is told of once, too");
  assert.deepEqual(declared, []);
  assert.match(files.trouble("a.example") ?? "", /users\.txt:2:1: /);
  await write("dave\n");
  for (let looks = 0; looks < 2; looks++) await files.look();
  assert.deepEqual(inForce(), ["dave"]);
  assert.equal(files.trouble("a.example"), undefined);
});

test("a changed list that was last written two seconds ago takes effect at the first look", async () => {
  await using folder = await tempFolder();
  const { files, clock, write, inForce } = await followed(folder.path);
  await write("erin\n");
  const { mtimeMs } = await stat(join(folder.path, "users.txt"));
  clock.advance(Math.floor(mtimeMs) + 1000);
  await files.look();
  assert.deepEqual(inForce(), ["alice", "bob"]);
  await write("frank\n");
  clock.advance(60_000);
  await files.look();
  assert.deepEqual(inForce(), ["frank"]);
});

test("a list that is missing at one look only, while it is being replaced, is not reported", async () => {
  await using folder = await tempFolder();
  const { files, clock, told, write, inForce } = await followed(folder.path);
  clock.advance(60_000);
  await rm(join(folder.path, "users.txt"));
  await files.look();
  await write("grace\n");
  for (let looks = 0; looks < 2; looks++) await files.look();
  assert.deepEqual(inForce(), ["grace"]);
  assert.ok(told.every(({ kind }) => kind === "recipients.fetched"));
});

test("a list that the directory fails to store takes effect at a later look", async () => {
  await using folder = await tempFolder();
  const { files, told, declared, store, write, inForce, config } = await followed(folder.path);
  const before = config();
  await write("carol\n");
  await files.look();
  store.failure = new Error("the store is out of order");
  await assert.rejects(files.look(), /out of order/);
  assert.deepEqual([inForce(), told], [["alice", "bob"], []]);
  delete store.failure;
  await files.look();
  const { domains } = config();
  const recipientsFile = domains[0]?.recipientsFile;
  assert.deepEqual(config(), {
    ...before,
    domains: [{ ...before.domains[0], recipients: ["carol"], recipientsFile }],
  });
  assert.deepEqual(declared, [domains]);
  await files.look();
  assert.equal(declared.length, 1, "nothing has changed since");
});

test("a list that is restored after a mistake is no longer reported as unusable", async () => {
  await using folder = await tempFolder();
  const { files, told, write, inForce } = await followed(folder.path);
  const [list, aside] = ["users.txt", "aside"].map((name) => join(folder.path, name)) as [string, string];
  await rename(list, aside);
  await write("alice\nb ob\n");
  for (let looks = 0; looks < 3; looks++) await files.look();
  assert.notEqual(files.trouble("a.example"), undefined);
  await rename(aside, list);
  await files.look();
  assert.deepEqual([files.trouble("a.example"), inForce()], [undefined, ["alice", "bob"]]);
  assert.equal(told.length, 1);
});

test("a domain whose file was removed from the configuration no longer reports trouble with it", async () => {
  for (const domains of [
    "a.example: { primary: { host: m.example }, recipients: [alice] }",
    "b.example: { primary: { host: m.example }, recipients: [alice] }",
  ]) {
    await using folder = await tempFolder();
    const { files, write, reload } = await followed(folder.path);
    await write("alice\nb ob\n");
    for (let looks = 0; looks < 2; looks++) await files.look();
    assert.notEqual(files.trouble("a.example"), undefined);
    reload(TEXT.replace(/^domains: .*$/m, `domains: { ${domains} }`));
    await files.look();
    assert.equal(files.trouble("a.example"), undefined, domains);
  }
});

test("a list from a pipe is read only at the start and at a reload", async () => {
  await using folder = await tempFolder();
  const { files, told, inForce, reload } = await followed(folder.path);
  const pipe = join(folder.path, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const name of ["carol", "dave"]) {
    const writer = spawn("sh", ["-c", `echo ${name} > "$0"`, pipe], { stdio: "ignore" });
    const ended = once(writer, "exit");
    reload(TEXT.replace("users.txt", "pipe"));
    await ended;
    for (let looks = 0; looks < 3; looks++) await files.look();
    assert.deepEqual([inForce(), told], [[name], []]);
  }
});

test("a list that cannot be used keeps its previous content while another list is read", async () => {
  await using folder = await tempFolder();
  const { files, write, reload, config } = await followed(folder.path);
  const second = "b.example: { primary: { host: m.example }, recipients: { file: more.txt } }";
  await writeFile(join(folder.path, "more.txt"), "carol\n");
  reload(TEXT.replace(/ \}\n$/, `, ${second} }\n`));
  await write("alice\nb ob\n");
  await writeFile(join(folder.path, "more.txt"), "dave\n");
  for (let looks = 0; looks < 2; looks++) await files.look();
  const lists = config().domains.map(({ recipients }) => recipients);
  assert.deepEqual(lists, [["alice", "bob"], ["dave"]]);
});

test("a list that was empty before and is still empty is not reported", async () => {
  await using folder = await tempFolder();
  const { files, told, write, reload, inForce } = await followed(folder.path);
  await write("# nobody\n");
  reload(TEXT);
  assert.deepEqual(inForce(), []);
  await write("# nobody yet\n");
  for (let looks = 0; looks < 2; looks++) await files.look();
  assert.equal(files.trouble("a.example"), undefined);
  assert.deepEqual(told, [{ kind: "recipients.fetched", domain: "a.example", entries: 0 }]);
});
