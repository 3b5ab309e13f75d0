import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { CannotListen, explainListen, probeListen } from "../../../src/runtime/listening.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("a free port is bound once and released", async () => {
  const port = await probeListen("127.0.0.1", 0);
  assert.equal(await probeListen("127.0.0.1", port), port);
});

test("a port in use is an error that names its program and the remedy", async () => {
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

test("if another Holdfast uses the port, the error names the program without the options of Node.js", async () => {
  await using folder = await tempFolder();
  const script = join(folder.path, "holder.cjs");
  const listen =
    'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))';
  await writeFile(script, listen);
  const holder = spawn(process.execPath, ["--max-semi-space-size=1", "--no-warnings", script, "serve"]);
  try {
    const [port] = await once(holder.stdout, "data");
    const holds = new RegExp(`process ${holder.pid} \\(\\S*node ${script}\\) holds the port`);
    await assert.rejects(probeListen("127.0.0.1", Number(port)), holds);
  } finally {
    holder.kill();
    await once(holder, "exit");
  }
});

test("a privileged port and an address of another machine are explained", () => {
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
