import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "../../../support/manual-clock.ts";
import { openSmtp, type RawSmtp } from "../../../support/raw-smtp.ts";
import { startBench, type Bench } from "../../../support/smtp-bench.ts";

/** How long smtp-server waits for a client that it has closed, in ms. */
const DEADLINE = 5000;
const LINES = "EHLO c.example\r\n".repeat(50);

/** A client that reads nothing more, and our end of its connection, in which answers have begun to wait. */
async function deaf(bench: Bench): Promise<{ smtp: RawSmtp; ours: Socket }> {
  const accepted = Promise.withResolvers<Socket>();
  const take = (message: unknown): void => accepted.resolve((message as { socket: Socket }).socket);
  subscribe("net.server.socket", take);
  const smtp = await openSmtp(bench.port);
  const ours = await accepted.promise;
  unsubscribe("net.server.socket", take);
  assert.ok(smtp);
  smtp.socket.pause();
  for (let sent = LINES.length; ours.writableLength === 0; sent += LINES.length) {
    smtp.write(LINES);
    while (ours.bytesRead < sent) await turn();
    await turn();
  }
  assert.ok(!ours.writableNeedDrain, "nothing more is read");
  return { smtp, ours };
}

/** Lets the deadline pass; answers how many places are taken then. */
async function after(t: TestContext, { ours, bench }: { ours: Socket; bench: Bench }): Promise<number> {
  const closed = once(ours, "close");
  while (!ours.writableEnded) await turn();
  t.mock.timers.tick(DEADLINE);
  await closed;
  return bench.connections.total();
}

describe("a client that does not read what it is told", { timeout: 20_000 }, () => {
  const limits = { commands: 1e9, commandsWithoutMail: 1e9 };

  test("and says QUIT gives its place back all the same", async (t) => {
    await using bench = await startBench({ limits });
    const { smtp, ours } = await deaf(bench);
    t.mock.timers.enable({ apis: ["setTimeout"] });
    smtp.write("QUIT\r\n");
    assert.equal(await after(t, { ours, bench }), 0);
    smtp.close();
  });

  test("is not listened to either", async () => {
    await using bench = await startBench({ limits });
    const { smtp, ours } = await deaf(bench);
    let heard = ours.bytesRead;
    for (let paused = 0; paused < 20; paused = ours.isPaused() ? paused + 1 : 0) {
      if (ours.bytesRead === heard) {
        smtp.write(LINES);
        heard += LINES.length;
      }
      await turn();
      assert.ok(ours.writableLength < 2 ** 20, "answers pile up");
    }
    assert.ok(ours.writableNeedDrain);
    smtp.close();
  });

  test("and closes its side is not waited for either", async (t) => {
    const clock = new ManualClock();
    await using bench = await startBench({ limits, clock });
    const { smtp, ours } = await deaf(bench);
    t.mock.timers.enable({ apis: ["setTimeout"] });
    smtp.socket.end();
    await once(ours, "end");
    clock.advance(1000);
    assert.equal(await after(t, { ours, bench }), 0);
    smtp.close();
  });

  test("does not outlast a stop", async (t) => {
    await using bench = await startBench({ limits });
    const { smtp, ours } = await deaf(bench);
    t.mock.timers.enable({ apis: ["setTimeout"] });
    void bench.endpoint.stop(0);
    assert.equal(await after(t, { ours, bench }), 0);
    smtp.close();
  });
});
