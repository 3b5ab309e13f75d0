/** How a client's socket and its parser work together: octets in, room for answers, the end. */
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import type { LineStream } from "./line-stream.ts";
import { takeShared } from "./shared-reads.ts";

const EMPTY = Buffer.alloc(0);
/** Octets that are read ahead while the parser is busy; each record of TLS is a buffer that costs 500 more. */
const AHEAD = 1024;

/** Where a stream says how much it reads ahead; it can be told only when it is made, and TLS makes its own. */
interface Buffering {
  readonly _readableState: { highWaterMark: number };
}

/** Hands what the socket reads to the parser, one chunk after the other; cheaper than a pipe, which it replaces. */
export function feed(parser: LineStream, socket: Socket): void {
  socket.unpipe(parser);
  let busy = false;
  /** What came while we only looked whether anything would. */
  let kept: Buffer | undefined;
  const ready = (): void => {
    busy = false;
    // A parser that was closed has lost its socket to TLS, or to nobody.
    if (parser.isClosed) return;
    const octets = kept;
    kept = undefined;
    if (octets !== undefined) give(octets, false);
    else if (socket.isPaused()) socket.resume();
  };
  const give = (octets: Buffer, borrowed: boolean): void => {
    busy = true;
    if (borrowed) parser.lend(octets, ready);
    else parser._write(octets, "", ready);
    if (busy) socket.pause();
  };
  const take = (octets: Buffer): void => {
    if (!busy) return give(octets, lent);
    socket.pause();
    if (!parser.isClosed) kept = Buffer.concat([kept ?? EMPTY, octets]);
  };
  parser.look = async (left) => {
    // A client that said more waits for its answers, even where its end stands behind that.
    if (parser.ahead || kept !== undefined) return;
    socket.resume();
    // The first may come before the system is asked for what there is to read.
    for (let turns = 0; turns < 2; turns++) await nextTurn();
    if (busy) socket.pause();
    if (kept === undefined && (socket.destroyed || socket.readableEnded)) left();
  };
  const lent = takeShared(socket, take);
  if (!lent) {
    socket.on("data", take);
    (socket as unknown as Buffering)._readableState.highWaterMark = AHEAD;
  }
  // Whoever read from it before may have left it paused.
  socket.resume();
}

/** Resolves when the client has read what waits for it; undefined where little or nothing waits. */
export function drained(socket: Socket): Promise<void> | undefined {
  if (!socket.writableNeedDrain || socket.destroyed) return undefined;
  return new Promise((resolve) => void socket.once("drain", resolve));
}

/**
 * Closes for a client that asked for it: nothing more comes that is worth reading, so nobody waits for its side to
 * close. Many clients do not wait for the 221 either, and what they answer to it would be an error to handle. True: some
 * answers wait for a client that may not read them, and a deadline must end that.
 */
export function hangUp(parser: LineStream, socket: Socket): boolean {
  parser.isClosed = true;
  // TLS says its own good-bye.
  const waits = socket.writableLength > 0 || socket instanceof TLSSocket;
  if (waits) socket.destroySoon();
  else socket.destroy();
  return waits;
}
