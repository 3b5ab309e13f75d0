import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../../../../src/mail/address.ts";
import { Known } from "../../../../src/services/recipients/recipients.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { FakeNotes } from "../../../support/recipient-notes.ts";
import { MemoryDirectory, type TestDomain } from "../../../support/smtp-bench.ts";

function ask(domain: TestDomain, text: string): string {
  const directory = new MemoryDirectory([domain]);
  const address = parseAddress(text);
  const record = directory.domain(domain.name, 0);
  assert.ok(address !== undefined && record !== undefined);
  const parts = { memory: new FakeNotes(), clock: new ManualClock() };
  const answer = new Known(directory, parts).find(record, address);
  return answer.kind === "known" ? answer.pattern : answer.kind;
}

const OURS: TestDomain = { name: "our.test", recipients: ["alice", "list-*", "größe", "a+b"] };

describe("what lists know", () => {
  test("exact names are found whatever their case and spelling", () => {
    assert.equal(ask(OURS, "alice@our.test"), "alice");
    assert.equal(ask(OURS, "ALICE@our.test"), "alice");
    assert.equal(ask(OURS, '"alice"@our.test'), "alice");
    assert.equal(ask(OURS, "GRO\u0308ẞE@our.test".replace("ẞ", "ß")), "größe");
    assert.equal(ask(OURS, "bob@our.test"), "unknown");
  });

  test("a beginning fits what begins so, and nothing shorter", () => {
    assert.equal(ask(OURS, "list-dev@our.test"), "list-*");
    assert.equal(ask(OURS, "lists@our.test"), "unknown");
  });

  test("a tag is left out, unless the domain has none", () => {
    assert.equal(ask(OURS, "alice+news+more@our.test"), "alice");
    assert.equal(ask(OURS, "a+b@our.test"), "a+b");
    assert.equal(ask(OURS, "+alice@our.test"), "unknown");
    assert.equal(ask({ ...OURS, settings: { tagSeparator: "" } }, "alice+news@our.test"), "unknown");
    assert.equal(ask({ ...OURS, settings: { tagSeparator: "-" } }, "alice-news@our.test"), "alice");
  });

  test("catch-all comes last", () => {
    const all: TestDomain = { ...OURS, settings: { catchAll: true } };
    assert.equal(ask(all, "alice@our.test"), "alice");
    assert.equal(ask(all, "bob@our.test"), "catchAll");
  });

  test("postmaster is always there", () => {
    assert.equal(ask(OURS, "PostMaster@our.test"), "postmaster");
  });
});
