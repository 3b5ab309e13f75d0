/**
 * Calls between threads. A channel is one MessagePort; one side serves named methods, the other calls them and gets
 * promises. Calls made in one turn of the event loop travel as one message, and so do the answers that become ready in
 * one turn: a busy thread pays for one wake-up, not for thousands.
 *
 * Invariants: calls arrive in the order in which they were made; an error on the serving side rejects the promise with
 * its message; when the port closes, every open call is rejected with ChannelClosed.
 */
import type { MessagePort, Transferable } from "node:worker_threads";

// Methods of every signature travel here; callers see their own types.
type AnyMethod = (argument: any) => unknown;
export type Methods = { [name: string]: AnyMethod };
type Served<M> = { readonly [K in keyof M]: AnyMethod };

type Packet =
  | { readonly calls: readonly Call[] }
  | { readonly answers: readonly Answer[] }
  | { readonly events: readonly unknown[] };
type Call = readonly [id: number, name: string, argument: unknown];
type Answer = readonly [id: number, failed: boolean, value: unknown];

export class ChannelClosed extends Error {
  override readonly name = "ChannelClosed";

  constructor() {
    super("the other thread has ended");
  }
}

/**
 * Handler for a rejected call whose effect is not needed if the other thread has ended: ignores ChannelClosed, throws
 * every other error.
 */
export function unlessEnded(error: unknown): undefined {
  if (!(error instanceof ChannelClosed)) throw error;
}

/** A value whose `buffers` (buffers and ports within it) move to the other thread instead of being copied. */
export class Moved<T> {
  readonly value: T;
  readonly buffers: readonly Transferable[];
  constructor(value: T, buffers: readonly Transferable[]) {
    this.value = value;
    this.buffers = buffers;
  }
}

export interface Caller<M extends Served<M>> {
  /** Calls a method on the serving side. Wrap the argument in Moved to transfer buffers. */
  call<K extends keyof M & string>(
    name: K,
    ...argument: Argument<M[K]>
  ): Promise<Unmoved<Awaited<ReturnType<M[K]>>>>;
  /** Runs `listener` for each event that the serving side sends unasked. */
  onEvent(listener: (event: never) => void): void;
  close(): void;
}

/** A method has one argument, or none. */
export type Argument<F extends AnyMethod> =
  Parameters<F> extends [] ? [] : [argument: Parameters<F>[0] | Moved<Parameters<F>[0]>];

type Unmoved<T> = T extends Moved<infer V> ? V : T;

interface Server {
  /** Sends a value to the calling side unasked. */
  tell(event: unknown, buffers?: readonly Transferable[]): void;
  close(): void;
}

/**
 * Serves `methods` on a port. A method may return its result at once, return a promise, or wrap the result in Moved.
 */
export function serveChannel<M extends Served<M>>(port: MessagePort, methods: M): Server {
  const answers = outbox<Answer>(port, (batch) => ({ answers: batch }));
  const events = outbox<unknown>(port, (batch) => ({ events: batch }));
  const answer = (id: number, result: unknown): void => {
    if (result instanceof Moved) answers([id, false, result.value], result.buffers);
    else answers([id, false, result], []);
  };
  const fail = (id: number, error: unknown): void =>
    answers([id, true, error instanceof Error ? error.message : String(error)], []);
  const run = ([id, name, argument]: Call): void => {
    try {
      const result = (methods as Methods)[name]?.(argument);
      if (result instanceof Promise)
        result.then(
          (value) => answer(id, value),
          (error) => fail(id, error),
        );
      else answer(id, result);
    } catch (error) {
      fail(id, error);
    }
  };
  port.on("message", (packet: Packet) => {
    if ("calls" in packet) packet.calls.forEach(run);
  });
  return { tell: (event, buffers = []) => events(event, buffers), close: () => port.close() };
}

/**
 * Opens the calling side of a channel. Node.js handles sockets that became readable together in separate tasks; posting
 * with setImmediate lets the calls of all of them travel together.
 */
export function openChannel<M extends Served<M>>(port: MessagePort, later: Moment = setImmediate): Caller<M> {
  const open = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  const listeners: ((event: never) => void)[] = [];
  const calls = outbox<Call>(port, (batch) => ({ calls: batch }), later);
  let lastId = 0;
  let closed = false;
  port.on("message", (packet: Packet) => {
    if ("answers" in packet) {
      for (const [id, failed, value] of packet.answers) {
        const waiting = open.get(id);
        open.delete(id);
        if (failed) waiting?.reject(new Error(String(value)));
        else waiting?.resolve(value as never);
      }
    } else if ("events" in packet) {
      for (const event of packet.events) for (const listener of listeners) listener(event as never);
    }
  });
  port.on("close", () => {
    closed = true;
    for (const { reject } of open.values()) reject(new ChannelClosed());
    open.clear();
  });
  return {
    call: (name, ...[argument]) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new ChannelClosed());
        lastId += 1;
        open.set(lastId, { resolve, reject });
        if (argument instanceof Moved) calls([lastId, name, argument.value], argument.buffers);
        else calls([lastId, name, argument], []);
      }),
    onEvent: (listener) => void listeners.push(listener),
    close: () => port.close(),
  };
}

/** Calls `post` when the collected items are to be posted. */
type Moment = (post: () => void) => void;

/** Collects items and posts them as one packet at the moment that `later` chooses. */
function outbox<T>(
  port: MessagePort,
  wrap: (batch: T[]) => Packet,
  later: Moment = queueMicrotask,
): (item: T, buffers: readonly Transferable[]) => void {
  let batch: T[] = [];
  let buffers: Transferable[] = [];
  const post = (): void => {
    const packet = wrap(batch);
    const moved = buffers;
    batch = [];
    buffers = [];
    port.postMessage(packet, moved);
  };
  return (item, moved) => {
    if (batch.length === 0) later(post);
    batch.push(item);
    buffers.push(...moved);
  };
}
