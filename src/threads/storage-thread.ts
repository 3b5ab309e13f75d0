/**
 * The storage thread: the only connection that writes. It serves accept, claim, settle and directory writes, nothing
 * else. If it dies, the process ends, because no 250 is possible without it.
 */
import type { MessagePort } from "node:worker_threads";
import { openWriter, type Role, type WriterOptions } from "../adapters/storage/sqlite/sqlite.ts";
import { journalTo } from "../adapters/journal/remote.ts";
import { systemClock, type ClockOffset } from "../runtime/clock.ts";
import { serveControl, threadData } from "../runtime/threads.ts";

export interface StorageThreadData {
  readonly folder: string;
  readonly reserve: WriterOptions["reserve"];
  readonly journal: MessagePort;
  readonly clockOffset: ClockOffset | undefined;
}

export type StorageControl = {
  /** Returns the memory shared with the clients: condition of the disk and free space. */
  shared(): SharedArrayBuffer;
  connect(client: { readonly role: Role; readonly port: MessagePort }): void;
  /** Sets the channel over which the reader thread copies the WAL for the writer. */
  copyBy(port: MessagePort): void;
  /** True if the last process did not end properly, so that the database should be checked. */
  unclean(): boolean;
  setReserve(reserve: WriterOptions["reserve"]): void;
  /** Makes the last commit and checkpoint. */
  close(): Promise<void>;
};

const data = threadData<StorageThreadData>();
const clock = systemClock(data.clockOffset);
const { journal, log, flush } = journalTo(data.journal, clock);
const writer = openWriter({ folder: data.folder, reserve: data.reserve, clock, log, journal });

if (writer.recovered > 0) journal.record({ kind: "store.recovered", unconfirmed: writer.recovered });

serveControl<StorageControl>({
  shared: () => writer.shared,
  connect: ({ role, port }) => writer.serve(role, port),
  copyBy: (port) => writer.copyBy(port),
  unclean: () => writer.unclean,
  setReserve: (reserve) => writer.setReserve(reserve),
  close: async () => {
    await writer.close();
    flush();
  },
});
