import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { FIRST, queueEntry, SECOND } from "../../support/admin-fakes.ts";
import { fits, runOn, toolWorld } from "../../support/tool-bench.ts";

const HOSTILE = "evil\u001b]0;owned\u0007\r\n\u202egnp.exe";

function count(text: string): number {
  return text.split(FIRST).length - 1;
}

test("the queue is listed as a table with human ages", async () => {
  await using tool = await toolWorld();
  const { code, stdout } = await tool.run(["queue", "list"]);
  assert.equal(code, 0);
  assert.match(stdout, /^ID +RECIPIENT +STATE +AGE +LAST REPLY\n/);
  assert.match(stdout, new RegExp(`^${FIRST} +alice@example\\.com +waiting +3 h 12 min +450 4`, "m"));
  assert.match(stdout, /held: operator/);
  fits(stdout);
});

test("long and hostile values are cut and cleaned, in JSON exact", async () => {
  await using tool = await toolWorld();
  const recipient = `${HOSTILE}${"日".repeat(100)}@example.com`;
  tool.world.entries = [
    queueEntry({
      recipient,
      state: "parked",
      reason: "quarantine",
      lastReply: HOSTILE.repeat(9),
      acceptedAt: 0,
    }),
  ];
  fits((await tool.run(["queue", "list"])).stdout);
  fits((await tool.run(["queue", "show", FIRST])).stdout);
  fits((await tool.run(["trace", FIRST])).stdout);
  const json = (await tool.run(["queue", "list", "--json"])).stdout;
  fits(json.replace(/.+/g, (line) => line.slice(0, 40)));
  assert.deepEqual(JSON.parse(json).items, tool.world.entries);
});

test("pages follow each other up to the limit, and what is left is told", async () => {
  await using tool = await toolWorld();
  tool.world.entries = Array.from({ length: 2300 }, (_, n) => queueEntry({ n }));
  const some = (await tool.run(["queue", "list"])).stdout;
  assert.equal(count(some), 50);
  assert.match(some, /^2250 more; --limit N or --all shows them\.$/m);
  assert.equal(count((await tool.run(["queue", "list", "--limit", "1500"])).stdout), 1500);
  const all = (await tool.run(["queue", "list", "--all"])).stdout;
  assert.equal(count(all), 2300);
  assert.doesNotMatch(all, /more/);
  assert.match(
    (await tool.run(["queue", "list", "--sender", "bob@sender.example"])).stdout,
    /^There are more;/m,
  );
  assert.equal(JSON.parse((await tool.run(["queue", "list", "--json"])).stdout).total, 2300);
});

test("filters narrow; <> is the null sender; nothing found is said", async () => {
  await using tool = await toolWorld();
  const listed = await tool.run(["queue", "list", "--sender", "<>", "--json"]);
  assert.deepEqual(
    JSON.parse(listed.stdout).items.map(({ id }: { id: string }) => id),
    [SECOND],
  );
  const shown = await tool.run(["queue", "list", "--sender", "<bob@sender.example>", "--json"]);
  assert.notEqual(JSON.parse(shown.stdout).items.length, 0, "as queue show writes it");
  const none = await tool.run(["queue", "list", "--recipient", "nobody@example.com"]);
  assert.deepEqual([none.code, none.stdout], [0, "No mail in the queue matches.\n"]);
});

test("who set a mail aside is told, and of nothing else who touched it last", async () => {
  await using tool = await toolWorld();
  const shown = async (change: Parameters<typeof queueEntry>[0]): Promise<string> => {
    tool.world.entries = [queueEntry({ ...change, id: FIRST })];
    return (await tool.run(["queue", "show", FIRST])).stdout;
  };
  assert.match(
    await shown({ state: "held", reason: "operator", who: "socket" }),
    /^By: +somebody on this machine$/m,
  );
  assert.match(await shown({ state: "parked", reason: "operator", who: "night" }), /^By: +the token night$/m);
  assert.match(await shown({ state: "gone", reason: "deleted", who: "night" }), /^By: +the token night$/m);
  assert.doesNotMatch(await shown({ state: "held", reason: "probation", who: "night" }), /^By/m);
  assert.doesNotMatch(await shown({ state: "waiting", who: "socket" }), /^By/m);
});

