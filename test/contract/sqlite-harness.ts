import { cp } from "node:fs/promises";
import { join } from "node:path";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import {
  connectControl,
  connectIntake,
  connectWork,
  openDirectoryReader,
  openWriter,
  readerClient,
  serveReader,
  type IntakeOptions,
  type Role,
  type WriterOptions,
} from "../../src/adapters/storage/sqlite/sqlite.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { SILENT } from "../support/silent-log.ts";
import { tempFolder } from "../support/temp-folder.ts";
import type { StoreUnderTest } from "./store.contract.ts";

export type SqliteStore = Awaited<ReturnType<typeof openSqliteStore>>;
type Options = Partial<WriterOptions> & Partial<Pick<IntakeOptions, "bodyMemory" | "segmentSize">>;

/** A whole SQLite store on one thread: the writer and one client of each role, in a folder of its own. */
export async function openSqliteStore(options: Options = {}) {
  const own = options.folder === undefined ? await tempFolder() : undefined;
  const folder = options.folder ?? (own?.path as string);
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  const writer = openWriter({ reserve: { bytes: 0 }, log: SILENT, ...options, folder, clock });
  const ports: MessagePort[] = [];
  const port = (role: Role): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    writer.serve(role, port1);
    ports.push(port2);
    return port2;
  };
  const readerPorts = new MessageChannel();
  serveReader(folder, readerPorts.port1);
  const reader = readerClient();
  reader.connect(readerPorts.port2);
  const workPort = port("work");
  const directory = openDirectoryReader(folder, writer.shared);
  const { bodyMemory = 1 << 26, segmentSize } = options;
  const bounds = { bodyMemory, ...(segmentSize !== undefined && { segmentSize }) };
  const intakePort = port("intake");
  const close = async (): Promise<void> => {
    for (const open of ports) open.close();
    directory.close();
    readerPorts.port2.close();
    await writer.close();
    await own?.[Symbol.asyncDispose]();
  };
  return {
    folder,
    clock,
    writer,
    port,
    directory,
    intake: connectIntake(intakePort, { folder, shared: writer.shared, clock, ...bounds }),
    work: connectWork(workPort, { folder }),
    control: connectControl(port("control")),
    reader,
    closeWorkPort: () => workPort.close(),
    closeIntakePort: () => intakePort.close(),
    [Symbol.asyncDispose]: close,
  };
}

/** Copies the store's files to `target` as a killed process would leave them. */
export async function crashCopy(store: { readonly folder: string }, target: string): Promise<void> {
  await cp(store.folder, target, { recursive: true, filter: isNoSharedMemory });
}

function isNoSharedMemory(file: string): boolean {
  return !file.endsWith("-shm");
}

/** A SQLite store with the interface that the contract uses. */
export async function storeForContract(): Promise<StoreUnderTest> {
  return contractStore(await openSqliteStore());
}

function contractStore(store: SqliteStore): StoreUnderTest & { readonly recovered: number } {
  return {
    ...store,
    recovered: store.writer.recovered,
    move: (milliseconds) => store.clock.advance(milliseconds),
    reopenAfterCrash: async () => {
      const folder = await tempFolder();
      const copy = join(folder.path, "data");
      await crashCopy(store, copy);
      const reopened = contractStore(await openSqliteStore({ folder: copy, clock: store.clock }));
      return {
        ...reopened,
        [Symbol.asyncDispose]: async () => {
          await reopened[Symbol.asyncDispose]();
          await folder[Symbol.asyncDispose]();
        },
      };
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
