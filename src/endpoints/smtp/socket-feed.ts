/** Connects a client's socket to its parser: reading, waiting until replies are read, and closing. */
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import type { LineStream } from "./line-stream.ts";
import { takeShared } from "./shared-reads.ts";

const EMPTY = Buffer.alloc(0);
/** Octets of TLS read ahead while the parser is busy. Each TLS record is a buffer of its own, with 500 octets more. */
const AHEAD = 1024;

/** The internal field for how much a stream reads ahead. Its option cannot be used, as TLS creates its own streams. */
interface Buffering {
  readonly _readableState: { highWaterMark: number };
}

/** Passes what the socket reads to the parser, one chunk at a time. It replaces a pipe, which costs more. */
export function feed(parser: LineStream, socket: Socket): void {
  socket.unpipe(parser);
  let busy = false;
  /** Octets that arrived while the parser was busy: `look` resumes the socket meanwhile. */
  let kept: Buffer | undefined;
  const ready = (): void => {
    busy = false;
    // The socket of a closed parser belongs to TLS now, or is being closed.
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
    // A client that has sent more commands waits for their replies, even if it has closed its side after them.
    if (parser.ahead || kept !== undefined) return;
    socket.resume();
    // The first turn may come before Node.js has asked the system for something to read.
    for (let turns = 0; turns < 2; turns++) await nextTurn();
    if (busy) socket.pause();
    if (kept === undefined && (socket.destroyed || socket.readableEnded)) left();
  };
  const lent = takeShared(socket, take);
  if (!lent) {
    socket.on("data", take);
    (socket as unknown as Buffering)._readableState.highWaterMark = AHEAD;
  }
  // A previous reader may have left the socket paused.
  socket.resume();
}

/** Resolves when the client has read its replies. Undefined if few or none are buffered. */
export function drained(socket: Socket): Promise<void> | undefined {
  if (!socket.writableNeedDrain || socket.destroyed) return undefined;
  return new Promise((resolve) => void socket.once("drain", resolve));
}

/**
 * Closes the connection after QUIT, without waiting for the client to close its side: it has nothing more to say. Many
 * clients do not wait for the 221 either, and their reset of the connection would be an error to handle. Returns true
 * if replies are still buffered for a client that may never read them; the caller must then set a deadline.
 */
export function hangUp(parser: LineStream, socket: Socket): boolean {
  parser.isClosed = true;
  // TLS must send its own closing message first.
  const waits = socket.writableLength > 0 || socket instanceof TLSSocket;
  if (waits) socket.destroySoon();
  else socket.destroy();
  return waits;
}
