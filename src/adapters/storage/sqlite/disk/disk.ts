import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";

/** All that the writer asks of the disk beside SQL, in one place, so that a test can make it fail. */
export interface Disk {
  openDatabase(file: string, options: Database.Options): Database.Database;
  /** Bytes free to us and bytes in all, of the file system that holds `folder`. */
  space(folder: string): { readonly free: number; readonly total: number };
  /** Writes, flushes and renames a file and flushes the folder. Throws what the system says. */
  prove(folder: string): void;
  /** Appends to the file until it has so many bytes. Throws what the system says; what was written stays. */
  fill(file: string, bytes: number): void;
}

export const realDisk: Disk = {
  openDatabase: (file, options) => new Database(file, options),
  space: (folder) => {
    const { bavail, blocks, bsize } = statfsSync(folder);
    return { free: bavail * bsize, total: blocks * bsize };
  },
  prove: (folder) => {
    const proof = join(folder, "proof");
    writeDurably(proof, "proof");
    unlinkSync(proof);
    flushFolder(folder);
  },
  fill: fillFile,
};

/** Creates the folder for this user alone; an existing one is closed to others. */
export function makePrivateFolder(folder: string): void {
  makeFolder(folder);
  chmodSync(folder, 0o700);
}

/**
 * With its parents, each with its name on the disk: what is flushed within a folder goes with the folder. Node's
 * `recursive` never ends where one that is there takes no folders, as in /proc.
 */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
  flushFolder(dirname(folder));
}

/**
 * Makes sure that `file` exists with mode 0600; SQLite gives its side files the mode of the database. A file that
 * exists is not opened: closing it again would drop every lock that this process holds on it.
 */
export function makePrivateFile(file: string): void {
  if (existsSync(file)) chmodSync(file, 0o600);
  else closeSync(openSync(file, "wx", 0o600));
}

/** A file system that compresses would keep nothing of zeros. */
function fillFile(file: string, bytes: number): void {
  const block = randomBytes(1024 * 1024);
  const descriptor = openSync(file, "a", 0o600);
  try {
    for (let size = fstatSync(descriptor).size; size < bytes;)
      size += writeSync(descriptor, block, 0, Math.min(block.length, bytes - size));
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces `file`; it and its name are on the disk when this returns. */
export function writeDurably(file: string, text: string): void {
  const descriptor = openSync(`${file}.tmp`, "w", 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${file}.tmp`, file);
  flushFolder(join(file, ".."));
}

export function flushFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
