/** How a daemon ends when something holds it up that no time heals. */
import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { AdminClient } from "../support/admin-client.ts";
import { Daemon, writeConfig } from "../support/daemon.ts";
import { freePort } from "../support/free-port.ts";
import { LAUNCHER } from "../support/holdfast-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";

/** Milliseconds. */
const READY = 60_000;
/** Well below the minute that a stop may take; ms. */
const LIMIT = 30_000;
/** Alerts have two seconds, and the machine may be busy; ms. */
const ALERT_LIMIT = 15_000;

/** The end of a pipe to write to, which is full, and which nobody reads. */
function fullPipe(folder: string): { readonly end: number } & Disposable {
  const fifo = join(folder, "log");
  execFileSync("mkfifo", [fifo]);
  const both = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(both, Buffer.alloc(4096, "x"));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
  }
  const end = openSync(fifo, "w");
  return { end, [Symbol.dispose]: () => [both, end].forEach((each) => closeSync(each)) };
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Runs a daemon whose log nobody reads, and lets `stop` end it; rejects when it does not. */
async function endBlocked(stop: (child: ChildProcess, admin: AdminClient) => Promise<void>): Promise<End> {
  await using folder = await tempFolder();
  using pipe = fullPipe(folder.path);
  const { file } = await writeConfig({ folder: folder.path, primaryPort: 9 });
  const child = spawn(process.execPath, [LAUNCHER, "serve", "--config", file], {
    stdio: ["ignore", pipe.end, "pipe"],
  });
  let end: Pick<End, "code" | "signal"> | undefined;
  child.once("close", (code, signal) => (end = { code, signal }));
  let stderr = "";
  child.stderr?.on("data", (piece: Buffer) => (stderr += piece.toString()));
  try {
    const admin = new AdminClient(join(folder.path, "data", "admin.sock"));
    await waitFor({ what: "the daemon is ready", deadline: READY }, () => admin.isReady());
    await stop(child, admin);
    return { ...(await waitFor({ what: "its end", deadline: LIMIT }, () => end)), stderr };
  } finally {
    child.kill("SIGKILL");
  }
}

test("if nobody reads the log, a stop still ends within seconds and reports why it took so long", async () => {
  const { stderr } = await endBlocked(async (child) => void child.kill("SIGTERM"));
  assert.match(stderr, /^holdfast: it did not stop in good order: nobody has read the log for 5 s/);
});

for (const second of ["SIGTERM", "SIGINT"] as const)
  test(`${second} after SIGTERM ends the daemon at once, whatever delays the stop`, async () => {
    const { signal, stderr } = await endBlocked(async (child, admin) => {
      child.kill("SIGTERM");
      await waitFor({ what: "it is stopping", deadline: LIMIT }, async () => !(await admin.isReady()));
      child.kill(second);
    });
    assert.deepEqual({ signal, stderr }, { signal: second, stderr: "" });
  });

test("if an alert command hangs, a stop still ends within seconds", async () => {
  await using folder = await tempFolder();
  const command = join(folder.path, "hang");
  const begun = join(folder.path, "begun");
  // It ends with the test, which removes its folder.
  const text = `#!/bin/sh\ncat > ${begun}\nwhile [ -e ${begun} ]; do sleep 1; done\n`;
  await writeFile(command, text, { mode: 0o755 });
  const settings = { alerts: { command } };
  await using daemon = await Daemon.start({
    folder: folder.path,
    primaryPort: await freePort(),
    domainSettings: { mode: "reflector" },
    settings,
  });
  await waitFor({ what: "an alert goes out", deadline: READY }, () => existsSync(begun));
  const begin = performance.now();
  assert.equal(await daemon.stop(), 0);
  assert.ok(performance.now() - begin < ALERT_LIMIT);
});
