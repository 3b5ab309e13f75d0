import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RefusedMails } from "../../../../../../src/adapters/storage/sqlite/writer/refused-mails.ts";
import { SILENT } from "../../../../../support/silent-log.ts";
import { tempFolder } from "../../../../../support/temp-folder.ts";

test("the ids of refused mails are known to the next process until they are removed", async () => {
  await using folder = await tempFolder();
  const open = (): RefusedMails => new RefusedMails(folder.path, SILENT);
  const note = join(folder.path, "refused");
  const first = open();
  first.add([]);
  assert.deepEqual([first.ids, existsSync(note)], [[], false]);
  first.add(["1a"]);
  first.add(["2b", "1a"]);
  assert.deepEqual(
    [first.ids, open().ids],
    [
      ["1a", "2b"],
      ["1a", "2b"],
    ],
  );
  const next = open();
  next.forget();
  assert.deepEqual([next.ids, open().ids, existsSync(note)], [[], [], false]);
  next.add(["3c"]);
  assert.deepEqual(open().ids, ["3c"], "only the new id");
  writeFileSync(note, "1a\n2");
  assert.deepEqual(open().ids, ["1a"], "an incomplete line is ignored");
});
