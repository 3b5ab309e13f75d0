import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { makeRoomToStart, withBallast } from "./ballast.ts";
import { unusable, usable } from "./opening.ts";
import { makePrivateFile, makePrivateFolder, writeDurably } from "./disk.ts";

/** Another daemon holds the data folder. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
  /** The other's process id; undefined when it could not be read. */
  readonly pid: number | undefined;

  constructor(folder: string, pid: number | undefined) {
    const whom = pid === undefined ? "another process" : `process ${pid}`;
    super(`${folder} is in use by ${whom}; stop that one first, or set another storage folder`);
    this.pid = pid;
  }
}

/** Keeps the connections alive: a collected one would close, and the lock would be gone. */
const held = new Set<Database.Database>();

export interface Lock {
  release(): void;
}

/**
 * Takes the data folder for this process, creating it for this user alone. The operating system frees the lock
 * when the process dies, however it dies. Throws FolderInUse when another process has it, and StoreUnusable.
 */
export function acquireLock(folder: string, pid: number): Lock {
  usable(folder, () => makePrivateFolder(folder));
  const file = join(folder, "lock.sqlite");
  const pidFile = join(folder, "daemon.pid");
  const database = usable(file, () => {
    makePrivateFile(file);
    return new Database(file, { timeout: 0 });
  });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code === "SQLITE_BUSY") throw new FolderInUse(folder, readPid(pidFile));
    throw unusable(file, error);
  }
  held.add(database);
  usable(folder, () => makeRoomToStart(folder));
  usable(pidFile, () => withBallast(folder, () => writeDurably(pidFile, `${pid}\n`)));
  return {
    release: () => {
      if (!database.open) return;
      rmSync(pidFile, { force: true });
      database.close();
      held.delete(database);
    },
  };
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return Number.isSafeInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}
