import assert from "node:assert/strict";
import { test } from "node:test";
import { deliverFrom } from "../support/clients.ts";
import { Daemon } from "../support/daemon.ts";
import { fakePrimary } from "../support/fake-primary.ts";
import { rcptReply } from "../support/rcpt.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { runOn } from "../support/tool-bench.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 200 };

const ALICE = "alice@example.test";

/** What a client at `ip` is told of alice. */
const told = ({ smtpPort }: Daemon, ip: string): Promise<string> => rcptReply(smtpPort, ALICE, ip);

/** The words that many connections get, so that each of the threads has answered some. */
async function toldMany(daemon: Daemon, ip: string): Promise<readonly string[]> {
  const all = await Promise.all(Array.from({ length: 6 }, () => told(daemon, ip)));
  return [...new Set(all.map((line) => line.slice(0, 9)))];
}

test("while its primary is up, a backup MX defers unknown clients; explain shows it, and access rules take effect at once", async () => {
  await using folder = await tempFolder();
  await using primary = await fakePrimary();
  const settings = { checks: { reachability: { delay: "4h" }, contact: "see us.test" } };
  const plan = {
    folder: folder.path,
    primaryPort: primary.port,
    settings,
    smtp: { threads: 2, greetDelay: "0s" },
  };
  await using daemon = await Daemon.start(plan);
  const tool = (...words: string[]) => runOn(daemon.socket, words);
  const explain = async (): Promise<string> =>
    (
      await tool(
        "explain",
        "--ip",
        "127.0.0.5",
        "--helo",
        "h.test",
        "--from",
        "a@client.test",
        "--rcpt",
        ALICE,
      )
    ).stdout;

  const away = "451 4.7.1 127.0.0.1 is up, send your mail there; see us.test";
  // A primary that takes mail is up.
  assert.equal(await deliverFrom(daemon.smtpPort, "127.0.0.5", ALICE), 250);
  await waitFor({ what: "the threads know that the primary is up", ...WAIT }, async () =>
    (await explain()).includes(away),
  );
  assert.match(
    await explain(),
    /- reachability at RCPT, \d+ ms: referred to 127\.0\.0\.1, which is up; admitted\s+if it returns after 4 h/,
  );
  assert.equal(await told(daemon, "127.0.0.9"), away);

  const added = await tool("access", "add", "allow", "--network", "127.0.0.5", "--note", "partner");
  const id = added.stdout.slice(0, 16);
  await waitFor(
    { what: "all threads let the partner in", ...WAIT },
    async () => (await toldMany(daemon, "127.0.0.5")).join() === "250 2.1.5",
  );
  assert.deepEqual(await toldMany(daemon, "127.0.0.6"), ["451 4.7.1"]);
  assert.equal(await deliverFrom(daemon.smtpPort, "127.0.0.5", ALICE), 250);
  await waitFor({ what: "the trace tells which checks looked", ...WAIT }, async () => {
    const { stdout } = await tool("trace", ALICE);
    return (
      /- access at RCPT, 0 ms: allowed by the operator \(partner\)/.test(stdout) &&
      /- reachability at RCPT/.test(stdout)
    );
  });

  assert.equal((await tool("access", "remove", id)).code, 0);
  await waitFor(
    { what: "no thread lets the partner in", ...WAIT },
    async () => (await toldMany(daemon, "127.0.0.5")).join() === "451 4.7.1",
  );

  await tool("access", "add", "block", "--sender", "@sender.example", "--recipient", ALICE);
  await daemon.kill();
  await daemon.restart();
  assert.deepEqual(await toldMany(daemon, "127.0.0.5"), ["554 5.7.1"]);
});
