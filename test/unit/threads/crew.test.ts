import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { JournalSink } from "../../../src/adapters/journal/journal.ts";
import { clientTables } from "../../../src/runtime/client-tables.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { startSmtpThreads, type Storage } from "../../../src/threads/crew.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { SILENT } from "../../support/silent-log.ts";
import { configOf, HEAD } from "../config/sample.ts";

test("an SMTP thread that dies leaves no lock behind, for which the others would wait", async () => {
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
