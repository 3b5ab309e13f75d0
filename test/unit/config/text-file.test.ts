import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { accessFault, readText } from "../../../src/config/text-file.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("text is read without its byte order mark", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "a");
  await writeFile(file, "\ufeffé");
  assert.deepEqual(readText(file, 100), { text: "é" });
});

test("a file that cannot be read is reported with the reason and the remedy", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "a");
  await writeFile(file, Buffer.from([0x61, 0xe9]));
  assert.deepEqual(readText(file, 100), {
    fault: { wrong: "is not UTF-8 text", right: "save it as UTF-8" },
  });
  const text = "x".repeat(10_001);
  await writeFile(file, text);
  assert.deepEqual(readText(file, 10_001), { text });
  assert.deepEqual(readText(file, 10_000), {
    fault: { wrong: "is too large", right: "keep it at 10 KB or less" },
  });
  assert.deepEqual(readText(folder.path, 100), { fault: { wrong: "is a folder", right: "name a file" } });
  assert.deepEqual(readText(join(file, "b"), 100), {
    fault: { wrong: "does not exist", right: "check the path" },
  });
  assert.equal(accessFault({ code: "EACCES" }).wrong, "cannot be read: permission denied");
  assert.equal(accessFault({ code: "EIO" }).wrong, "cannot be read (EIO)");
});

test("an endless device is read up to the limit only, and an empty one is an empty text", () => {
  assert.deepEqual(readText("/dev/zero", 1_000_000), {
    fault: { wrong: "is too large", right: "keep it at 1 MB or less" },
  });
  assert.deepEqual(readText("/dev/null", 100), { text: "" });
});

/** A named pipe, and a shell that may write into it; it is killed at the end of the scope. */
function pipeWith(folder: string, shell: string): { readonly pipe: string } & Disposable {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const writer = spawn("sh", ["-c", `exec ${shell}`, pipe], { stdio: "ignore" });
  return { pipe, [Symbol.dispose]: () => void writer.kill("SIGKILL") };
}

test("a named pipe is read to its end, however late and slow its writer is", async () => {
  await using folder = await tempFolder();
  const slowly = 'sleep 0.1; { sleep 0.1; echo alice; sleep 0.1; echo bob; } > "$0"';
  using writer = pipeWith(folder.path, `sh -c '${slowly}' "$0"`);
  assert.deepEqual(readText(writer.pipe, 100), { text: "alice\nbob\n" });
});

for (const [who, shell] of [
  ["nobody writes", "true"],
  ["somebody opens and does not write", 'sleep 60 > "$0"'],
] as const)
  test(`a pipe that ${who} is reported after the time limit`, async () => {
    await using folder = await tempFolder();
    using writer = pipeWith(folder.path, shell);
    const fault = {
      wrong: "is a pipe that did not deliver a whole text within 200 ms",
      right: "name a regular file, or write the text into the pipe",
    };
    assert.deepEqual(readText(writer.pipe, 100, 200), { fault });
  });

test("the output of a program is read through a pipe even if its first byte comes late", () => {
  const { href } = new URL("../../../src/config/text-file.ts", import.meta.url);
  const code = `import("${href}").then(({ readText }) => console.log(readText("/dev/stdin", 100).text))`;
  const shell = '{ sleep 0.3; echo alice; } | "$0" -e "$1"';
  const told = execFileSync("sh", ["-c", shell, process.execPath, code], { encoding: "utf8" });
  assert.equal(told, "alice\n\n");
});
