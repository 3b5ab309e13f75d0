import type { MessagePort } from "node:worker_threads";
import { openChannel, serveChannel } from "../../../../runtime/channel.ts";
import { openCheckpointConnection } from "./connection.ts";
import { checkpointInPlace } from "./wal.ts";

type CheckpointMethods = { copy(): void };

/** Copies the WAL for the writer, on another thread. */
export interface Checkpointer {
  /** Copies the present pages of the WAL into the database; flushes the database only if no page is added meanwhile. */
  copy(): Promise<void>;
}

/** Serves the writer over one port. The result's `close` stops it. */
export function serveCheckpointer(folder: string, port: MessagePort): { close(): void } {
  const database = openCheckpointConnection(folder);
  const server = serveChannel<CheckpointMethods>(port, { copy: () => checkpointInPlace(database) });
  return {
    close: () => {
      server.close();
      database.close();
    },
  };
}

/** The writer's side of that port. */
export function connectCheckpointer(port: MessagePort): Checkpointer {
  const channel = openChannel<CheckpointMethods>(port);
  return { copy: () => channel.call("copy") };
}
