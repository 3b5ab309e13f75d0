/**
 * The reader thread: lists, searches, exports and counts on a read-only connection, so that they never delay a 250. It
 * also copies the WAL for the storage thread, which continues with mail meanwhile.
 */
import type { MessagePort } from "node:worker_threads";
import { serveCheckpointer, serveReader } from "../adapters/storage/sqlite/sqlite.ts";
import { serveControl, threadData } from "../runtime/threads.ts";

export interface ReaderThreadData {
  readonly folder: string;
  readonly port: MessagePort;
  readonly checkpoints: MessagePort;
}

export type ReaderControl = { close(): void };

const data = threadData<ReaderThreadData>();
const reader = serveReader(data.folder, data.port);
const checkpointer = serveCheckpointer(data.folder, data.checkpoints);

serveControl<ReaderControl>({
  close: () => {
    checkpointer.close();
    reader.close();
  },
});
