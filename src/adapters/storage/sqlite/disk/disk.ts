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

/** Everything that the writer asks of the disk apart from SQL, in one place, so that a test can make it fail. */
export interface Disk {
  openDatabase(file: string, options: Database.Options): Database.Database;
  /** Bytes available to this user, and total bytes, of the file system that holds `folder`. */
  space(folder: string): { readonly free: number; readonly total: number };
  /** Writes, flushes and renames a file and flushes the folder. Throws the system's error. */
  prove(folder: string): void;
  /** Appends to the file until it has `bytes` bytes. Throws the system's error; what was written stays. */
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

/** Creates the folder for this user alone; withdraws other users' access to an existing one. */
export function makePrivateFolder(folder: string): void {
  makeFolder(folder);
  chmodSync(folder, 0o700);
}

/**
 * Creates the folder and its missing parents, and flushes the name of each: a flushed file is lost if the name of its
 * folder is not on the disk. Node's `recursive` never returns if an existing parent accepts no folders, as in /proc.
 */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
  flushFolder(dirname(folder));
}

/**
 * Makes sure that `file` exists with mode 0600; SQLite gives its side files the mode of the database. An existing file
 * is not opened, because closing it would drop every lock that this process holds on it.
 */
export function makePrivateFile(file: string): void {
  if (existsSync(file)) chmodSync(file, 0o600);
  else closeSync(openSync(file, "wx", 0o600));
}

/** Writes random bytes: a file system that compresses would reserve no space for zeros. */
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

/** Replaces `file`. When this returns, its content and its name are on the disk. */
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
