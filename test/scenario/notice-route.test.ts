import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { ToldBody } from "../../src/endpoints/admin/contract.ts";
import { fakeDns } from "../support/fake-dns.ts";
import { fakePrimary } from "../support/fake-primary.ts";
import { SPF, sendAs } from "../support/notice-senders.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 20 };

/** Has the configuration read again with this route for notices; rejects with what is wrong with it. */
async function reroute(daemon: ResidentDaemon, route: unknown): Promise<void> {
  const document = JSON.parse(await readFile(daemon.config, "utf8")) as Record<string, unknown>;
  await writeFile(daemon.config, JSON.stringify({ ...document, notices: { route } }));
  await daemon.api("POST", "/v1/reload");
}

/** A mail that its primary refuses, from a sender who may be told; answers what he was told. */
async function refused(daemon: ResidentDaemon, name: string): Promise<ToldBody | undefined> {
  await sendAs({ name, from: "ann@friend.test", fate: "refused", hears: [] }, daemon.smtpPort);
  return waitFor({ what: `${name} is told or not`, ...WAIT }, async () => {
    for await (const entry of daemon.entries(true)) {
      const { recipient, told } = entry;
      if (recipient.startsWith(`${name}@`) && told !== undefined) return told;
    }
    return undefined;
  });
}

test("after a reload, notices use the new route, including notices that already wait", async () => {
  await using folder = await tempFolder();
  await using dns = await fakeDns({ ...SPF });
  await using primary = await fakePrimary({ onRcpt: () => "550 5.1.1 no such user here" });
  await using one = await fakePrimary();
  await using other = await fakePrimary();
  await using daemon = await ResidentDaemon.start({
    folder: folder.path,
    primaryPort: primary.port,
    smtp: { threads: 1, greetDelay: "0s" },
    domainSettings: { recipients: { catchAll: true } },
    settings: { dns: { servers: [dns.server] }, checks: { spf: "tag" } },
  });
  const at = ({ port }: { port: number }) => ({ host: "127.0.0.1", port, tls: "none" });

  assert.match((await refused(daemon, "first"))?.why ?? "", /route/, "by default nobody is told");

  await reroute(daemon, at(one));
  assert.ok((await refused(daemon, "second"))?.notice);
  await one.received(1);

  await one.close();
  assert.ok((await refused(daemon, "third"))?.notice);
  await waitFor({ what: "its notice could not be sent", ...WAIT }, async () => {
    for await (const entry of daemon.entries())
      if (entry.domain === "+notices" && entry.attempts > 0) return true;
    return false;
  });
  await reroute(daemon, at(other));
  await assert.rejects(reroute(daemon, "sideways"), /: 409 .*notices\.route/, "a wrong file changes nothing");
  await waitFor({ what: "the notice goes the new way at once", ...WAIT }, () => other.mails.length === 1);

  await reroute(daemon, "off");
  assert.match((await refused(daemon, "fourth"))?.why ?? "", /route/);
  assert.deepEqual([one.mails.length, other.mails.length], [1, 1]);
});
