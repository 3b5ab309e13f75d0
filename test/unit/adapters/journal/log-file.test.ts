import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openLogFile } from "../../../../src/adapters/journal/log-file.ts";
import { tempFolder } from "../../../support/temp-folder.ts";

test("lines that a slow disk leaves no room for are counted one by one; all others are written", async () => {
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

test("what a process said last is written although it ends at once", async () => {
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
  test(`a process whose log finds no room ends ${how} all the same`, () => {
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

test("lines of any length and script are written whole, in their order", async () => {
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

test("systemd's journal learns how grave a line is, where standard output goes there", async () => {
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
