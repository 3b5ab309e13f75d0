/**
 * Reads from all plain sockets of a thread into one buffer. Node.js makes a buffer of 64 KiB for each read, cuts it to
 * what came and leaves it to be collected: a quarter of what a bare server spends on a mail. It offers `onread` for
 * sockets that one makes oneself only; so the handle of an accepted connection moves into one of those. Where Node.js
 * does not look as expected, the socket stays as it is.
 */
import { Socket } from "node:net";

/** What of an accepted socket moves. */
interface Accepted {
  _handle: { useUserBuffer?: unknown } | null;
  /** Where the connection is counted. */
  _server: object | null;
}

const BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** Takes octets that stay good until it returns. */
type Taker = (octets: Buffer) => void;

const takers = new WeakMap<Socket, { take: Taker }>();

/** Call it before anything was read. */
export function withSharedReads(socket: Socket): Socket {
  const from = socket as unknown as Accepted;
  const { _handle: handle, _server: server } = from;
  if (typeof handle?.useUserBuffer !== "function" || server === undefined) return socket;
  const reading: { take: Taker } = { take: () => {} };
  const onread = {
    buffer: BUFFER,
    callback: (octets: number): boolean => {
      reading.take(BUFFER.subarray(0, octets));
      return true;
    },
  };
  const to = new Socket({ handle, onread } as unknown as ConstructorParameters<typeof Socket>[0]);
  (to as unknown as Accepted)._server = server;
  from._handle = null;
  from._server = null;
  takers.set(to, reading);
  return to;
}

/** Sets who takes what such a socket reads; false for any other socket. */
export function takeShared(socket: Socket, take: Taker): boolean {
  const reading = takers.get(socket);
  if (reading === undefined) return false;
  reading.take = take;
  return true;
}
