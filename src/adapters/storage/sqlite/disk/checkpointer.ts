import type { MessagePort } from "node:worker_threads";
import { openChannel, serveChannel } from "../../../../runtime/channel.ts";
import { openCheckpointConnection } from "./connection.ts";
import { checkpointInPlace } from "./wal.ts";

type CheckpointMethods = { copy(): void };

/** Who copies the WAL for the writer, on another thread. */
export interface Checkpointer {
  /** Copies what the WAL holds now into the database, which it flushes only if nothing is added meanwhile. */
  copy(): Promise<void>;
}

/** Serves the writer over one port. Answers what ends it. */
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
