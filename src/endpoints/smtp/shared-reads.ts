/**
 * Reads from all plain sockets of a thread into one buffer. By default Node.js allocates 64 KiB for each read, trims it
 * to the octets read and leaves it to the garbage collector, which is a quarter of the cost of a mail in a bare server.
 * Node.js has the option `onread` against that, but not for accepted sockets, so the fields that `onread` sets are set
 * here. If the internals of Node.js are not as expected, the socket stays as it is.
 */
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Receives octets that are valid only until it returns. */
type Taker = (octets: Buffer) => void;

interface Handle {
  useUserBuffer?(buffer: Buffer): void;
}

const BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** The symbols under which a socket keeps its read buffer and the callback for octets read. */
const [BUFFER_KEY, CALLBACK_KEY] = keysOfOnread();

/** Makes the socket pass what it reads to `take`. Returns false for TLS, or if the socket has read something before. */
export function takeShared(socket: Socket, take: Taker): boolean {
  const handle = (socket as unknown as { _handle: Handle | null })._handle;
  if (socket instanceof TLSSocket || socket.bytesRead > 0 || typeof handle?.useUserBuffer !== "function")
    return false;
  if (BUFFER_KEY === undefined || CALLBACK_KEY === undefined) return false;
  const notes = socket as unknown as Record<symbol, unknown>;
  handle.useUserBuffer(BUFFER);
  notes[BUFFER_KEY] = BUFFER;
  notes[CALLBACK_KEY] = (octets: number): boolean => {
    take(BUFFER.subarray(0, octets));
    return true;
  };
  return true;
}

function keysOfOnread(): (symbol | undefined)[] {
  const onread = { buffer: BUFFER, callback: (): boolean => true };
  const made = new Socket({ onread } as unknown as ConstructorParameters<typeof Socket>[0]);
  const notes = made as unknown as Record<symbol, unknown>;
  const keyOf = (value: unknown): symbol | undefined =>
    Object.getOwnPropertySymbols(notes).find((key) => notes[key] === value);
  return [keyOf(onread.buffer), keyOf(onread.callback)];
}
