import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { Daemon } from "../support/daemon.ts";
import { fakePrimary } from "../support/fake-primary.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { runOn } from "../support/tool-bench.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 200 };

/** What a client at `ip` is told of alice; with `send`, after its mail. */
async function told(daemon: Daemon, ip: string, send = false): Promise<string> {
  const smtp = new RawSmtp(connect({ port: daemon.smtpPort, host: "127.0.0.1", localAddress: ip }));
  await smtp.reply();
  const commands = ["EHLO client.test", "MAIL FROM:<a@client.test>", "RCPT TO:<alice@example.test>"];
  if (send) commands.push("DATA", "Subject: x\r\n\r\n.");
  let last = "";
  for (const command of commands) last = (await smtp.command(command))?.lines[0] ?? "";
  smtp.close();
  return last;
}

/** The words that many connections get, so that each of the threads has answered some. */
async function toldMany(daemon: Daemon, ip: string): Promise<readonly string[]> {
  const all = await Promise.all(Array.from({ length: 6 }, () => told(daemon, ip)));
  return [...new Set(all.map((line) => line.slice(0, 9)))];
}

test("a daemon sends clients to a primary that is up, explains itself, and takes rules while it runs", async () => {
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
        "alice@example.test",
      )
    ).stdout;

  const away = "451 4.7.1 127.0.0.1 is up, send your mail there; see us.test";
  // A primary that takes mail is up.
  assert.match(await told(daemon, "127.0.0.5", true), /^250 2\.0\.0 /);
  await waitFor({ what: "the threads know that the primary is up", ...WAIT }, async () =>
    (await explain()).includes(away),
  );
  assert.match(await explain(), /- reachability at RCPT, \d+ ms: sent to 127\.0\.0\.1, which is up/);
  assert.equal(await told(daemon, "127.0.0.9"), away);

  const added = await tool("access", "add", "allow", "--network", "127.0.0.5", "--note", "partner");
  const id = added.stdout.slice(0, 16);
  await waitFor(
    { what: "all threads let the partner in", ...WAIT },
    async () => (await toldMany(daemon, "127.0.0.5")).join() === "250 2.1.5",
  );
  assert.deepEqual(await toldMany(daemon, "127.0.0.6"), ["451 4.7.1"]);
  assert.match(await told(daemon, "127.0.0.5", true), /^250 2\.0\.0 /);
  await waitFor({ what: "the trace tells which checks looked", ...WAIT }, async () => {
    const { stdout } = await tool("trace", "alice@example.test");
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

  await tool("access", "add", "block", "--sender", "@client.test", "--recipient", "alice@example.test");
  await daemon.kill();
  await daemon.restart();
  assert.deepEqual(await toldMany(daemon, "127.0.0.5"), ["554 5.7.1"]);
});
