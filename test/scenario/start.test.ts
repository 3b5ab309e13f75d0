/** What the operator sees when the daemon cannot start: a sentence with the remedy, exit code 1, no stack trace. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "../support/free-port.ts";
import { LAUNCHER } from "../support/holdfast-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

const NOBODY = 65_534;
/** Milliseconds. */
const DEADLINE = 30_000;

interface End {
  readonly code: number | string | null | undefined;
  readonly stderr: string;
}

interface Manner {
  /** Whose process it is; absent: ours. */
  readonly user?: number;
  /** The program that starts it. */
  readonly under?: readonly string[];
  /** A script that runs before it. */
  readonly before?: string;
}

/** Runs a daemon that is expected to end by itself. */
function serve(config: string, { user, under = [], before }: Manner = {}): Promise<End> {
  const identity = user === undefined ? {} : { uid: user, gid: user };
  const NODE_OPTIONS = before && `--import=data:text/javascript,${encodeURIComponent(before)}`;
  return new Promise((resolve) => {
    const options = { timeout: DEADLINE, ...identity, env: { ...process.env, NODE_OPTIONS } };
    const [program = "", ...words] = [...under, process.execPath, LAUNCHER, "serve", "--config", config];
    execFile(program, words, options, (error, _out, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stderr }),
    );
  });
}

function assertPlain({ code, stderr }: End): void {
  assert.equal(code, 1, stderr);
  assert.doesNotMatch(stderr, /^\s+at /m, "no stack trace");
}

function configuration(folder: string, port: number): string {
  return JSON.stringify({
    hostname: "mx2.holdfast.test",
    storage: `sqlite:${join(folder, "data")}`,
    smtp: { listen: [`127.0.0.1:${port}`] },
    domains: {
      "example.test": { mode: "backup", primary: { host: "127.0.0.1", port: 9 }, recipients: ["alice"] },
    },
  });
}

test("if a port is in use, the error names the program that uses it", async () => {
  await using folder = await tempFolder();
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => {
    holder.once("listening", resolve);
  });
  const { port } = holder.address() as AddressInfo;
  try {
    const file = join(folder.path, "taken.yaml");
    await writeFile(file, configuration(folder.path, port));
    const end = await serve(file);
    assertPlain(end);
    assert.match(end.stderr, new RegExp(`cannot listen on 127.0.0.1:${port}: process ${process.pid} \\(`));
  } finally {
    holder.close();
  }
});

const isRoot = process.getuid?.() === 0;

test(
  "a port below 1024 without permission is explained",
  { skip: !isRoot && "only root can become somebody else" },
  async (t) => {
    await using folder = await tempFolder();
    await chmod(folder.path, 0o777);
    const file = join(folder.path, "privileged.yaml");
    await writeFile(file, configuration(folder.path, 25));
    const end = await serve(file, { user: NOBODY });
    if (/cannot listen/.test(end.stderr)) {
      assertPlain(end);
      assert.match(end.stderr, /127\.0\.0\.1:25: ports below 1024 need a privilege; give it with /);
    } else t.skip(`user ${NOBODY} cannot run the daemon here: ${end.stderr.slice(0, 200)}`);
  },
);

test(
  "a limit on threads that is too low is explained",
  { skip: !isRoot && "the limit does not hold for root, and only root can become somebody else" },
  async (t) => {
    await using folder = await tempFolder();
    await chmod(folder.path, 0o777);
    const file = join(folder.path, "threads.yaml");
    await writeFile(file, configuration(folder.path, await freePort()));
    const end = await serve(file, { user: NOBODY, under: ["prlimit", "--nproc=10"] });
    if (/cannot run|EACCES|ENOENT/.test(end.stderr)) return t.skip(end.stderr.slice(0, 200));
    assertPlain(end);
    assert.match(end.stderr, /this user may have 10 processes and threads .*LimitNPROC and TasksMax/);
  },
);

/** The storage thread dies as the next one begins. */
const WITHOUT_STORAGE = `let storage;
process.on("worker", (worker) => {
  if (worker.threadName === "storage") storage = worker;
  else storage?.terminate();
});`;

test("an error while a failed start is undone does not hide why the start failed", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "dies.yaml");
  await writeFile(file, configuration(folder.path, await freePort()));
  const end = await serve(file, { before: WITHOUT_STORAGE });
  assertPlain(end);
  assert.equal(end.stderr, "holdfast: the other thread has ended\n");
});
