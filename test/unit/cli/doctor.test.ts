import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "../../../src/services/doctor/doctor.ts";
import { fits, toolWorld } from "../../support/tool-bench.ts";

const WELL: readonly Finding[] = [{ what: "mx", verdict: "ok", text: "10 mail.example.com, then us" }];
const ILL: readonly Finding[] = [
  {
    what: "mx",
    verdict: "fail",
    text: "there is no MX record \u001b[31m: senders never come to mx2.example.net",
    record: "other.example. IN MX 10 mx2.example.net.",
  },
];

test("of all domains those are shown that need something, and how it would be mended", async () => {
  await using tool = await toolWorld();
  tool.world.findings.set("", [{ what: "reverse", verdict: "warn", text: "192.0.2.1 has no name" }]);
  tool.world.findings.set("example.com", WELL);
  tool.world.findings.set("other.example", ILL);
  const { code, stdout } = await tool.run(["doctor"]);
  assert.equal(code, 1);
  assert.match(stdout, /^This server\n {2}warn {2}reverse {2}192\.0\.2\.1 has no name$/m);
  assert.match(stdout, /^other\.example\n {2}FAIL {2}mx {2}there is no MX record/m);
  assert.match(stdout, /^ {12}publish: other\.example\. IN MX 10 mx2\.example\.net\.$/m);
  assert.doesNotMatch(stdout, /^example\.com$/m);
  assert.match(stdout, /\n2 domains, 1 with problems\.\n$/);
  fits(stdout);
});

test("a domain that is named is shown whole, and one that is not ours is an error", async () => {
  await using tool = await toolWorld();
  tool.world.findings.set("example.com", WELL);
  const { code, stdout } = await tool.run(["doctor", "example.com"]);
  assert.equal(code, 0);
  assert.match(stdout, /^example\.com\n {2}ok {4}mx {2}10 mail\.example\.com, then us\n$/m);
  const foreign = await tool.run(["doctor", "foreign.example"]);
  assert.equal(foreign.code, 1);
  assert.match(foreign.stderr, /foreign\.example is not one of our domains/);
});

test("--json has everything, also what is in order", async () => {
  await using tool = await toolWorld();
  tool.world.findings.set("example.com", WELL);
  tool.world.findings.set("other.example", ILL);
  const { code, stdout } = await tool.run(["doctor", "--json"]);
  const { ok, server, domains } = JSON.parse(stdout);
  assert.deepEqual([code, ok, server.length, domains.length], [1, false, 0, 2]);
  assert.deepEqual(domains[1].findings, JSON.parse(JSON.stringify(ILL)));
});
