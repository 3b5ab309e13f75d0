import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { buildApplication } from "../../../../src/endpoints/admin/application.ts";
import { trustSocket } from "../../../../src/endpoints/admin/authenticate.ts";
import { closeServer, httpServer, listenSocket, listenTcp } from "../../../../src/endpoints/admin/listen.ts";
import { FakeWorld } from "../../../support/admin-fakes.ts";
import { tempFolder } from "../../../support/temp-folder.ts";

test("a request that hangs holds up an end for 2 s", async (t) => {
  await using folder = await tempFolder();
  const socketPath = join(folder.path, "admin.sock");
  const world = new FakeWorld();
  const asked = Promise.withResolvers<void>();
  world.explain = () => {
    asked.resolve();
    return new Promise(() => undefined);
  };
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const server = httpServer(buildApplication(world.parts("unused"), trustSocket()));
  await listenSocket(server, socketPath);
  const path = "/v1/explain?ip=192.0.2.1&helo=h&rcpt=a@example.com";
  const cutOff = Promise.withResolvers<Error>();
  request({ socketPath, path, agent: false }).once("error", cutOff.resolve).end();
  await asked.promise;
  let over = false;
  const closed = closeServer(server).then(() => (over = true));
  t.mock.timers.tick(1999);
  await new Promise(setImmediate);
  assert.equal(over, false);
  t.mock.timers.tick(1);
  await closed;
  assert.match((await cutOff.promise).message, /hang up|ECONNRESET/);
});

test("a client that sends more than 16 requests without waiting for answers is disconnected", async (t) => {
  const world = new FakeWorld();
  let begun = 0;
  world.explain = () => {
    begun += 1;
    return new Promise(() => undefined);
  };
  const server = httpServer(buildApplication(world.parts("unused"), trustSocket()));
  t.after(() => closeServer(server));
  const port = Number((await listenTcp(server, "127.0.0.1", 0)).split(":")[1]);
  const client = connect(port, "127.0.0.1");
  const cut = new Promise((resolve) => client.once("close", resolve).on("error", () => {}));
  const path = "/v1/explain?ip=192.0.2.1&helo=h&rcpt=a@example.com";
  client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(200));
  await cut;
  assert.ok(begun <= 16, `${begun} of 200 requests were begun`);
});

test("requests that are sent together are all answered, in order", async (t) => {
  const server = httpServer(buildApplication(new FakeWorld().parts("unused"), trustSocket()));
  t.after(() => closeServer(server));
  const port = Number((await listenTcp(server, "127.0.0.1", 0)).split(":")[1]);
  const client = connect(port, "127.0.0.1");
  let received = "";
  client.setEncoding("utf8").on("data", (text: string) => (received += text));
  const ended = new Promise((resolve) => client.once("close", resolve));
  const ask = (path: string, connection: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;
  client.write(ask("/healthz", "keep-alive").repeat(15) + ask("/v1/nothing", "close"));
  await ended;
  assert.deepEqual(received.match(/(?<=HTTP\/1\.1 )\d+/g), [...Array(15).fill("200"), "404"]);
});

test("a connection over TCP without any progress ends, but only after the longest change could have ended", async (t) => {
  const server = httpServer(buildApplication(new FakeWorld().parts("unused"), trustSocket()));
  t.after(() => closeServer(server));
  await listenTcp(server, "127.0.0.1", 0);
  assert.equal(server.timeout, 660_000);
});

test("how many connect at a time, and how long a request may take to arrive, is bounded", () => {
  const server = httpServer(buildApplication(new FakeWorld().parts("unused"), trustSocket()));
  const { maxConnections, headersTimeout, requestTimeout, keepAliveTimeout } = server;
  assert.deepEqual(
    { maxConnections, headersTimeout, requestTimeout, keepAliveTimeout },
    { maxConnections: 256, headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 5000 },
  );
});
