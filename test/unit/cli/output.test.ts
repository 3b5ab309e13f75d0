import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { runTool } from "../../../src/cli/cli.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { TextSink, toolWorld } from "../../support/tool-bench.ts";

/** Stdout that takes nothing, as the system says it. */
function broken(code: string): Writable {
  const write = (_chunk: unknown, _encoding: string, done: (error: Error) => void): void =>
    done(Object.assign(new Error(`${code}: write`), { code, syscall: "write" }));
  return new Writable({ write });
}

async function runInto(socket: string, words: readonly string[], stdout: Writable) {
  const [verb = "", ...args] = words;
  const stderr = new TextSink();
  const code = await runTool(verb, args, { socket, stdout, stderr });
  return [code, stderr.text];
}

test("what a full disk did not take is told, and no success", async () => {
  await using tool = await toolWorld();
  for (const words of [
    ["status"],
    ["status", "--json"],
    ["queue", "list", "--help"],
    ["queue", "export", "--all"],
  ])
    assert.deepEqual(
      await runInto(tool.socket, words, broken("ENOSPC")),
      [1, "holdfast: cannot write the output: the disk is full\n"],
      words.join(" "),
    );
});

test("a reader that goes away early is no trouble", async () => {
  await using tool = await toolWorld();
  for (const words of [["status"], ["queue", "export", "--all"]])
    assert.deepEqual(await runInto(tool.socket, words, broken("EPIPE")), [0, ""], words.join(" "));
});

test("a file that takes a part of an answer does not pass for the whole", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "out");
  const source = pathToFileURL(join(import.meta.dirname, "../../../src/cli/output.ts")).href;
  const program = `
    const { standardOutput, Watch } = await import(${JSON.stringify(source)});
    const stdout = standardOutput();
    const watch = new Watch(stdout);
    stdout.write("x".repeat(100_000));
    process.exitCode = (await watch.end()) === undefined ? 0 : 7;`;
  // A limit on the size of files in place of a small disk: 8 blocks of 512 or 1024 bytes.
  const limited = `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1" > "$2"`;
  const run = spawnSync("sh", ["-c", limited, process.execPath, program, file], { encoding: "utf8" });
  assert.deepEqual([run.status, run.stderr], [7, ""]);
  assert.match(await readFile(file, "utf8"), /^x{4096,8192}$/);
  const whole = `exec "$0" --input-type=module -e "$1" > "$2"`;
  assert.equal(spawnSync("sh", ["-c", whole, process.execPath, program, file]).status, 0);
  assert.equal((await readFile(file, "utf8")).length, 100_000);
});

test("the words that need no daemon know a full disk and a reader that goes away, too", () => {
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const run = (sink: string) =>
    spawnSync("bash", ["-c", `"$0" "$1" version ${sink}; exit \${PIPESTATUS[0]}`, process.execPath, main], {
      encoding: "utf8",
    });
  const full = run("> /dev/full");
  assert.deepEqual(
    [full.status, full.stderr],
    [1, "holdfast: cannot write the output: ENOSPC: no space left on device, write\n"],
  );
  const gone = run("| true");
  assert.deepEqual([gone.status, gone.stderr], [0, ""]);
});
