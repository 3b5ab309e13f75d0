import assert from "node:assert/strict";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { watchThreads } from "../support/thread-watch.ts";
import { waitFor } from "../support/wait.ts";

const WAIT = { deadline: 20_000, every: 1 };

test("if one SMTP thread fails to start, the other and everything else that runs is stopped", async () => {
  using threads = watchThreads();
  await using folder = await tempFolder();
  const smtp = { greetDelay: "0s", threads: 2 };
  const kill = (worker: Worker): void => {
    if (worker.threadName === "smtp-2") void worker.terminate();
  };
  process.on("worker", kill);
  const starting = ResidentDaemon.start({ folder: folder.path, primaryPort: 9, smtp });
  await assert
    .rejects(starting, /the smtp-2 thread ended with code \d before it was ready/)
    .finally(() => process.off("worker", kill));
  const names = ["storage", "reader", "delivery", "smtp-1", "smtp-2"];
  // A thread that has ended has the number -1.
  const running = (): readonly string[] =>
    names.filter((name) => threads.named(name).some(({ threadId }) => threadId !== -1));
  await waitFor({ what: "their end", ...WAIT }, () => running().length === 0).catch(() => undefined);
  const left = running();
  await Promise.all(left.map((name) => threads.named(name)[0]?.terminate()));
  assert.deepEqual(left, []);
});
