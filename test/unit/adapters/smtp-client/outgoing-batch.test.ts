import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { buffer } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { OutgoingBatch } from "../../../../src/adapters/smtp-client/outgoing-batch.ts";

/** Connections whose far ends read nothing until they are asked to. */
async function slowPeers(count: number): Promise<{ ours: Socket[]; theirs: Socket[] }> {
  const server = createServer({ pauseOnConnect: true });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const ours: Socket[] = [];
  const theirs: Socket[] = [];
  for (let n = 0; n < count; n++) {
    const [[peer]] = (await Promise.all([
      once(server, "connection"),
      ours.push(connect(port, "127.0.0.1")),
    ])) as [[Socket], number];
    theirs.push(peer);
  }
  server.close();
  return { ours, theirs };
}

/** Octets that only this batch of this connection has. */
function batchOf(connection: number, n: number): Buffer {
  return Buffer.alloc(20_000, `${connection}.${n};`);
}

test("octets that wait for a slow peer are not overwritten by those sent to other peers", async () => {
  const { ours, theirs } = await slowPeers(12);
  const sent = ours.map((): Buffer[] => []);
  const send = (socket: Socket, connection: number): void => {
    const octets = batchOf(connection, sent[connection]?.length ?? 0);
    sent[connection]?.push(octets);
    const batch = new OutgoingBatch();
    batch.add([octets.subarray(0, 5000).toString(), octets.subarray(5000)]);
    batch.send(socket);
  };
  // Each until the kernel takes no more of it, and then some.
  for (const [connection, socket] of ours.entries())
    while (socket.writableLength < 100_000) {
      send(socket, connection);
      await turn();
    }
  for (let n = 0; n < 5; n++) for (const [connection, socket] of ours.entries()) send(socket, connection);
  const arrived = theirs.map((peer) => buffer(peer));
  for (const socket of ours) socket.end();
  for (const [connection, octets] of (await Promise.all(arrived)).entries())
    assert.ok(octets.equals(Buffer.concat(sent[connection] ?? [])), `connection ${connection}`);
  for (const socket of [...ours, ...theirs]) socket.destroy();
});
