import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { createServer as listen, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { MAX_BODY } from "../../../src/endpoints/admin/contract.ts";
import { Daemon, type Refused } from "../../../src/cli/daemon.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { runOn, toolWorld } from "../../support/tool-bench.ts";

/** A daemon that answers nothing by itself; `asked` are the answers that it owes. */
async function silentDaemon(t: TestContext, patience: { look: number; change: number }) {
  const asked: ServerResponse[] = [];
  const server = createServer((_, answer) => void asked.push(answer));
  const folder = await tempFolder();
  t.after(() => folder[Symbol.asyncDispose]());
  const socket = join(folder.path, "admin.sock");
  server.listen(socket);
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  return { daemon: new Daemon(socket, patience), server, asked };
}

/** Of an answer that has begun, and lacks its end. */
async function begunExport(t: TestContext, patience: { look: number; change: number }) {
  const silent = await silentDaemon(t, patience);
  const begun = silent.daemon.stream({ path: "/v1/queue/export" });
  await once(silent.server, "request");
  silent.asked[0]?.write("From a@b");
  return { ...silent, stream: await begun };
}

test("a daemon that hangs is given up soon by those who look, and later by those who change", async (t) => {
  const { daemon, server, asked } = await silentDaemon(t, { look: 40, change: 600_000 });
  const change = daemon.ask({ method: "POST", path: "/v1/queue/actions" });
  await once(server, "request");
  for (const look of [daemon.ask({ path: "/v1/status" }), daemon.ask({ method: "GET", path: "/v1/status" })])
    await assert.rejects(look, { message: "the daemon did not respond in time" });
  asked[0]?.end('{"count":3}');
  assert.deepEqual(await change, { count: 3 });
});

test("whoever gives a change up is told that it may have been made", async (t) => {
  const { daemon } = await silentDaemon(t, { look: 600_000, change: 40 });
  await assert.rejects(daemon.ask({ method: "POST", path: "/v1/queue/actions" }), {
    message: "the daemon did not respond in time; the change may or may not have been made",
  });
});

test("what comes as a stream may pause for longer, as who reads it may", async (t) => {
  const { daemon, asked, stream } = await begunExport(t, { look: 200, change: 600_000 });
  await assert.rejects(daemon.ask({ path: "/v1/status" }), { message: /in time/ });
  asked[0]?.end(".example\n");
  assert.equal(await text(stream), "From a@b.example\n");
});

test("a daemon that waits for whoever reads is not given up", async (t) => {
  const { daemon, asked, stream } = await begunExport(t, { look: 400, change: 100 });
  await assert.rejects(daemon.ask({ path: "/v1/status" }), { message: /in time/ });
  asked[0]?.end(".example\n");
  assert.equal(await text(stream), "From a@b.example\n");
});

test("what was cut off before anybody read it is known as such", async (t) => {
  const { daemon, server, asked, stream } = await begunExport(t, { look: 10_000, change: 10_000 });
  asked[0]?.destroy();
  // By then it has heard of it.
  server.removeAllListeners("request").on("request", (_, answer) => answer.end("{}"));
  await daemon.ask({ path: "/v1/status" });
  await assert.rejects(text(stream), { message: "the response was cut off; the daemon's log says why" });
});

test("a daemon of another version is told as such, where its answer lacks what this one has", async (t) => {
  const { daemon, server } = await silentDaemon(t, { look: 10_000, change: 10_000 });
  server.removeAllListeners("request").on("request", (_, answer) => answer.end("{}"));
  const { code, stdout, stderr } = await runOn(daemon.socket, ["status"]);
  assert.deepEqual([code, stdout], [1, ""]);
  const [told, ...hint] = stderr.split("\n");
  assert.match(told ?? "", /^holdfast: the daemon's response is not what this tool expects \(.+\)$/);
  assert.deepEqual(hint, [OTHER_VERSION, ""]);
});

const OTHER_VERSION = "the daemon may be of another version than this tool; restart it after an upgrade";

/** Runs `status` on what answers each request with this. */
async function statusOn(t: TestContext, status: number, body: string) {
  const { daemon, server } = await silentDaemon(t, { look: 10_000, change: 10_000 });
  server.removeAllListeners("request").on("request", (_, answer) => answer.writeHead(status).end(body));
  return runOn(daemon.socket, ["status"]);
}

test("a daemon of another version is told as such, where it does not know a route or its method", async (t) => {
  await using tool = await toolWorld();
  const daemon = new Daemon(tool.socket);
  for (const call of [{ path: "/v1/tomorrow" }, { method: "PATCH", path: "/v1/status" } as const]) {
    const { status, message, hint } = await daemon
      .ask<Refused>(call)
      .catch((error: unknown) => error as Refused);
    const { code, stdout, stderr } = await statusOn(t, status, JSON.stringify({ error: { message, hint } }));
    assert.deepEqual([code, stdout, stderr], [1, "", `holdfast: ${message}\n${OTHER_VERSION}\n`]);
  }
});

test("a refusal that is not the daemon's own is told with its status", async (t) => {
  for (const body of ["", "<html>", "null"]) {
    const { code, stderr } = await statusOn(t, 431, body);
    assert.deepEqual([code, stderr], [1, "holdfast: the daemon responded with status 431\n"]);
  }
});

test("something else than the daemon on its socket is named", async (t) => {
  const socket = await breakingDaemon(t, (peer) => peer.end("220 mx.example ESMTP\r\n"));
  const { code, stderr } = await runOn(socket, ["status"]);
  const told = `holdfast: what answers on ${socket} is not the daemon: it does not speak HTTP\n`;
  assert.deepEqual([code, stderr], [1, told]);
});

test("who looks again does so over the same connection, and over a new one where that ended meanwhile", async (t) => {
  const { daemon, server } = await silentDaemon(t, { look: 10_000, change: 10_000 });
  const connections: Socket[] = [];
  server.on("connection", (peer: Socket) => connections.push(peer));
  const answer = (_: unknown, to: ServerResponse) => to.end("{}");
  server.removeAllListeners("request").on("request", answer);
  for (let i = 0; i < 3; i++) await daemon.ask({ path: "/v1/status" });
  assert.equal(connections.length, 1);
  // As one that was idle for too long.
  server.removeAllListeners("request").once("request", ({ socket }: { socket: Socket }) => {
    server.on("request", answer);
    socket.destroy();
  });
  await daemon.ask({ path: "/v1/status" });
  assert.equal(connections.length, 2);
});

/** A server that does as `end` says with each connection. */
async function breakingDaemon(t: TestContext, end: (peer: Socket) => unknown): Promise<string> {
  const folder = await tempFolder();
  t.after(() => folder[Symbol.asyncDispose]());
  const socket = join(folder.path, "admin.sock");
  const server = listen((peer) => end(peer.on("error", () => undefined)));
  server.listen(socket);
  await once(server, "listening");
  t.after(() => server.close());
  return socket;
}

const ENDS: readonly (readonly [when: string, end: (peer: Socket) => unknown])[] = [
  ["at once", (peer) => peer.destroy()],
  ["while it is asked", (peer) => peer.once("data", () => peer.destroy())],
  [
    "in its answer",
    (peer) =>
      peer.once("data", () =>
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", () => peer.destroy()),
      ),
  ],
];

for (const [when, end] of ENDS)
  test(`a daemon that breaks off ${when} is no success`, async (t) => {
    const socket = await breakingDaemon(t, end);
    const asked = "holdfast: the daemon closed the connection before its response was complete";
    const look = await runOn(socket, ["status"]);
    assert.deepEqual([look.code, look.stdout, look.stderr], [1, "", `${asked}\n`]);
    const stdin = "name\n".repeat(500_000);
    const change = await runOn(socket, ["recipients", "replace", "a.example"], { stdin });
    const unsure = "; the change may or may not have been made";
    assert.deepEqual([change.code, change.stdout, change.stderr], [1, "", `${asked}${unsure}\n`]);
    assert.equal((await runOn(socket, ["health"])).code, 1);
  });

test("what is more than the daemon takes is not sent, and no more of it is read", async (t) => {
  const socket = await breakingDaemon(t, (peer) => assert.fail(`connected: ${peer.remoteAddress}`));
  const most = "16 MiB, the most that the daemon accepts in one request";
  const stdin = "n\n".repeat(MAX_BODY / 2 + 1);
  const piped = await runOn(socket, ["recipients", "replace", "a.example"], { stdin });
  assert.deepEqual(piped, { code: 1, stdout: "", stderr: `holdfast: stdin is larger than ${most}\n` });
  const endless = await runOn(socket, ["recipients", "replace", "a.example", "--file", "/dev/zero"]);
  assert.deepEqual(endless, { code: 1, stdout: "", stderr: `holdfast: /dev/zero is larger than ${most}\n` });
  const addresses = "n\n".repeat(MAX_BODY / 4);
  const folder = await tempFolder();
  t.after(() => folder[Symbol.asyncDispose]());
  const file = join(folder.path, "users.txt");
  await writeFile(file, addresses);
  const words = ["domain", "add", "a.example", "--primary", "m.example", "--recipients", file];
  const asJson = await runOn(socket, words);
  assert.deepEqual(asJson, { code: 1, stdout: "", stderr: `holdfast: this is larger than ${most}\n` });
});
