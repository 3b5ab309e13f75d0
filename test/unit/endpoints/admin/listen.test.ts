import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { buildApplication } from "../../../../src/endpoints/admin/application.ts";
import { trustSocket } from "../../../../src/endpoints/admin/authenticate.ts";
import { closeServer, httpServer, listenSocket } from "../../../../src/endpoints/admin/listen.ts";
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

test("how many connect at a time, and how long a request may take to arrive, is bounded", () => {
  const server = httpServer(buildApplication(new FakeWorld().parts("unused"), trustSocket()));
  const { maxConnections, headersTimeout, requestTimeout, keepAliveTimeout } = server;
  assert.deepEqual(
    { maxConnections, headersTimeout, requestTimeout, keepAliveTimeout },
    { maxConnections: 256, headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 5000 },
  );
});
