/**
 * A file system of our own whose power can be cut: what was not flushed to it is gone. A process that is killed proves
 * nothing of that, because the system still writes what it had. Needs root and a loop device.
 */
import { execFileSync, spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { tempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait.ts";

/** Megabytes. */
const SIZE = 384;
/**
 * Waits for a line, so that a flush that is under way may be torn; then has the file system stop at once, and write
 * neither data nor journal: the ioctl FS_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH, which are those of XFS, too.
 */
const CUTTER = `
  open(my $disk, "<", $ARGV[0]) or die "$ARGV[0]: $!";
  my $flags = pack("L", 2);
  $| = 1; print "ready\\n"; <STDIN>;
  ioctl($disk, 0x8004587D, $flags) or die "FS_IOC_SHUTDOWN: $!";
`;

const MAKE_EXT4 = ["mkfs.ext4", "-q", "-F", "-m", "0"] as const;
/** What a cut leaves depends on the file system; of these, ext4 with `writeback` promises the least. */
const FILE_SYSTEMS = {
  ext4: { make: MAKE_EXT4, options: "data=ordered" },
  writeback: { make: MAKE_EXT4, options: "data=writeback" },
  xfs: { make: ["mkfs.xfs", "-q"], options: "defaults" },
} as const;

export type FileSystem = keyof typeof FILE_SYSTEMS;

/** Why this machine has none; undefined when it can. */
export async function cutDiskMissing(name: FileSystem): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "only root can mount a file system whose power can be cut";
  try {
    await using folder = await tempFolder();
    await using disk = await CutDisk.make(folder.path, name);
    await disk.armed();
    await disk.cut();
    return undefined;
  } catch (error) {
    return `the power of ${name} cannot be cut on this machine (${String(error).split("\n")[0]})`;
  }
}

interface Cutter {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  /** With its exit code; null where it could not be started. */
  readonly ended: Promise<number | null>;
}

export class CutDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #image: string;
  readonly #options: string;
  #cutter: Cutter | undefined;

  private constructor(folder: string, options: string) {
    this.path = `${folder}/data`;
    this.#image = `${folder}/disk.img`;
    this.#options = options;
  }

  /** A new one, mounted as `data` in the folder. */
  static async make(folder: string, name: FileSystem): Promise<CutDisk> {
    const { make, options } = FILE_SYSTEMS[name];
    const disk = new CutDisk(folder, options);
    mkdirSync(disk.path);
    writeFileSync(disk.#image, "");
    truncateSync(disk.#image, SIZE * 1024 * 1024);
    run([...make, disk.#image]);
    disk.#mount();
    return disk;
  }

  /** Everything is ready for a cut at any moment. */
  async armed(): Promise<void> {
    const process = spawn("perl", ["-e", CUTTER, this.path], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = new Promise<number | null>((resolve) => {
      process.once("close", resolve);
      process.once("error", () => resolve(null));
    });
    this.#cutter = { process, ended };
    await Promise.race([once(process.stdout, "data"), ended]);
  }

  /** The power goes; everybody who had files open there must end before it comes back. */
  async cut(): Promise<void> {
    const cutter = this.#cutter;
    this.#cutter = undefined;
    cutter?.process.stdin.end("\n");
    if ((await cutter?.ended) !== 0) throw new Error("the power could not be cut");
  }

  /** Mounts what reached the disk; its journal is read as after a cut. */
  async comeBack(): Promise<void> {
    await this.#unmount();
    this.#mount();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cutter?.process.kill("SIGKILL");
    await this.#unmount();
  }

  #mount(): void {
    run(["mount", "-o", `loop,${this.#options}`, this.#image, this.path]);
  }

  /** Whoever was killed may still hold it for a moment. */
  #unmount(): Promise<true> {
    return waitFor({ what: "nobody uses the disk", deadline: 20_000 }, () => {
      try {
        run(["umount", this.path]);
        return true;
      } catch (error) {
        if (String(error).includes("not mounted")) return true;
        if (String(error).includes("busy")) return false;
        throw error;
      }
    });
  }
}

function run([program = "", ...words]: readonly string[]): void {
  execFileSync(program, words, { stdio: ["ignore", "ignore", "pipe"] });
}
