import { lstatSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { codeOf } from "../../../../runtime/system-code.ts";
import { makeRoomToStart, withBallast } from "./ballast.ts";
import { QUEUE_FILE } from "./connection.ts";
import { unusable, usable } from "./opening.ts";
import { makePrivateFile, makePrivateFolder, writeDurably } from "./disk.ts";

/** Another process holds the lock of the data folder. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
  /** Id of that process; undefined if it could not be read. */
  readonly pid: number | undefined;

  constructor(folder: string, pid: number | undefined) {
    const whom = pid === undefined ? "another process" : `process ${pid}`;
    super(`${folder} is in use by ${whom}; stop that one first, or set another storage folder`);
    this.pid = pid;
  }
}

const LOCK_FILE = "lock.sqlite";
/** Every folder that a daemon has used before contains one of these. */
const OURS: ReadonlySet<string> = new Set([LOCK_FILE, QUEUE_FILE]);
/** The only entry of a new file system. */
const FRESH = "lost+found";

/** Keeps the connections alive: a garbage-collected connection would close and release the lock. */
const held = new Set<Database.Database>();

interface Lock {
  /** When a file of the folder was last written before this start, ms since 1970; undefined if there was none. */
  readonly lastUsed: number | undefined;
  release(): void;
}

/**
 * Takes the data folder for this process, creating it for this user alone. The operating system frees the lock
 * when the process dies, however it dies. Throws FolderInUse when another process has it, and StoreUnusable.
 */
export function acquireLock(folder: string, pid: number): Lock {
  const lastUsed = usable(folder, () => {
    refuseOthers(folder);
    makePrivateFolder(folder);
    return lastWritten(folder);
  });
  const file = join(folder, LOCK_FILE);
  const pidFile = join(folder, "daemon.pid");
  const database = usable(file, () => {
    makePrivateFile(file);
    return new Database(file, { timeout: 0 });
  });
  try {
    // This writes if the file is new. A new file has no other holder, so the ballast is not another daemon's.
    withBallast(folder, () => database.exec("BEGIN EXCLUSIVE"));
  } catch (error) {
    database.close();
    if (codeOf(error) === "SQLITE_BUSY") throw new FolderInUse(folder, readPid(pidFile));
    throw unusable(file, error);
  }
  held.add(database);
  usable(folder, () => makeRoomToStart(folder));
  usable(pidFile, () => withBallast(folder, () => writeDurably(pidFile, `${pid}\n`)));
  return {
    lastUsed,
    release: () => {
      if (!database.open) return;
      rmSync(pidFile, { force: true });
      database.close();
      held.delete(database);
    },
  };
}

/** Includes the folder's own time: a clean stop removes files, which changes the folder. */
function lastWritten(folder: string): number | undefined {
  const files = readdirSync(folder).map((name) => lstatSync(join(folder, name), { throwIfNoEntry: false }));
  const times = files.flatMap((stats) => (stats?.isFile() === true ? stats.mtimeMs : []));
  return times.length === 0 ? undefined : Math.max(statSync(folder).mtimeMs, ...times);
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return Number.isSafeInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Throws ENOTEMPTY if the folder is probably not ours, such as `/tmp`: other users may use it, and it contains files,
 * but none of a daemon. Withdrawing the others' access would do harm.
 */
function refuseOthers(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined || (found.mode & 0o077) === 0) return;
  const names = readdirSync(folder).filter((name) => !name.startsWith(".") && name !== FRESH);
  if (names.length === 0 || names.some((name) => OURS.has(name))) return;
  throw Object.assign(new Error(`${folder} holds ${names[0]}`), { code: "ENOTEMPTY" });
}