test("a mail is shown with its recipients; one that is not there is exit code 1", async () => {
  await using tool = await toolWorld();
  const { stdout } = await tool.run(["queue", "show", FIRST]);
  assert.match(stdout, /^Subject: +Hello$/m);
  assert.match(stdout, /^SPF: +softfail, sender\.example$/m);
  assert.match(stdout, /^DKIM: +pass, sender\.example \(s1\)$/m);
  assert.match(stdout, /^DMARC: +pass, policy reject$/m);
  assert.match(stdout, /^Return path: +authenticated$/m);
  assert.match(stdout, /^Recipient: +carol@other\.example$/m);
  assert.match(stdout, /^Next attempt: +in 48 min, 2026-03-01 /m);
  const missing = await tool.run(["queue", "show", "nothing"]);
  assert.deepEqual([missing.code, missing.stdout], [1, ""]);
  assert.match(missing.stderr, /there is no mail with this id/);
});

test("a domain that is none of ours is said, where nothing was found for it", async () => {
  await using tool = await toolWorld();
  tool.world.entries = [];
  for (const words of [
    ["queue", "list"],
    ["queue", "release"],
    ["queue", "export", "--output", join(tool.folder, "x.mbox")],
    ["quarantine", "list"],
    ["quarantine", "delete"],
  ]) {
    const slip = await tool.run([...words, "--domain", "exmaple.com"]);
    assert.equal(slip.code, 1, words.join(" "));
    assert.match(slip.stderr, /exmaple\.com is not one of our domains/);
  }
  assert.equal((await tool.run(["queue", "list", "--domain", "example.com"])).code, 0);
  assert.equal((await tool.run(["queue", "list", "--domain", "+notices"])).code, 0);
  assert.equal((await tool.run(["queue", "release", "--domain", "example.com"])).code, 0);
});

test("the reason narrows what is listed and moved", async () => {
  await using tool = await toolWorld();
  const listed = await tool.run(["queue", "list", "--reason", "operator", "--json"]);
  assert.deepEqual(
    JSON.parse(listed.stdout).items.map(({ reason }: { reason: string }) => reason),
    ["operator"],
  );
  assert.equal((await tool.run(["queue", "release", "--reason", "content"])).code, 0);
  assert.deepEqual(tool.world.operations.at(-1)?.filter, { reason: "content" });
  assert.equal((await tool.run(["queue", "list", "--reason", "bad luck"])).code, 2);
});

test("only a terminal cuts: through a pipe all of a table comes, unless COLUMNS says how much", async () => {
  await using tool = await toolWorld();
  const reply = "550 5.7.1 refused for a reason that is told at some length, as some servers do";
  tool.world.entries = [queueEntry({ state: "parked", reason: "quarantine", lastReply: reply })];
  const list = async (options: Parameters<typeof runOn>[2]): Promise<string> =>
    (await runOn(tool.socket, ["queue", "list"], { now: () => tool.world.clock.now(), ...options })).stdout;
  const piped = await list({ environment: {} });
  assert.match(piped, /parked: quarantine +3 h 12 min +550 5\.7\.1 refused for .* some servers do$/m);
  fits(await list({ environment: {}, terminal: 60 }));
  assert.match(await list({ environment: {}, terminal: 80 }), /550 5\.7\.1 …$/m);
  assert.equal(await list({ environment: {}, terminal: 300 }), piped);
  fits(await list({ environment: { COLUMNS: "80" } }));
  assert.equal(await list({ environment: { COLUMNS: "300" }, terminal: 80 }), piped);
  assert.equal(await list({ environment: { COLUMNS: "wide" } }), piped);
  const shown = await runOn(tool.socket, ["queue", "show", FIRST], { environment: {} });
  assert.match(shown.stdout, /^Last reply: +550 .* some servers do$/m);
});
