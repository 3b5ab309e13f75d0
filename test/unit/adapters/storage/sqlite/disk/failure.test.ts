import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "../../../../../../src/adapters/storage/sqlite/disk/failure.ts";
import { systemError } from "./file-faults.ts";

test("an error's code decides whether the disk is sick, the disk is full, or only the job failed", () => {
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

test("the message for EDQUOT names the disk quota, because Node has no text for it", () => {
  assert.equal(failureOf(systemError("EDQUOT")).message, "the disk quota is used up");
});
