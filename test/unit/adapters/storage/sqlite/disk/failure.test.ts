import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "../../../../../../src/adapters/storage/sqlite/disk/failure.ts";
import { systemError } from "./file-faults.ts";

test("a failure belongs to the disk, its room, or the one job, by the code of its error", () => {
  const why = (code: string) => failureOf(systemError(code)).why;
  for (const code of ["ENOSPC", "EDQUOT", "SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"])
    assert.equal(why(code), "full", code);
  for (const code of ["EIO", "EROFS", "SQLITE_IOERR_FSYNC", "SQLITE_CORRUPT_INDEX", "SQLITE_READONLY"])
    assert.equal(why(code), "sick", code);
  for (const code of [
    "EMFILE",
    "ENFILE",
    "ENOMEM",
    "SQLITE_CONSTRAINT_UNIQUE",
    "SQLITE_TOOBIG",
    "ERR_INVALID_ARG_TYPE",
  ])
    assert.equal(why(code), "row", code);
  assert.equal(failureOf(new TypeError("a bug of ours")).why, "row");
});

test("a quota that is used up is named, as Node has no words for it", () => {
  assert.equal(failureOf(systemError("EDQUOT")).message, "the disk quota is used up");
});
