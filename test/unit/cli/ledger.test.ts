import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Writable } from "node:stream";
import { runTool } from "../../../src/cli/cli.ts";
import { primaryId } from "../../../src/cli/ledger.ts";
import { FIRST, queueEntry, SECOND } from "../../support/admin-fakes.ts";
import { TextSink, toolWorld } from "../../support/tool-bench.ts";

const GONE = queueEntry({
  id: SECOND,
  sender: '=cmd"x"@evil.example',
  state: "gone",
  reason: "delivered",
  lastReply: "250 2.0.0 Ok: queued as 4F2C81A",
  destination: "mail.example.com:25",
  hash: "ab".repeat(32),
});

test("the ledger shows every mail with the primary's final words and id", async () => {
  await using tool = await toolWorld();
  tool.world.entries.push(GONE);
  const { code, stdout } = await tool.run(["trace", "--ledger"]);
  assert.equal(code, 0);
  assert.match(stdout, /^ACCEPTED +RECIPIENT +STATE +ITS ID +FINAL WORDS\n/);
  assert.match(stdout, /^2026-03-01 00:00:00 .*delivered +4F2C81A +250/m);
  assert.equal(stdout.trim().split("\n").length, 1 + tool.world.entries.length);
  const one = JSON.parse((await tool.run(["trace", SECOND, "--ledger", "--json"])).stdout);
  assert.ok(one.items.every(({ id }: { id: string }) => id === SECOND));
  assert.equal((await tool.run(["trace"])).code, 2);
  assert.equal((await tool.run(["trace", FIRST, "--csv"])).code, 2);
});

test("where the ledger has nothing, it says as what it took ABOUT", async () => {
  await using tool = await toolWorld();
  const told = async (about: string): Promise<string> =>
    (await tool.run(["trace", "--ledger", about])).stdout;
  assert.match(
    await told("<nobody@example.com>"),
    /^The ledger has no mail to nobody@example\.com; --sender /,
  );
  assert.equal(await told("01k9zq3v5x0abcdx"), "The ledger has no mail with the id 01k9zq3v5x0abcdx.\n");
  tool.world.entries = [];
  assert.equal((await tool.run(["trace", "--ledger"])).stdout, "The ledger has no such mail.\n");
});

test("the ledger as CSV: quoted, no formulas, to a file of the operator's own", async () => {
  await using tool = await toolWorld();
  tool.world.entries = [GONE];
  const [head, row, end] = (await tool.run(["trace", "--ledger", "--csv"])).stdout.split("\r\n");
  assert.equal(head?.split(",").length, 16);
  assert.equal(
    row,
    `"${SECOND}","2026-03-01T00:00:00.000Z","'=cmd""x""@evil.example","alice@example.com","example.com","gone","delivered",` +
      `"2026-03-01T00:00:00.000Z",0,0,"mail.example.com:25","4F2C81A","250 2.0.0 Ok: queued as 4F2C81A",2048,"${"ab".repeat(32)}",""`,
  );
  assert.equal(end, "");
  for (const lastReply of ["-1", "@SUM(1+1)", "\uff1d1+1", "\uff0b1"]) {
    tool.world.entries = [{ ...GONE, lastReply }];
    assert.ok(
      (await tool.run(["trace", "--ledger", "--csv"])).stdout.includes(`,"'${lastReply}",`),
      lastReply,
    );
  }
  const file = join(tool.folder, "ledger.csv");
  await tool.run(["trace", "--ledger", "--csv", "--state", "gone", "--output", file]);
  assert.match(readFileSync(file, "utf8"), /^id,accepted/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("ids are found in the words of known servers", () => {
  const words: Readonly<Record<string, string>> = {
    "250 2.0.0 Ok: queued as 4F2C81A": "4F2C81A",
    "250 OK id=1sXyZa-0001AB-2C": "1sXyZa-0001AB-2C",
    "250 2.0.0 46LFs1aB012345 Message accepted for delivery": "46LFs1aB012345",
    "250 2.6.0 <a@b.example> [InternalId=123, Hostname=x] Queued mail": "a@b.example",
    "250 2.0.0 1a2b3c4d Message accepted for delivery": "1a2b3c4d",
    "550 5.1.1 no such user": "",
  };
  for (const [text, id] of Object.entries(words)) assert.equal(primaryId(text), id, text);
});

test("all that matches is exported as an mbox, each mail once", async () => {
  await using tool = await toolWorld();
  const out = join(tool.folder, "all.mbox");
  const { code, stderr } = await tool.run(["queue", "export", "--all", "--output", out]);
  assert.equal(code, 0);
  assert.match(stderr, /2 mails/);
  assert.equal(
    readFileSync(out, "latin1"),
    [
      "From bob@sender.example Sun Mar  1 00:00:00 2026",
      `Subject: ${FIRST}\n\nbody\n`,
      "From MAILER-DAEMON Sun Mar  1 00:00:00 2026",
      `Subject: ${SECOND}\n\nbody\n\n`,
    ].join("\n"),
  );
  assert.equal(statSync(out).mode & 0o777, 0o600);
  assert.equal((await tool.run(["queue", "export"])).code, 2);
  assert.equal((await tool.run(["queue", "export", FIRST, "--state", "held"])).code, 2);
  assert.equal((await tool.run(["queue", "export", "--state", "parked"])).code, 1);
});

test("a reader that has seen enough, such as head, is no failure", async () => {
  await using tool = await toolWorld();
  const closed = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
  });
  const stderr = new TextSink();
  const args = ["--ledger", "--csv"];
  const code = await runTool("trace", args, { socket: tool.socket, stdout: closed, stderr });
  assert.deepEqual([code, stderr.text], [0, ""]);
});

test("a file that cannot be written or read is told in words", async () => {
  await using tool = await toolWorld();
  const target = join(tool.folder, "none", "x.csv");
  const written = await tool.run(["trace", "--ledger", "--csv", "--output", target]);
  assert.deepEqual(
    [written.code, written.stderr],
    [1, `holdfast: cannot write ${target}: no such file or folder\n`],
  );
  const read = await tool.run(["recipients", "add", "example.com", "--file", tool.folder]);
  assert.deepEqual([read.code, read.stderr], [1, `holdfast: cannot read ${tool.folder}: it is a folder\n`]);
});
