import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs, { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { openLogFile } from "../../../../src/adapters/journal/log-file.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import { waitFor } from "../../../support/wait.ts";

function eventsIn(file: string): readonly string[] {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return [...text.matchAll(/"event":"(\w+)"/g)].map(([, event = ""]) => event);
}

test("log lines for which a slow disk leaves no room are counted one by one; all others are written", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const log = openLogFile({ file, level: "info" });
  const members = `"text":"${"x".repeat(1000)}"`;
  const lines = 20_000;
  // In one turn of the loop, so that nothing leaves while they come.
  for (let n = 0; n < lines; n += 1) log.write("info", 0, "line", members);
  await log.close();
  const written = readFileSync(file, "utf8").split("\n").length - 1;
  assert.ok(log.dropped() > 0);
  assert.equal(written + log.dropped(), lines);
  log.write("info", 0, "after its end", members);
  assert.equal(log.wants("error"), false);
});

test("if the log cannot be reopened, that is logged in the old file, which is closed once the new one is open", async (t) => {
  await using folder = await tempFolder();
  const logs = join(folder.path, "logs");
  const file = join(logs, "holdfast.log");
  mkdirSync(logs);
  const told: string[] = [];
  const log = openLogFile({ file, level: "info", kept: (why) => void told.push(why) });
  const closed = t.mock.method(fs, "close").mock;
  log.write("info", 0, "before", "");
  await waitFor({ what: "its line", deadline: 10_000 }, () => eventsIn(file).length === 1);
  renameSync(logs, `${logs}.old`);
  for (const failures of [1, 2]) {
    log.reopen();
    await waitFor({ what: "it is told", deadline: 10_000 }, () => told.length === failures);
  }
  assert.match(told.join(), /^ENOENT/);
  log.write("info", 0, "meanwhile", "");
  mkdirSync(logs);
  log.reopen();
  log.write("info", 0, "after", "");
  await waitFor({ what: "the new file", deadline: 10_000 }, () => existsSync(file));
  await log.close();
  const old = eventsIn(join(`${logs}.old`, "holdfast.log"));
  assert.deepEqual([...old, ...eventsIn(file)], ["before", "meanwhile", "after"]);
  const files = closed.calls.map((call) => call.arguments[0]);
  assert.deepEqual(files, [...new Set(files)]);
  assert.equal(log.dropped(), 0);
});

test("a log that is closed while it is reopened loses nothing", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const log = openLogFile({ file, level: "info" });
  log.write("info", 0, "before", "");
  await waitFor({ what: "its line", deadline: 10_000 }, () => eventsIn(file).length === 1);
  log.write("info", 0, "first", "");
  // While its line is being written.
  log.reopen();
  log.write("info", 0, "last", "");
  await log.close();
  assert.deepEqual(eventsIn(file), ["before", "first", "last"]);
});

test("the last lines of a process are written even if it ends at once", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const source = new URL("../../../../src/adapters/journal/log-file.ts", import.meta.url);
  const script = `
    const { openLogFile } = await import(${JSON.stringify(source.href)});
    const log = openLogFile({ file: ${JSON.stringify(file)}, level: "info" });
    setTimeout(() => {
      log.write("error", 0, "the reason", "");
      process.exit(1);
    }, 50);`;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script]);
  assert.equal(status, 1);
  assert.match(readFileSync(file, "utf8"), /"event":"the reason"/);
});

for (const [how, end] of [
  ["at once", "process.exit(1)"],
  ["in order", "log.close().then(() => (process.exitCode = 1))"],
])
  test(`a process whose log cannot be written still ends ${how}`, () => {
    const source = new URL("../../../../src/adapters/journal/log-file.ts", import.meta.url);
    const script = `
      const { openLogFile } = await import(${JSON.stringify(source.href)});
      const log = openLogFile({ file: "/dev/full", level: "info" });
      log.write("info", 0, "a line", "");
      setTimeout(() => ${end}, 300);`;
    const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      timeout: 20_000,
    });
    assert.equal(status, 1);
  });

test("a reader of the log that has gone does not delay the end, and the lost lines are counted", async () => {
  const source = new URL("../../../../src/adapters/journal/log-file.ts", import.meta.url);
  const script = `
    const { openLogFile } = await import(${JSON.stringify(source.href)});
    const log = openLogFile({ level: "info" });
    const write = () => {
      log.write("info", 0, "a line", "");
      return new Promise((resolve) => setTimeout(resolve, 20));
    };
    while (log.dropped() === 0) await write();
    const before = log.dropped();
    while (log.dropped() < before + 2) await write();
    await log.close();`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { timeout: 20_000 });
  child.stdout.destroy();
  const told = text(child.stderr);
  const [code] = (await once(child, "close")) as [number | null];
  assert.deepEqual({ code, told: await told }, { code: 0, told: "" });
});

test("lines of any length and script are written complete and in order", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const log = openLogFile({ file, level: "info" });
  const texts = ["short", "ü€😀".repeat(1000), "x".repeat(100_000), "behind", "é".repeat(30_000), "last"];
  for (const text of texts) log.write("info", 0, "line", `"text":${JSON.stringify(text)}`);
  await log.close();
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).text),
    texts,
  );
});

test("lines start with a syslog priority if standard output goes to systemd's journal", async () => {
  await using folder = await tempFolder();
  const source = new URL("../../../../src/adapters/journal/log-file.ts", import.meta.url);
  const script = `
    const { openLogFile } = await import(${JSON.stringify(source.href)});
    const log = openLogFile({ level: "debug" });
    for (const level of ["debug", "info", "warn", "error"]) log.write(level, 0, "line", "");
    await log.close();`;
  const beginnings = (journal: (stdout: number) => string): readonly string[] => {
    const file = join(folder.path, "out");
    const stdout = openSync(file, "w");
    const env = { ...process.env, JOURNAL_STREAM: journal(stdout) };
    const words = ["--input-type=module", "--eval", script];
    spawnSync(process.execPath, words, { env, stdio: ["ignore", stdout, "inherit"] });
    closeSync(stdout);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    return lines.map((line) => line.slice(0, line.indexOf(",")));
  };
  const plain = ["debug", "info", "warn", "error"].map((level) => `{"level":"${level}"`);
  assert.deepEqual(
    beginnings((stdout) => `${fstatSync(stdout).dev}:${fstatSync(stdout).ino}`),
    [`<7>${plain[0]}`, `<6>${plain[1]}`, `<4>${plain[2]}`, `<3>${plain[3]}`],
  );
  assert.deepEqual(
    beginnings(() => "9:1"),
    plain,
  );
});
