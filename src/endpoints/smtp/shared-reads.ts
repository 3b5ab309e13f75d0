/**
 * Reads from all plain sockets of a thread into one buffer. Node.js makes a buffer of 64 KiB for each read, cuts it to
 * what came and leaves it to be collected: a quarter of what a bare server spends on a mail. It offers `onread` for
 * sockets that one makes oneself only; what it notes in those is noted in accepted ones here. Where Node.js does not
 * look as expected, the socket stays as it is.
 */
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Takes octets that stay good until it returns. */
type Taker = (octets: Buffer) => void;

interface Handle {
  useUserBuffer?(buffer: Buffer): void;
}

const BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** Under which symbols a socket keeps its buffer and what is called when octets have come. */
const [BUFFER_KEY, CALLBACK_KEY] = keysOfOnread();

/** Has `take` called with what the socket reads; false, and nothing done, for TLS and where something was read already. */
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
