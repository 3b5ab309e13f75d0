import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BodyDamaged } from "../../../src/ports/stored-body.ts";
import { FIRST, queueEntry, SECOND } from "../../support/admin-fakes.ts";
import { fits, runOn, toolWorld } from "../../support/tool-bench.ts";

const HOSTILE = "evil\u001b]0;owned\u0007\r\n\u202egnp.exe";

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

function count(text: string): number {
  return text.split(FIRST).length - 1;
}

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
  const none = await tool.run(["queue", "list", "--recipient", "nobody@example.com"]);
  assert.deepEqual([none.code, none.stdout], [0, "No mail in the queue matches.\n"]);
});

test("a mail is shown with its recipients; one that is not there is exit code 1", async () => {
  await using tool = await toolWorld();
  const { stdout } = await tool.run(["queue", "show", FIRST]);
  assert.match(stdout, /^Subject: +Hello$/m);
  assert.match(stdout, /^SPF: +softfail, sender\.example$/m);
  assert.match(stdout, /^DKIM: +pass, sender\.example \(s1\)$/m);
  assert.match(stdout, /^DMARC: +pass, policy reject$/m);
  assert.match(stdout, /^Return-path: +authenticated$/m);
  assert.match(stdout, /^Recipient: +carol@other\.example$/m);
  assert.match(stdout, /^Next attempt: +in 48 min, 2026-03-01 /m);
  const missing = await tool.run(["queue", "show", "nothing"]);
  assert.deepEqual([missing.code, missing.stdout], [1, ""]);
  assert.match(missing.stderr, /there is no mail with this id/);
});

test("acts take an id or a filter and say how many", async () => {
  await using tool = await toolWorld();
  assert.equal((await tool.run(["queue", "hold", SECOND])).stdout, "1 recipient held.\n");
  assert.equal(
    (await tool.run(["queue", "release", "--state", "held"])).stdout,
    "1 recipient released, due at once.\n",
  );
  assert.equal(
    (await tool.run(["queue", "flush", "--domain", "example.com"])).stdout,
    "2 recipients due now.\n",
  );
  assert.equal((await tool.run(["queue", "delete", "--all", "--json"])).stdout, '{\n  "count": 3\n}\n');
  assert.deepEqual(
    tool.world.operations.map(({ verb, filter }) => [verb, filter]),
    [
      ["hold", { id: SECOND }],
      ["release", { state: "held" }],
      ["flush", { domain: "example.com" }],
      ["delete", {}],
    ],
  );
  assert.equal((await tool.run(["queue", "delete", "nothing"])).code, 1);
});

test("nothing given never means everything", async () => {
  await using tool = await toolWorld();
  assert.match((await tool.run(["queue", "reroute", "--all"])).stderr, /where to\?/);
  for (const verb of ["hold", "release", "delete", "flush"]) {
    const { code, stderr } = await tool.run(["queue", verb]);
    assert.equal(code, 2);
    assert.match(stderr, /an id, a filter .* or --all/);
  }
  assert.deepEqual(tool.world.operations, []);
});

test("a mail is exported exactly, to stdout or to a file of its owner", async () => {
  await using tool = await toolWorld();
  const mail = `Subject: ${FIRST}\r\n\r\nbody\r\n`;
  assert.equal((await tool.run(["queue", "export", FIRST])).stdout, mail);
  const file = join(tool.folder, "mail.eml");
  const written = await tool.run(["queue", "export", FIRST, "--output", file]);
  assert.deepEqual([written.code, written.stdout, readFileSync(file, "utf8")], [0, "", mail]);
  assert.equal(statSync(file).mode & 0o077, 0);
  assert.equal((await tool.run(["queue", "export", "nothing"])).code, 1);
  assert.equal((await tool.run(["queue", "export", FIRST, "--output", tool.folder])).code, 1);
});

