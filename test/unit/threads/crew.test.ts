import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { JournalSink } from "../../../src/adapters/journal/journal.ts";
import { clientTables } from "../../../src/runtime/client-tables.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { loggerTo } from "../../../src/runtime/log.ts";
import {
  startDeliveryThread,
  startSmtpThreads,
  startStorage,
  type Storage,
} from "../../../src/threads/crew.ts";
import { freePort } from "../../support/free-port.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { SILENT } from "../../support/silent-log.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../support/wait.ts";
import { configOf, HEAD } from "../config/sample.ts";

test("the locks of an SMTP thread that dies are released", async () => {
  const config = await configOf(HEAD);
  const smtp = { ...config.smtp, threads: 1 };
  const clients = clientTables(1);
  const { connections, rates, strangers } = clients;
  const locks = [connections, rates, strangers].map((memory) => new Int32Array(memory, 0, 1));
  process.once("worker", (worker) => {
    // Held by the first thread.
    for (const cells of locks) cells[0] = 1;
    void worker.terminate();
  });
  const line = (): MessagePort => new MessageChannel().port1;
  const [thread] = startSmtpThreads({
    sink: Object.assign(new MemoryJournal(), { log: SILENT, connect: () => {} }) as unknown as JournalSink,
    clock: systemClock(),
    clockOffset: undefined,
    config: () => ({ ...config, smtp }),
    tls: () => undefined,
    soundLists: () => [],
    rules: () => [],
    clients,
    storage: { connect: line, shared: new SharedArrayBuffer(8) } as unknown as Storage,
    connectPrimaries: line,
  });
  await assert.rejects(thread?.started ?? Promise.resolve());
  assert.deepEqual(
    locks.map((cells) => cells[0]),
    [0, 0, 0],
  );
});

test("a thread of any kind that does not answer is journalled; a slow start ends the wait for it", async () => {
  await using folder = await tempFolder();
  const port = await freePort();
  const text = `storage: "sqlite:${folder.path}/data"\nhostname: mx2.example.net\nsmtp: { threads: 1, listen: ["127.0.0.1:${port}"] }\n`;
  const config = await configOf(text);
  mkdirSync(config.storage.folder, { mode: 0o700 });
  const clock = new ManualClock(Date.now());
  const journal = new MemoryJournal();
  const lines: string[] = [];
  const log = loggerTo((_level, message) => void lines.push(message));
  const sink = Object.assign(journal, { log, connect: (port: MessagePort) => port.unref() });
  const parts = { sink: sink as unknown as JournalSink, clock, clockOffset: undefined };
  const storage = await startStorage(config, parts);
  const delivery = startDeliveryThread(() => config, storage, { ...parts, agesDoubted: () => 0 });
  await delivery.started;
  const line = (): MessagePort => new MessageChannel().port1;
  const [smtp] = startSmtpThreads({
    ...parts,
    config: () => config,
    tls: () => undefined,
    soundLists: () => [],
    rules: () => [],
    clients: clientTables(1),
    storage,
    connectPrimaries: line,
  });
  await smtp?.started;
  clock.advance(10_000);
  // They are asked, but no answer is read.
  for (let n = 0; n < 10; n++) await Promise.resolve();
  clock.advance(60_000);
  for (let n = 0; n < 10; n++) await Promise.resolve();
  const silent = journal.of("thread.silent").map(({ thread }) => thread);
  assert.deepEqual(silent.toSorted(), ["delivery", "smtp-1", "storage"]);
  await waitFor(
    { what: "storage answers", deadline: 10_000 },
    () => journal.of("thread.answers").length === 1,
  );
  const again = "thread died, restarting it";
  await waitFor({ what: "the others end", deadline: 10_000 }, () => lines.length === 2);
  assert.deepEqual(lines, [again, again]);
  await smtp?.end("stop", { grace: 0 });
  await delivery.end("stop");
  await storage.thread.control.call("close");
  await storage.thread.terminate();
});
