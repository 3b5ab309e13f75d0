/** A line to a server of this machine that carries octets in pieces of any size, and may break at any of them. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Random } from "./random.ts";

interface Frailty {
  readonly random: Random;
  /** Octets of the longest piece. */
  readonly longest: number;
  /** It breaks behind so many octets to the server, or from it. */
  readonly there: number;
  readonly back: number;
}

interface FrailLine extends AsyncDisposable {
  readonly port: number;
}

export async function frailLine(to: number, frailty: Frailty): Promise<FrailLine> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    const primary = connect({ port: to, host: "127.0.0.1", noDelay: true });
    for (const socket of [client, primary]) open.add(socket.on("error", () => {}));
    void carry(client, primary, frailty.there, frailty);
    void carry(primary, client, frailty.back, frailty);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** From one side to the other, until one of them ends, or the line breaks. */
async function carry(from: Socket, into: Socket, most: number, { random, longest }: Frailty): Promise<void> {
  let left = most;
  try {
    for await (const octets of from as AsyncIterable<Buffer>)
      for (let at = 0; at < octets.length; await nextTurn()) {
        const piece = octets.subarray(at, at + Math.min(left, 1 + random.below(longest)));
        into.write(piece);
        at += piece.length;
        left -= piece.length;
        if (left > 0) continue;
        into.end();
        return void from.resetAndDestroy();
      }
    into.end();
  } catch {
    into.destroy();
  }
}
