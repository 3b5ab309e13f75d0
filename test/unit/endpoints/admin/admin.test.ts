import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { test } from "node:test";
import { startAdmin } from "../../../../src/endpoints/admin/admin.ts";
import { MAX_BODY } from "../../../../src/endpoints/admin/contract.ts";
import { loggerTo } from "../../../../src/runtime/log.ts";
import { FakeWorld, FIRST } from "../../../support/admin-fakes.ts";
import { tempFolder } from "../../../support/temp-folder.ts";

interface Sent {
  readonly socketPath?: string;
  readonly port?: number;
  readonly localAddress?: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

function send(options: Sent, body?: Iterable<Buffer>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", agent: false, ...options }, (response: IncomingMessage) => {
      readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    asked.once("error", reject);
    for (const chunk of body ?? []) asked.write(chunk);
    asked.end();
  });
}

test("the socket needs no token and belongs to its owner alone; TCP needs one", async () => {
  await using folder = await tempFolder();
  const world = new FakeWorld();
  const socket = join(folder.path, "admin.sock");
  const admin = await startAdmin({ ...world.parts(socket), listen: { address: "127.0.0.1", port: 0 } });
  const port = Number(admin.address?.split(":")[1]);
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.equal((await send({ socketPath: socket, path: "/v1/status" })).status, 200);
  assert.equal((await send({ port, path: "/v1/status" })).status, 401);
  assert.equal((await send({ port, path: "/healthz" })).status, 200);
  const secret = (await world.tokens.create("one"))?.secret;
  const headers = { Authorization: `Bearer ${secret}` };
  assert.equal((await send({ port, path: "/v1/status", headers })).status, 200);
  await admin.stop();
  assert.equal(existsSync(socket), false);
});

test("guesses keep nobody waiting but their own network", async (t) => {
  await using folder = await tempFolder();
  const world = new FakeWorld();
  const listen = { address: "127.0.0.1", port: 0 };
  const admin = await startAdmin({ ...world.parts(join(folder.path, "admin.sock")), listen });
  const port = Number(admin.address?.split(":")[1]);
  t.after(() => admin.stop());
  const bearing = (secret = "") => ({ Authorization: `Bearer ${secret}` });
  const wrong = bearing(`hf_${"A".repeat(43)}`);
  for (let i = 0; i < 10; i++)
    assert.equal((await send({ port, path: "/v1/status", headers: wrong })).status, 401);
  const headers = bearing((await world.tokens.create("one"))?.secret);
  const from = async (localAddress: string) =>
    (await send({ port, path: "/v1/status", headers, localAddress })).status;
  assert.deepEqual([await from("127.0.0.9"), await from("127.0.1.9")], [429, 200]);
});

for (const [when, first] of [
  ["at its beginning", ""],
  ["in its middle", "Subject: a\r\n\r\n"],
])
  test(`an export that fails ${when} is cut off, and told in the log alone`, async (t) => {
    const console = t.mock.method(globalThis.console, "error", () => undefined);
    await using folder = await tempFolder();
    const socket = join(folder.path, "admin.sock");
    const world = new FakeWorld();
    const told: unknown[] = [];
    const log = loggerTo((level, message, { error }) => told.push([level, message, error]));
    world.exported = () =>
      Readable.from(
        (async function* () {
          yield first;
          await new Promise(setImmediate);
          throw new Error("EIO");
        })(),
      );
    const admin = await startAdmin({ ...world.parts(socket), log });
    t.after(() => admin.stop());
    const path = `/v1/queue/${FIRST}/export`;
    await assert.rejects(send({ socketPath: socket, path }), { code: "ECONNRESET" });
    assert.deepEqual(told, [["error", "an export was interrupted", "EIO"]]);
    assert.equal(console.mock.callCount(), 0);
  });

test("a body beyond 16 MB is refused, with and without its length told", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "admin.sock");
  const world = new FakeWorld();
  const admin = await startAdmin(world.parts(socket));
  const path = "/v1/domains/example.com/recipients";
  const chunk = Buffer.alloc(1024 * 1024, "x");
  const chunks = Array.from({ length: MAX_BODY / chunk.length + 1 }, () => chunk);
  const chunked = await send({ socketPath: socket, path, method: "POST" }, chunks);
  assert.equal(chunked.status, 413);
  assert.equal(JSON.parse(chunked.text).error.code, "too_large");
  const told = { "Content-Length": String(MAX_BODY + 1) };
  const early = await send({ socketPath: socket, path, method: "POST", headers: told }, [
    Buffer.alloc(MAX_BODY + 1, "x"),
  ]);
  assert.equal(early.status, 413);
  assert.deepEqual(world.changes, []);
  await admin.stop();
});

test("a load balancer that asks with HTTP/1.0, without a Host, is told how the daemon is", async () => {
  await using folder = await tempFolder();
  const socketPath = join(folder.path, "admin.sock");
  const admin = await startAdmin(new FakeWorld().parts(socketPath));
  const client = connect(socketPath, () => client.write("GET /healthz HTTP/1.0\r\n\r\n"));
  assert.match(await readText(client), /^HTTP\/1\.1 200 OK\r\n[^]*\{"ok":true\}$/);
  await admin.stop();
});