test("of mail that is not what was accepted one hears, and what is left of it is given when asked for", async () => {
  await using tool = await toolWorld();
  tool.world.exported = (id, asItIs) => {
    if (id === FIRST && !asItIs) throw new BodyDamaged("its body is gone bad");
    return undefined;
  };
  const one = await tool.run(["queue", "export", FIRST]);
  assert.deepEqual([one.code, one.stdout], [1, ""]);
  assert.match(one.stderr, /not what was accepted: its body is gone bad\n.*--damaged/);
  const all = await tool.run(["queue", "export", "--all"]);
  assert.deepEqual([all.code, all.stdout.match(/^Subject: .*/gm)], [1, [`Subject: ${SECOND}`]]);
  assert.match(all.stderr, new RegExp(`left out: .*${FIRST}.* gone bad\n1 mail, 1 left out\n`, "s"));
  const asItIs = await tool.run(["queue", "export", FIRST, "--damaged"]);
  assert.deepEqual([asItIs.code, asItIs.stdout], [0, `Subject: ${FIRST}\r\n\r\nbody\r\n`]);
  assert.match((await tool.run(["queue", "export", "--all", "--damaged"])).stderr, /^2 mails\n/);
});

test("a mail that breaks off on its way out is no whole mail", async () => {
  await using tool = await toolWorld();
  for (const before of [0, 100, 200_000]) {
    tool.world.exported = () =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(before, "x");
          throw new BodyDamaged("a bad sector");
        })(),
        { objectMode: false },
      );
    const file = join(tool.folder, `${before}.eml`);
    const { code, stderr } = await tool.run(["queue", "export", FIRST, "--output", file]);
    assert.equal(code, 1, String(before));
    assert.match(stderr, /cut off; the daemon's log says why/);
    assert.doesNotMatch(readFileSync(file, "utf8"), /[^x]/);
    assert.match(tool.world.logged.at(-1) ?? "", /an export was cut off.*a bad sector/);
  }
});

test("a mail is never written raw to a terminal", async () => {
  await using tool = await toolWorld();
  const { code, stdout, stderr } = await runOn(tool.socket, ["queue", "export", FIRST], { terminal: true });
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /--output FILE/);
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

test("mail is given up, by id or by what it is", async () => {
  await using tool = await toolWorld();
  assert.equal((await tool.run(["queue", "bounce", FIRST])).stdout, "2 recipients given up.\n");
  assert.deepEqual(tool.world.operations.at(-1)?.verb, "bounce");
  assert.equal((await tool.run(["queue", "bounce"])).code, 2);
  assert.equal((await tool.run(["queue", "bounce", "--state", "gone"])).code, 2);
});

test("each act takes the states that it moves", async () => {
  await using tool = await toolWorld();
  const { code, stderr } = await tool.run(["queue", "release", "--state", "waiting"]);
  assert.equal(code, 2);
  assert.match(stderr, /--state takes held, parked; not waiting/);
  assert.equal((await tool.run(["queue", "flush", "--state", "unconfirmed"])).code, 0);
  assert.equal((await tool.run(["queue", "delete", "--state", "parked"])).code, 0);
});

test("what keeps a mail waiting is told with it: its primary, or a pause", async () => {
  await using tool = await toolWorld();
  const show = async (): Promise<string> => (await tool.run(["queue", "show", FIRST])).stdout;
  assert.match(await show(), /^Waits for: +mail\.example\.com:25, down for 3 h 12 min: connection refused$/m);
  assert.match((await tool.run(["trace", FIRST])).stdout, /^Waits for: +mail\.example\.com:25, down/m);
  fits(await show());
  const [domain, ...others] = tool.world.domains;
  tool.world.domains = [{ ...(domain as NonNullable<typeof domain>), paused: true }, ...others];
  assert.match(await show(), /^Waits for: +`holdfast domain resume example\.com`: deliveries are paused$/m);
  const [first] = tool.world.domains;
  tool.world.domains = [{ ...(first as NonNullable<typeof first>), pausedUntil: 4e12 }, ...others];
  assert.match(await show(), /^Waits for: +the end of the pause, 2096-/m);
  tool.world.domains = [domain as NonNullable<typeof domain>, ...others];
  const [primary] = tool.world.primaries;
  assert.ok(primary !== undefined);
  tool.world.primaries = [primary, Object.assign({}, primary, { destination: "10.1.1.1:25" })];
  assert.doesNotMatch(await show(), /10\.1\.1\.1/, "other mail was rerouted there");
  tool.world.primaries = [Object.assign({}, primary, { state: "up" as const })];
  assert.doesNotMatch(await show(), /Waits for/);
  tool.world.entries = [queueEntry({ route: "10.1.1.1:25" })];
  assert.match(await show(), /^Rerouted to: +10\.1\.1\.1:25$/m);
});
