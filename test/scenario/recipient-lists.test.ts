import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import type { DomainBody, RecipientCheckBody } from "../../src/endpoints/admin/contract.ts";
import { freePort } from "../support/free-port.ts";
import { listenLocally } from "../support/http-listener.ts";
import { rcptReply } from "../support/rcpt.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

/** A server of lists that says what it is told to. */
async function listServer() {
  const state = { status: 503, list: "", asked: 0 };
  const server = createServer((request, response) => {
    state.asked += 1;
    const tag = `"${state.list.length}"`;
    if (state.status === 200 && request.headers["if-none-match"] === tag)
      return response.writeHead(304).end();
    response.writeHead(state.status, { "Content-Type": "text/plain", ETag: tag });
    return response.end(state.list);
  });
  const listener = await listenLocally(server);
  return { ...listener, state, url: `http://127.0.0.1:${listener.port}/recipients` };
}

test("a recipient list is fetched over HTTPS and kept whatever the server does; changes of a file are picked up", async () => {
  await using folder = await tempFolder();
  await using lists = await listServer();
  const file = join(folder.path, "users.txt");
  await writeFile(file, "alice\n");
  const primary = { host: "127.0.0.1", port: await freePort(), tls: "none" };
  const domains = {
    "fetched.test": { primary, recipients: { url: lists.url, every: "1m" } },
    "filed.test": { primary, recipients: { file } },
  };
  const plan = { folder: folder.path, primaryPort: primary.port, settings: { domains } };
  await using daemon = await ResidentDaemon.start(plan);
  const told = async (address: string): Promise<string> =>
    (await rcptReply(daemon.smtpPort, address)).slice(0, 9);
  const becomes = (address: string, reply: string): Promise<unknown> =>
    waitFor({ what: `${address} is ${reply}`, deadline: 20_000, every: 50 }, async () => {
      daemon.pass(70_000);
      return (await told(address)) === reply;
    });
  const check = (address: string): Promise<RecipientCheckBody> =>
    daemon.api("GET", `/v1/recipients/check?address=${address}`);

  await waitFor({ what: "the list was asked for", deadline: 20_000 }, () => lists.state.asked > 0);
  assert.equal(await told("bob@fetched.test"), "450 4.1.1", "no list was ever there");
  assert.equal((await check("bob@fetched.test")).answer, "defer");
  lists.state.list = "alice\nbob@fetched.test\n";
  lists.state.status = 200;
  await becomes("bob@fetched.test", "250 2.1.5");
  assert.equal(await told("eve@fetched.test"), "550 5.1.1");
  const known = await check("bob@fetched.test");
  assert.deepEqual([known.answer, known.origin], ["accept", "url"]);

  lists.state.list = "";
  const asked = lists.state.asked;
  await waitFor({ what: "an empty list came", deadline: 20_000, every: 50 }, () => {
    daemon.pass(70_000);
    return lists.state.asked > asked + 1;
  });
  assert.equal(await told("bob@fetched.test"), "250 2.1.5");
  const status = await waitFor({ what: "the fault is shown", deadline: 20_000 }, async () => {
    const { fetched } = await daemon.api<DomainBody>("GET", "/v1/domains/fetched.test");
    return fetched?.error === undefined ? undefined : fetched;
  });
  assert.equal(status.entries, 2);
  assert.match(status.error ?? "", /the list is empty/);
  const explained = (await check("bob@fetched.test")).sources?.find(({ source }) => source === lists.url);
  assert.match(explained?.says ?? "", /^2 entries; the last fetch failed: the list is empty/);

  assert.equal(await told("bob@filed.test"), "550 5.1.1");
  await writeFile(file, "alice\nbob\n");
  await becomes("bob@filed.test", "250 2.1.5");
  await writeFile(file, "a b\n");
  for (let looks = 0; looks < 3; looks++) {
    daemon.pass(70_000);
    assert.equal(await told("bob@filed.test"), "250 2.1.5", "a faulty file changes nothing");
  }
});
