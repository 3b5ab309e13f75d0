import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { test } from "node:test";
import { runTool } from "../../../src/cli/cli.ts";
import { BodyDamaged } from "../../../src/ports/stored-body.ts";
import { FIRST, SECOND } from "../../support/admin-fakes.ts";
import { runOn, toolWorld } from "../../support/tool-bench.ts";
import { waitFor } from "../../support/wait.ts";

const BROKEN = (): Readable =>
  Readable.from(
    (async function* () {
      yield Buffer.alloc(200_000, "x");
      throw new BodyDamaged("a bad sector");
    })(),
    { objectMode: false },
  );

/** An export that was made before, open to everybody. */
function earlierIn(folder: string): string {
  const file = join(folder, "earlier.mbox");
  writeFileSync(file, "earlier");
  chmodSync(file, 0o644);
  return file;
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name !== "admin.sock");
}

test("a mail is exported exactly, to stdout or to a file of its owner", async () => {
  await using tool = await toolWorld();
  const mail = `Subject: ${FIRST}\r\n\r\nbody\r\n`;
  assert.equal((await tool.run(["queue", "export", FIRST])).stdout, mail);
  const file = join(tool.folder, "mail.eml");
  const written = await tool.run(["queue", "export", FIRST, "--output", file]);
  assert.deepEqual([written.code, written.stdout, readFileSync(file, "utf8")], [0, "", mail]);
  assert.equal(statSync(file).mode & 0o077, 0);
  assert.equal((await tool.run(["queue", "export", "nothing"])).code, 1);
  const both = await tool.run(["queue", "export", FIRST, "--domain", "other.example"]);
  assert.deepEqual(
    [both.code, both.stdout],
    [2, ""],
    "the mail of an id goes out whole, whatever a filter says",
  );
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
    assert.equal(existsSync(file), false);
    assert.match(tool.world.logged.at(-1) ?? "", /an export was interrupted.*a bad sector/);
  }
});

test("a mail is never written raw to a terminal", async () => {
  await using tool = await toolWorld();
  const { code, stdout, stderr } = await runOn(tool.socket, ["queue", "export", FIRST], { terminal: 80 });
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /--output FILE/);
});

test("an earlier export stays until the new one is whole", async () => {
  await using tool = await toolWorld();
  const file = earlierIn(tool.folder);
  const stays = async (words: readonly string[], why: RegExp): Promise<void> => {
    const { code, stderr } = await tool.run(["queue", "export", ...words, "--output", file]);
    assert.equal(code, 1, words.join(" "));
    assert.match(stderr, why);
    assert.doesNotMatch(stderr, /written to/);
    assert.deepEqual([readFileSync(file, "utf8"), filesOf(tool.folder)], ["earlier", ["earlier.mbox"]]);
  };
  await stays(
    ["--recipient", "nobody@example.com"],
    /^\S+earlier\.mbox stays as it was: no mail came\n0 mails\n/,
  );
  await stays(["--domain", "exmaple.com"], /stays as it was: no mail came\n.* not one of our domains/);
  tool.world.exported = (id) => {
    if (id === FIRST) throw new BodyDamaged("its body is gone bad");
    return undefined;
  };
  await stays(["--all"], /stays as it was: 1 mail left out; name another FILE\n1 mail, 1 left out\n/);
  tool.world.exported = BROKEN;
  await stays([FIRST], /stays as it was\nholdfast: the response was cut off/);
  await stays(["--all"], /stays as it was\nholdfast: the response was cut off/);
  tool.world.trouble = new Error("disk");
  await stays(["--all"], /stays as it was\n/);
});

test("mail that was asked for ahead is let go when nobody wants it any more", async () => {
  await using tool = await toolWorld();
  const begun: Readable[] = [];
  tool.world.exported = () => {
    const mail = Readable.from(
      (async function* () {
        for (;;) yield Buffer.alloc(10_000, "x\n");
      })(),
      { objectMode: false },
    );
    begun.push(mail);
    return mail;
  };
  const stdout = new Writable({
    write: (_, __, done) => done(Object.assign(new Error(), { code: "EPIPE" })),
  });
  const code = await runTool("queue", ["export", "--all"], { socket: tool.socket, stdout });
  assert.equal(code, 0);
  await waitFor({ what: "both are let go", deadline: 5000 }, () => begun.every(({ destroyed }) => destroyed));
  assert.equal(begun.length, 2);
});

test("an export that is whole takes the place of the earlier one, for its owner alone", async () => {
  await using tool = await toolWorld();
  const file = earlierIn(tool.folder);
  const link = join(tool.folder, "link.mbox");
  symlinkSync(file, link);
  const { code, stderr } = await tool.run(["queue", "export", FIRST, "--output", link]);
  assert.deepEqual([code, stderr], [0, `written to ${link}\n`]);
  assert.equal(readFileSync(file, "utf8"), `Subject: ${FIRST}\r\n\r\nbody\r\n`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(filesOf(tool.folder), ["earlier.mbox", "link.mbox"]);
});

test("an incomplete export is better than none, and a device stays a device", async () => {
  await using tool = await toolWorld();
  tool.world.exported = (id) => {
    if (id === FIRST) throw new BodyDamaged("its body is gone bad");
    return undefined;
  };
  const file = join(tool.folder, "all.mbox");
  const some = await tool.run(["queue", "export", "--all", "--output", file]);
  assert.equal(some.code, 1);
  assert.match(some.stderr, /written to .*\n1 mail, 1 left out\n/);
  assert.match(readFileSync(file, "latin1"), new RegExp(SECOND));
  assert.equal((await tool.run(["queue", "export", SECOND, "--output", "/dev/null"])).code, 0);
  assert.equal(statSync("/dev/null").isFile(), false);
});

test("a signal in the middle of an export leaves nothing but the earlier one", async () => {
  await using tool = await toolWorld();
  const file = earlierIn(tool.folder);
  const gate = Promise.withResolvers<void>();
  tool.world.exported = () =>
    Readable.from(
      (async function* () {
        yield Buffer.from("x");
        await gate.promise;
      })(),
      { objectMode: false },
    );
  let heard = 0;
  const hear = (): void => void heard++;
  process.on("SIGHUP", hear);
  const running = tool.run(["queue", "export", FIRST, "--output", file]);
  await waitFor({ what: "a part", deadline: 10_000 }, () => filesOf(tool.folder).length === 2);
  process.kill(process.pid, "SIGHUP");
  // The tool passes it on to whoever else would have it; here that is the test.
  await waitFor({ what: "the signal again", deadline: 10_000 }, () => heard === 2);
  process.off("SIGHUP", hear);
  assert.deepEqual(filesOf(tool.folder), ["earlier.mbox"]);
  gate.resolve();
  assert.equal((await running).code, 1);
  assert.equal(readFileSync(file, "utf8"), "earlier");
});
