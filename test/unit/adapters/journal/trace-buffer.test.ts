import assert from "node:assert/strict";
import { test } from "node:test";
import { TraceBuffer } from "../../../../src/adapters/journal/trace-buffer.ts";
import type { JournalEvent } from "../../../../src/ports/journal.ts";
import type { Traced, TraceWriter } from "../../../../src/ports/trace.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { idle } from "../../../support/settle.ts";

const DEFERRED: JournalEvent = {
  kind: "mail.deferred",
  id: "01k9zq3v5x0abcde",
  recipient: "alice@example.com",
  domain: "example.com",
};

class MemoryTrace implements TraceWriter {
  readonly batches: (readonly Traced[])[] = [];
  #taken: Traced[] = [];
  add(traced: Traced): void {
    this.#taken.push(traced);
  }
  async diskAnswers(): Promise<void> {}
  write(): number {
    this.batches.push(this.#taken);
    this.#taken = [];
    return 0;
  }
  trim(): number {
    return 0;
  }
  close(): void {}
}

class FullTrace extends MemoryTrace {
  override write(): number {
    super.write();
    return this.batches.at(-1)?.length ?? 0;
  }
}

test("trace events are written after 100 ms or when there are 500", async () => {
  const clock = new ManualClock();
  const trace = new MemoryTrace();
  const buffer = new TraceBuffer(clock);
  buffer.writeTo(trace);
  buffer.add(DEFERRED, 1);
  buffer.add(DEFERRED, 2);
  assert.equal(trace.batches.length, 0);
  clock.advance(100);
  await idle();
  assert.deepEqual(trace.batches, [[1, 2].map((at) => ({ at, event: DEFERRED }))]);
  for (let i = 0; i < 500; i++) buffer.add(DEFERRED, i);
  await idle();
  assert.equal(trace.batches[1]?.length, 500);
  buffer.add(DEFERRED, 500);
  clock.advance(100);
  await idle();
  assert.equal(trace.batches[2]?.length, 1);
  await buffer.flush();
  assert.equal(trace.batches.length, 3, "nothing waits");
});

test("trace events wait for a writer that comes later, up to a bound; events that a writer loses are counted", async () => {
  const buffer = new TraceBuffer(new ManualClock());
  for (let i = 0; i < 20_500; i++) buffer.add(DEFERRED, i);
  await buffer.flush();
  assert.equal(buffer.dropped, 500);
  const trace = new MemoryTrace();
  buffer.writeTo(trace);
  await idle();
  assert.equal(trace.batches.flat().length, 20_000);
  assert.equal(trace.batches.flat().at(-1)?.at, 20_499);
  buffer.writeTo(new FullTrace());
  buffer.add(DEFERRED, 1);
  await buffer.flush();
  assert.equal(buffer.dropped, 501);
});

/** Its disk answers when the test says so. */
class SilentTrace extends MemoryTrace {
  readonly disk = Promise.withResolvers<void>();
  override diskAnswers(): Promise<void> {
    return this.disk.promise;
  }
}

test("while the disk does not answer, trace events wait, up to a bound", async () => {
  const clock = new ManualClock();
  const trace = new SilentTrace();
  const buffer = new TraceBuffer(clock);
  buffer.writeTo(trace);
  for (let i = 0; i < 10_000; i++) buffer.add(DEFERRED, i);
  clock.advance(60_000);
  await idle();
  assert.equal(trace.batches.length, 0);
  for (let i = 10_000; i < 20_500; i++) buffer.add(DEFERRED, i);
  let over = false;
  const flushed = buffer.flush().then(() => (over = true));
  assert.equal(buffer.dropped, 500);
  await idle();
  assert.equal(over, false);
  trace.disk.resolve();
  await flushed;
  assert.deepEqual([trace.batches.length, trace.batches[0]?.length], [1, 20_000]);
  buffer.add(DEFERRED, 20_500);
  clock.advance(100);
  await idle();
  assert.equal(trace.batches.length, 2);
});

test("events that are not about mail are not written to the trace", async () => {
  const trace = new MemoryTrace();
  const buffer = new TraceBuffer(new ManualClock());
  buffer.writeTo(trace);
  buffer.add({ kind: "queue.expired", recipients: 1 }, 1);
  await buffer.flush();
  assert.deepEqual(trace.batches, []);
});

test("a flood of refusals does not displace the events of mails", async () => {
  const trace = new MemoryTrace();
  const buffer = new TraceBuffer(new ManualClock());
  buffer.writeTo(trace);
  const refused = {
    kind: "client.refused",
    ip: "192.0.2.1",
    stage: "rcpt",
    recipient: "x@example.com",
  } as const;
  const event: JournalEvent = { ...refused, reply: { code: 550, text: "no" } };
  for (let i = 0; i < 1000; i++) buffer.add(event, 1000);
  buffer.add(event, 2000);
  await buffer.flush();
  assert.equal(trace.batches.flat().length, 21);
});
