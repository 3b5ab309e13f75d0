import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BodyDamaged } from "../../../src/ports/stored-body.ts";
import { FIRST, SECOND } from "../../support/admin-fakes.ts";
import { runOn, toolWorld } from "../../support/tool-bench.ts";

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
