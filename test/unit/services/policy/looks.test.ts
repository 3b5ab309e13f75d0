import assert from "node:assert/strict";
import { test } from "node:test";
import { reply } from "../../../../src/mail/reply.ts";
import { ACCEPT, accepted, type Verdict } from "../../../../src/mail/verdict.ts";
import type { CheckNote } from "../../../../src/ports/journal.ts";
import { Looks } from "../../../../src/services/policy/policy.ts";

test("the same word for several recipients is one entry, with the longest wait", () => {
  const mail = new Looks();
  for (const took of [3, 20, 1]) {
    const one = new Looks();
    one.note("spf", "rcpt", ACCEPT, 7);
    one.note("dnsbl", "rcpt", accepted("not listed"), took);
    mail.join(one);
  }
  const defer: Verdict = { kind: "defer", reply: reply(451, "4.7.1", "later") };
  mail.note("greylist", "rcpt", defer, 1);
  assert.deepEqual(JSON.parse(mail.packed() ?? ""), [
    ["spf", "rcpt", "nothing against it", 7, 3],
    ["dnsbl", "rcpt", "not listed", 20, 3],
    ["greylist", "rcpt", "451 4.7.1 later", 1, 1],
  ]);
});

test("what strangers can write into it is bounded and printable", () => {
  const looks = new Looks();
  assert.equal(looks.packed(), undefined);
  for (let n = 0; n < 5000; n++)
    looks.note("helo", "rcpt", { kind: "tag", field: `X-${n}\r\n\u202e${"x".repeat(5000)}` });
  const packed = looks.packed() ?? "";
  const notes = JSON.parse(packed) as readonly CheckNote[];
  assert.equal(notes.length, 40);
  assert.ok(packed.length < 12_000);
  assert.ok(notes.every(([, , said]) => said.length <= 200 && !/[\r\n\u202e]/.test(said)));
});
