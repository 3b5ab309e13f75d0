import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { Wire } from "../../../../src/adapters/smtp-client/wire.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

test("a peer that sends replies without end is given up", () => {
  const socket = new Duplex({ read: () => {} }) as Socket;
  const wire = new Wire(socket, new ManualClock());
  const lost = (): string | undefined => wire.lost?.message;
  socket.emit("data", Buffer.from("250 ok\r\n".repeat(4096)));
  assert.equal(lost(), undefined);
  socket.emit("data", Buffer.from("250 ok\r\n"));
  assert.match(lost() ?? "", /replies that nobody asked for/);
  assert.ok(socket.destroyed);
});
