import assert from "node:assert/strict";
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

test("of what cannot be read it is said why, and what would be right", async () => {
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
