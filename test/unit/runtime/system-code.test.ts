import assert from "node:assert/strict";
import { constants } from "node:os";
import { it } from "node:test";
import { codeOf } from "../../../src/runtime/system-code.ts";

it("a disk quota that is used up is named EDQUOT for both forms of Node's error", () => {
  const errno = -constants.errno.EDQUOT;
  for (const code of ["UNKNOWN", `Unknown system error ${errno}`])
    assert.equal(codeOf(Object.assign(new Error(), { code, errno })), "EDQUOT");
});

it("other error codes stay as they are, and an error without a code has none", () => {
  const errno = -constants.errno.ENOSPC;
  assert.equal(codeOf(Object.assign(new Error(), { code: "ENOSPC", errno })), "ENOSPC");
  assert.equal(codeOf({ code: "SQLITE_FULL" }), "SQLITE_FULL");
  for (const nameless of [new Error(), { code: 5 }, undefined, null, "EIO"])
    assert.equal(codeOf(nameless), undefined);
});
