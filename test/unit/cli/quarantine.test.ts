import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST, queueEntry, SECOND } from "../../support/admin-fakes.ts";
import { fits, toolWorld } from "../../support/tool-bench.ts";

const HELD = { state: "held", reason: "quarantine", quarantine: "reject, spam score 17 of 15" } as const;

async function quarantine() {
  const tool = await toolWorld();
  tool.world.entries = [queueEntry(HELD), queueEntry({ id: SECOND, state: "held", reason: "operator" })];
  return tool;
}

test("the quarantine is listed with why, and shown", async () => {
  await using tool = await quarantine();
  const { stdout } = await tool.run(["quarantine", "list"]);
  assert.match(stdout, new RegExp(`^${FIRST} .*reject,`, "m"));
  assert.doesNotMatch(stdout, new RegExp(SECOND));
  fits(stdout);
  assert.match(
    (await tool.run(["status"])).stdout,
    /^Quarantine: +1 to look at, the oldest for 3 h 12 min$/m,
  );
  const shown = (await tool.run(["quarantine", "show", FIRST])).stdout;
  assert.match(shown, /^In quarantine\nfor alice@example\.com$/m);
  const other = await tool.run(["quarantine", "show", SECOND]);
  assert.deepEqual([other.code, other.stdout], [1, ""]);
  assert.match(other.stderr, /is not in quarantine/);
  tool.world.entries = [];
  assert.equal((await tool.run(["quarantine", "list"])).stdout, "The quarantine is empty.\n");
});

test("mail is released and deleted from the quarantine only", async () => {
  await using tool = await quarantine();
  assert.equal(
    (await tool.run(["quarantine", "release", FIRST])).stdout,
    "1 recipient released, due at once.\n",
  );
  const { filter, verb } = tool.world.operations[0] ?? {};
  assert.deepEqual([verb, filter], ["release", { id: FIRST, state: "held", reason: "quarantine" }]);
  const other = await tool.run(["quarantine", "delete", SECOND]);
  assert.equal(other.code, 1);
  assert.match(other.stderr, /no mail in quarantine has the id/);
  const nothing = await tool.run(["quarantine", "delete"]);
  assert.equal(nothing.code, 2);
  assert.equal((await tool.run(["quarantine", "delete", "--all"])).stdout, "1 recipient deleted.\n");
  tool.world.entries = [];
  for (const filter of [["--all"], ["--sender", "a@x.example"]]) {
    const none = await tool.run(["quarantine", "delete", ...filter]);
    assert.deepEqual([none.code, none.stdout], [0, "0 recipients deleted.\n"]);
  }
});

test("a sender is allowed, with what waits of him, listed and forgotten", async () => {
  await using tool = await quarantine();
  const allowed = await tool.run(["quarantine", "sender-allow", "bob@sender.example", "--release"]);
  assert.equal(allowed.stdout, "bob@sender.example is allowed; 1 recipient released.\n");
  assert.equal((await tool.run(["quarantine", "sender-allow", "bob@sender.example"])).code, 1);
  const again = await tool.run(["quarantine", "sender-allow", "bob@sender.example", "--release"]);
  assert.deepEqual(
    [again.code, again.stdout],
    [0, "bob@sender.example was allowed already; 1 recipient released.\n"],
    "what was set aside before is let go all the same",
  );
  assert.equal((await tool.run(["quarantine", "sender-allow", "@x.example", "--release"])).code, 2);
  const listed = (await tool.run(["quarantine", "senders"])).stdout;
  assert.match(listed, /^bob@sender\.example +all /m);
  fits(listed);
  const forgotten = await tool.run(["quarantine", "sender-forget", "bob@sender.example"]);
  assert.equal(forgotten.stdout, "bob@sender.example is judged like everybody else.\n");
  assert.equal((await tool.run(["quarantine", "senders"])).stdout, "No sender is spared.\n");
});

test("a sender is allowed and forgotten for one domain alone, and what waits for others stays", async () => {
  await using tool = await quarantine();
  const { world } = tool;
  world.entries.push(
    queueEntry({ ...HELD, n: 1, recipient: "carol@other.example", domain: "other.example" }),
  );
  const allow = ["quarantine", "sender-allow", "bob@sender.example", "--domain", "example.com"];
  assert.equal(
    (await tool.run([...allow, "--release"])).stdout,
    "bob@sender.example is allowed; 1 recipient released.\n",
  );
  assert.deepEqual(
    world.senders.map(({ sender, domain }) => [sender, domain]),
    [["bob@sender.example", "example.com"]],
  );
  assert.equal(world.operations.at(-1)?.filter.domain, "example.com");
  assert.match((await tool.run(["quarantine", "senders"])).stdout, /^bob@sender\.example +example\.com /m);
  const forget = ["quarantine", "sender-forget", "bob@sender.example"];
  assert.equal((await tool.run(forget)).code, 1, "for all domains he was never allowed");
  assert.equal((await tool.run([...forget, "--domain", "example.com"])).code, 0);
  assert.equal((await tool.run(allow)).stdout, "bob@sender.example is allowed.\n");
  assert.equal(
    (await tool.run(["quarantine", "sender-allow", "@x.example"])).stdout,
    "@x.example is allowed.\n",
  );
});

test("where a sender cannot be allowed, nothing of his is released", async () => {
  await using tool = await quarantine();
  for (const [words, code] of [
    [["bob@sender.example", "--domain", "exmaple.com"], 1],
    [["bob"], 2],
  ] as const)
    assert.equal((await tool.run(["quarantine", "sender-allow", ...words, "--release"])).code, code);
  assert.deepEqual([tool.world.senders, tool.world.operations], [[], []]);
});

test("no state or reason widens what a verb of the quarantine touches, and a foreign domain is said", async () => {
  await using tool = await quarantine();
  for (const option of ["--state", "--reason"])
    for (const verb of ["list", "release", "delete"]) {
      const { code, stderr } = await tool.run(["quarantine", verb, option, "parked"]);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`there is no option ${option}`));
    }
  tool.world.entries = [];
  for (const words of [["list"], ["release"]]) {
    const { code, stderr } = await tool.run(["quarantine", ...words, "--domain", "exmaple.com"]);
    assert.equal(code, 1, words.join(" "));
    assert.match(stderr, /exmaple\.com is not one of our domains/);
  }
  tool.world.entries = [queueEntry({ ...HELD, sender: "" })];
  assert.match((await tool.run(["quarantine", "list"])).stdout, / <> /);
});
