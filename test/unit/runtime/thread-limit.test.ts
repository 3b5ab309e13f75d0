import assert from "node:assert/strict";
import { test } from "node:test";
import { explainNoThread, requireThreads, TooFewThreads } from "../../../src/runtime/thread-limit.ts";

const REMEDY = "allow 64 more than the other programs of this user need: ulimit -u in a shell, ";

test("a limit on threads too low for the daemon is an error before it starts", () => {
  assert.throws(
    () => requireThreads(2, 15),
    (error) => {
      assert.ok(error instanceof TooFewThreads);
      const words = "this user may have 15 processes and threads (ulimit -u), and the daemon alone has 16; ";
      assert.ok(error.message.startsWith(words + REMEDY), error.message);
      return true;
    },
  );
  requireThreads(2, 16);
  requireThreads(2, Number.POSITIVE_INFINITY);
});

test("an error that the system makes no thread contains the remedy; other errors stay as they are", () => {
  const refused = Object.assign(new Error("EAGAIN"), { code: "ERR_WORKER_INIT_FAILED" });
  const told = explainNoThread("reader", refused) as Error;
  const words = "the reader thread could not be made: the system allows no further one; ";
  assert.ok(told.message.startsWith(words + REMEDY), told.message);
  const bug = new TypeError("no entry");
  assert.equal(explainNoThread("reader", bug), bug);
});
