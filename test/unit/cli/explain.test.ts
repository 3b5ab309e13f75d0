import assert from "node:assert/strict";
import { test } from "node:test";
import { fits, toolWorld } from "../../support/tool-bench.ts";

test("explain shows the conversation, the checks and the verdict", async () => {
  await using tool = await toolWorld();
  tool.world.explain = async ({ sender }) => ({
    steps: [{ reply: "220 mx" }, { command: `MAIL FROM:<${sender}>`, reply: "250 2.1.0 Ok" }],
    verdict: "defer",
    fields: [],
    checks: [["dnsbl", "rcpt", `not listed ${"x ".repeat(60)}`, 21, 2]],
    greetDelay: 100,
  });
  const words = ["--ip", "192.0.2.1", "--helo", "c.example", "--from", "<>", "--rcpt", "a@example.com"];
  const { code, stdout } = await tool.run(["explain", ...words]);
  assert.equal(code, 0);
  assert.match(stdout, /^C: MAIL FROM:<>\nS: 250 2\.1\.0 Ok$/m);
  assert.match(stdout, /^ {4}- dnsbl at RCPT, 21 ms, 2 times: not listed/m);
  assert.match(stdout, /^Verdict: defer\. Nothing was counted/m);
  assert.match(
    stdout.replaceAll("\n", " "),
    /Not looked at: .*DKIM, DMARC, scanners\) and how many connections/,
  );
  fits(stdout);
  const missing = await tool.run(["explain", "--ip", "192.0.2.1"]);
  assert.deepEqual([missing.code, /--helo is missing/.test(missing.stderr)], [2, true]);
});
