/**
 * The whole process may stand still: SIGSTOP, a frozen machine. What primaries said meanwhile still counts. And somebody
 * may set the clock: that is no waiting.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Deadline } from "../../../../src/adapters/smtp-client/deadline.ts";
import { smtpClient } from "../../../../src/adapters/smtp-client/smtp-client.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { claimedMail } from "../../../support/claimed-mail.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { targetAt } from "../../../support/primary-conversation.ts";

/** Longest wait for the reply to the final dot; its primary answers in half of that. */
const FINAL = 300;

/** A primary on a thread of its own, which goes on while ours stands still. */
const PRIMARY = `
  const { createServer } = require("node:net");
  const { parentPort } = require("node:worker_threads");
  const server = createServer((socket) => {
    let body = false;
    socket.on("error", () => {});
    socket.on("data", (octets) => {
      const text = octets.toString();
      if (!body) {
        body = text === "DATA\\r\\n";
        return void socket.write(body ? "354 go on\\r\\n" : "250 ok\\r\\n");
      }
      if (!text.endsWith("\\r\\n.\\r\\n")) return;
      parentPort.postMessage("dot");
      setTimeout(() => socket.write("250 taken\\r\\n"), ${FINAL / 2});
    });
    socket.write("220 primary.test ESMTP\\r\\n");
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

function told<T>(worker: Worker): Promise<T> {
  return new Promise((resolve) => {
    worker.once("message", resolve);
  });
}

function standStill(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

test("a reply that arrived while the process stood still past the limit is read", async () => {
  const worker = new Worker(PRIMARY, { eval: true });
  try {
    const port = await told<number>(worker);
    const clock = systemClock();
    const client = smtpClient({ hostname: "mx2.test", clock, connect: 5000, greeting: 5000, final: FINAL });
    const conversation = await client.converse(targetAt(port));
    const sending = conversation.send(claimedMail());
    await told(worker);
    standStill(3 * FINAL);
    const { outcomes } = await sending;
    assert.equal(outcomes.get(10)?.kind, "delivered");
    conversation.abort();
  } finally {
    await worker.terminate();
  }
});

test("setting the wall clock neither ends a wait nor prolongs it", () => {
  for (const set of [3_600_000, -6 * 3_600_000]) {
    const clock = new ManualClock();
    const late: number[] = [];
    const deadline = new Deadline(clock, (limit) => late.push(limit));
    deadline.begin(60_000);
    clock.advance(5000);
    clock.set(set);
    clock.advance(54_999);
    assert.deepEqual(late, []);
    clock.advance(1);
    assert.deepEqual(late, [60_000]);
  }
});
