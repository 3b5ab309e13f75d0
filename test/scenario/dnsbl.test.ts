import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fakeDns } from "../support/fake-dns.ts";
import { rcptReply } from "../support/rcpt.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 15_000, every: 50 };

/** What a client at `address` is told of alice. */
const rcpt = (daemon: ResidentDaemon, address: string): Promise<string> =>
  rcptReply(daemon.smtpPort, "alice@example.test", address);

async function lists(daemon: ResidentDaemon): Promise<Record<string, string>> {
  const { lists: all } = await daemon.status();
  return Object.fromEntries(all.map(({ zone, state }) => [zone, state]));
}

test("the daemon tests its blocklists, uses the sound ones, shows the faulty ones and follows a reload", async () => {
  await using folder = await tempFolder();
  await using dns = await fakeDns({
    "2.0.0.127.good.test": { A: ["127.0.0.2"] },
    "5.0.0.127.good.test": { A: ["127.0.0.4"], TXT: ["Seen sending junk"] },
    // It lists the client, but no test entry: perhaps it lists nobody else.
    "9.0.0.127.sick.test": { A: ["127.0.0.2"] },
    "1.0.0.127.everybody.test": { A: ["127.0.0.2"] },
    "2.0.0.127.everybody.test": { A: ["127.0.0.2"] },
  });
  const zones = ["good.test", "sick.test", "everybody.test"];
  const dnsbl = { lists: zones.map((zone) => ({ zone })), defer: 1 };
  const settings = { dns: { servers: [dns.server] }, checks: { dnsbl } };
  const smtp = { threads: 2, greetDelay: "0s" };
  await using daemon = await ResidentDaemon.start({ folder: folder.path, primaryPort: 9, settings, smtp });
  await waitFor({ what: "the lists are tested", ...WAIT }, async () =>
    Object.values(await lists(daemon)).every((state) => state !== "untested"),
  );
  assert.deepEqual(await lists(daemon), {
    "good.test": "sound",
    "sick.test": "sick",
    "everybody.test": "sick",
  });
  await waitFor({ what: "the log names the sick list", ...WAIT }, () =>
    Promise.resolve(/"event":"blocklist.sick"[^\n]*everybody.test/.test(daemon.output())),
  );
  assert.equal(
    await rcpt(daemon, "127.0.0.5"),
    "451 4.7.1 Client 127.0.0.5 is listed by good.test; Seen sending junk",
  );
  assert.match(await rcpt(daemon, "127.0.0.9"), /^250 /);
  const text = await readFile(daemon.config, "utf8");
  await writeFile(daemon.config, text.replace('"defer": 1', '"reject": 1'));
  await daemon.api("POST", "/v1/reload");
  assert.match(await rcpt(daemon, "127.0.0.5"), /^554 5\.7\.1 /);
});
