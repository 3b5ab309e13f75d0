import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { CannotListen, explainListen, probeListen } from "../../../src/runtime/listening.ts";

test("a free port is bound once and let go", async () => {
  const port = await probeListen("127.0.0.1", 0);
  assert.equal(await probeListen("127.0.0.1", port), port);
});

test("a taken port is refused, with who holds it and what to do", async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  await assert.rejects(probeListen("127.0.0.1", port), (error: Error) => {
    assert.ok(error instanceof CannotListen);
    assert.match(error.message, new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: `));
    assert.match(error.message, new RegExp(`process ${process.pid} \\(.*node.* .+\\) holds the port`));
    assert.match(error.message, /choose another port/);
    return true;
  });
  await new Promise((resolve) => server.close(resolve));
});

test("a port that needs a privilege and an address of another machine are explained", () => {
  const error = (code: string): NodeJS.ErrnoException => Object.assign(new Error("no"), { code });
  const remedies = /0\.0\.0\.0:25.*CAP_NET_BIND_SERVICE.*service.*no-new-privileges.*compose\.yaml/;
  assert.match(explainListen(error("EACCES"), "0.0.0.0", 25).message, remedies);
  assert.match(
    explainListen(error("EADDRNOTAVAIL"), "::2", 25).message,
    /\[::2\]:25.*does not have that address/,
  );
  assert.match(
    explainListen(error("EAFNOSUPPORT"), "::", 25).message,
    /\[::\]:25: IPv6 is switched off on this machine; take that address out/,
  );
});
