/** The reader thread: lists, searches, exports and counts on a read-only connection, never in front of a 250. */
import { parentPort, type MessagePort } from "node:worker_threads";
import { serveReader } from "../adapters/storage/sqlite/sqlite.ts";
import { serveControl, threadData } from "../runtime/threads.ts";

export interface ReaderThreadData {
  readonly folder: string;
  readonly port: MessagePort;
}

export type ReaderControl = { close(): void };

const data = threadData<ReaderThreadData>();
const reader = serveReader(data.folder, data.port);

serveControl<ReaderControl>({ close: () => reader.close() }, parentPort);
