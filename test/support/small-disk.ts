/** A file system of our own that is small enough to be filled. Needs root. */
import { execFileSync } from "node:child_process";
import { closeSync, fsyncSync, mkdirSync, openSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Why this machine has none; undefined when it can. */
export function smallDiskMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can mount a small file system";
  try {
    execFileSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "this machine does not let us mount a file system";
  }
}

/**
 * A tmpfs at `path`; a second mount of ours could not be seen by the daemon in a namespace of its own. `files`: inodes
 * that it has, one of which is its own folder.
 */
export function smallDisk(
  path: string,
  megabytes: number,
  { files }: { readonly files?: number } = {},
): AsyncDisposable {
  mkdirSync(path, { recursive: true });
  const inodes = files === undefined ? "" : `,nr_inodes=${files}`;
  execFileSync("mount", [
    "-t",
    "tmpfs",
    "-o",
    `size=${megabytes}m,mode=700${inodes}`,
    "holdfast-proof",
    path,
  ]);
  return {
    [Symbol.asyncDispose]: async () => void execFileSync("umount", ["-l", path]),
  };
}

export function freeOn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** A file that takes all space but `leave` octets; called again, it takes what has become free since. */
export function fillUp(folder: string, leave: number): string {
  const file = join(folder, "filler");
  const descriptor = openSync(file, "a");
  const block = Buffer.alloc(4096);
  try {
    while (freeOn(folder) > leave) writeSync(descriptor, block);
    fsyncSync(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(descriptor);
  }
  return file;
}
