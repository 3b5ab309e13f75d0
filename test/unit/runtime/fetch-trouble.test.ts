import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchTrouble } from "../../../src/runtime/fetch-trouble.ts";

function failed(cause: unknown): TypeError {
  return new TypeError("fetch failed", { cause });
}

test("the text of a failed request contains its cause", () => {
  assert.equal(
    fetchTrouble(failed(new Error("getaddrinfo ENOTFOUND a.test"))),
    "getaddrinfo ENOTFOUND a.test",
  );
  assert.equal(fetchTrouble(new Error("it answered 500")), "it answered 500");
  assert.equal(fetchTrouble(failed(undefined)), "fetch failed");
  const ended = Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" });
  assert.equal(fetchTrouble(failed(ended)), "the connection broke off before the answer was whole");
});

test("for a host with several addresses, the text contains each different cause once", () => {
  const troubles = [
    "connect ECONNREFUSED ::1:80",
    "connect ECONNREFUSED 127.0.0.1:80",
    "connect ECONNREFUSED ::1:80",
  ];
  const cause = new AggregateError(troubles.map((trouble) => new Error(trouble)));
  assert.equal(cause.message, "");
  assert.equal(fetchTrouble(failed(cause)), "connect ECONNREFUSED ::1:80; connect ECONNREFUSED 127.0.0.1:80");
});
