import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { Wire } from "../../../../src/adapters/smtp-client/wire.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function unread(clock = new ManualClock()): {
  readonly wire: Wire;
  readonly socket: Socket;
  say(replies: string): void;
} {
  const socket = new Duplex({ read: () => {} }) as Socket;
  const wire = new Wire(socket, clock);
  return { wire, socket, say: (replies) => void socket.emit("data", Buffer.from(replies)) };
}

test("the replies to ten thousand recipients may arrive in one chunk", () => {
  const { wire, say } = unread();
  say("250\r\n".repeat(13_107));
  assert.equal(wire.lost, undefined);
});

test("a peer that sends replies without end is given up at a number of octets", () => {
  for (const piece of ["250 ok\r\n".repeat(8192), `250 ${"x".repeat(65_530)}\r\n`]) {
    const { wire, socket, say } = unread();
    const lost = (): string | undefined => wire.lost?.message;
    for (let n = 0; n < 4; n++) say(piece);
    assert.equal(lost(), undefined);
    say("250 ok\r\n");
    assert.match(lost() ?? "", /unsolicited replies/);
    assert.ok(socket.destroyed);
  }
});

test("replies that were read no longer count as unread octets", async () => {
  const { wire, say } = unread();
  for (let n = 0; n < 5; n++) {
    say("250 ok\r\n".repeat(8192));
    for (let reply = 0; reply < 8192; reply++) await wire.reply(1);
  }
  assert.equal(wire.lost, undefined);
});

test("a reply ends the wait for it, and no later silence counts as late", async () => {
  const clock = new ManualClock();
  const { wire, say } = unread(clock);
  const replying = wire.reply(1000);
  say("250 ok\r\n");
  assert.equal((await replying).code, 250);
  clock.advance(3_600_000);
  assert.equal(wire.lost, undefined);
  const late = assert.rejects(Promise.resolve(wire.reply(1000)), /no reply within 1 s/);
  clock.advance(1001);
  await late;
});

test("sent octets end the wait for them, and no later silence counts as late", async () => {
  const clock = new ManualClock();
  const taken: (() => void)[] = [];
  const write: Duplex["_write"] = (_chunk, _encoding, done) => void taken.push(done);
  const wire = new Wire(new Duplex({ read: () => {}, write }) as Socket, clock);
  const sent = wire.sent(["x".repeat(100_000)], 1000);
  while (taken.length > 0) taken.shift()?.();
  await new Promise(setImmediate);
  while (taken.length > 0) taken.shift()?.();
  await sent;
  clock.advance(3_600_000);
  assert.equal(wire.lost, undefined);
  wire.lose("the test is over");
});