test("a small body in chunks, and a DELETE without one, are taken over the wire", async () => {
  await using folder = await tempFolder();
  const socketPath = join(folder.path, "admin.sock");
  const world = new FakeWorld();
  const admin = await startAdmin(world.parts(socketPath));
  const path = "/v1/domains/example.com/recipients";
  const chunks = ['{"verb":"add",', '"recipients":["alice"]}'].map((text) => Buffer.from(text));
  assert.equal((await send({ socketPath, path, method: "POST" }, chunks)).status, 200);
  assert.deepEqual(world.changes[0]?.recipients, ["alice"]);
  assert.equal((await send({ socketPath, path: "/v1/domains/other.example", method: "DELETE" })).status, 200);
  await admin.stop();
});

test("the socket file of a dead daemon makes way, a living daemon and a plain file do not", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "admin.sock");
  const world = new FakeWorld();
  await abandonSocket(socket);
  const admin = await startAdmin(world.parts(socket));
  await assert.rejects(startAdmin(world.parts(socket)), /another daemon answers there/);
  assert.equal((await send({ socketPath: socket, path: "/healthz" })).status, 200);
  await admin.stop();
  writeFileSync(socket, "mine");
  await assert.rejects(startAdmin(world.parts(socket)), /a file that is no socket is in the way/);
});

test("a socket whose folder is not there is told by that folder", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "run", "admin.sock");
  await assert.rejects(startAdmin(new FakeWorld().parts(socket)), {
    name: "CannotListen",
    message: `cannot listen on ${socket}: there is no folder ${folder.path}/run; make it (systemd: RuntimeDirectory), or change admin.socket`,
  });
});

/** Leaves a socket file behind that nobody listens on. */
async function abandonSocket(path: string): Promise<void> {
  const { spawnSync } = await import("node:child_process");
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script]);
  assert.equal(existsSync(path), true);
}

test("a taken port, a foreign address and a long path are named with what to do", async () => {
  await using folder = await tempFolder();
  const world = new FakeWorld();
  const socket = join(folder.path, "admin.sock");
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => void other.once("listening", resolve));
  const { port } = other.address() as AddressInfo;
  const taken = startAdmin({ ...world.parts(socket), listen: { address: "127.0.0.1", port } });
  await assert.rejects(taken, {
    name: "CannotListen",
    message: new RegExp(`127\\.0\\.0\\.1:${port}.*choose another port`),
  });
  assert.equal(existsSync(socket), false, "the socket is closed again");
  other.close();
  const foreign = startAdmin({ ...world.parts(socket), listen: { address: "192.0.2.1", port: 0 } });
  await assert.rejects(foreign, /does not have that address/);
  const deep = join(folder.path, "x".repeat(100));
  mkdirSync(deep);
  await assert.rejects(startAdmin(world.parts(join(deep, "admin.sock"))), /at most 107 octets/);
});

test(
  "a socket that cannot be made is named",
  { skip: process.getuid?.() === 0 && "root may write anywhere" },
  async () => {
    await using folder = await tempFolder();
    chmodSync(folder.path, 0o500);
    await assert.rejects(startAdmin(new FakeWorld().parts(join(folder.path, "admin.sock"))), {
      name: "CannotListen",
    });
    chmodSync(folder.path, 0o700);
  },
);

test("stop ends although a client keeps its connection open", async () => {
  await using folder = await tempFolder();
  const socket = join(folder.path, "admin.sock");
  const admin = await startAdmin(new FakeWorld().parts(socket));
  const { Agent } = await import("node:http");
  const agent = new Agent({ keepAlive: true });
  await new Promise<void>((resolve, reject) => {
    request({ socketPath: socket, path: "/healthz", agent }, (response) => {
      response.resume().once("end", resolve);
    })
      .once("error", reject)
      .end();
  });
  await admin.stop();
  agent.destroy();
});

test("a domain is shown with its primaries, and with nothing of the other domains that they serve", async () => {
  await using folder = await tempFolder();
  const socketPath = join(folder.path, "admin.sock");
  const world = new FakeWorld();
  const [own, primary] = [world.domains[0], world.primaries[0]];
  assert.ok(own !== undefined && primary !== undefined);
  world.domains = ["other.example", "elsewhere.example"].map((name) => Object.assign({}, own, { name }));
  const shared = [own.name, "other.example"];
  const probation = shared.map((domain) => ({ domain, state: "running" as const, since: 1 }));
  world.primaries = [{ ...primary, domains: shared, acceptAll: shared, probation }];
  const admin = await startAdmin(world.parts(socketPath));
  const list = JSON.parse((await send({ socketPath, path: "/v1/domains" })).text);
  const one = JSON.parse((await send({ socketPath, path: "/v1/domains/other.example" })).text);
  const [other, elsewhere] = list.items;
  assert.deepEqual(other, one);
  assert.deepEqual(other.primaries, [
    { ...primary, domains: [other.name], acceptAll: [other.name], probation: [probation[1]] },
  ]);
  assert.deepEqual(elsewhere.primaries, []);
  await admin.stop();
});
