import assert from "node:assert/strict";
import { test } from "node:test";
import { toolWorld } from "../../support/tool-bench.ts";

test("a domain of the API gets another primary and another quota", async () => {
  await using tool = await toolWorld();
  const change = (...words: string[]) => tool.run(["domain", "change", "other.example", ...words]);
  const moved = await change("--primary", "new.example:2525", "--tls", "require", "--quota-size", "20GB");
  assert.deepEqual([moved.code, moved.stdout], [0, "other.example changed.\n"]);
  const { settings } = tool.world.domains[1] ?? {};
  assert.deepEqual(settings?.primaries, [
    { host: "new.example", port: 2525, tls: "require", preference: 10 },
  ]);
  assert.deepEqual(settings?.quota, { bytes: 20e9 });
  await change("--quota-mails", "5", "--quota-size", "2GiB");
  assert.deepEqual(tool.world.domains[1]?.settings.quota, { messages: 5, bytes: 2 * 1024 ** 3 });
  await change("--no-quota");
  assert.equal(tool.world.domains[1]?.settings.quota, undefined);
  for (const [words, complaint] of [
    [[], /what is to change\?/],
    [["--tls", "none"], /--tls belongs to a primary/],
    [["--quota-size", "much"], /such as 500MB or 20GB, not much/],
    [["--no-quota", "--quota-mails", "3"], /not both/],
  ] as const) {
    const { code, stderr } = await change(...words);
    assert.equal(code, 2);
    assert.match(stderr, complaint);
  }
  const declared = await tool.run(["domain", "change", "example.com", "--mx"]);
  assert.equal(declared.code, 1);
  assert.match(declared.stderr, /declared in the configuration file\nchange it there/);
});
