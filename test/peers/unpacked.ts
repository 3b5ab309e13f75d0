/**
 * Programs of Debian that `npm run peers` has unpacked into `.peers/NAME`: where they are and the environment
 * in which they find their libraries.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { isExecutable } from "./peers.ts";

const PEERS_FOLDER = resolve(import.meta.dirname, "../../.peers");
const BINARIES = ["usr/sbin", "usr/bin", "sbin", "bin"];

interface UnpackedProgram {
  readonly path: string;
  /** The root that holds it, for data files such as `usr/share/nmap`. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A program of an unpacked peer, such as `("exim", "exim4")`; undefined when it is not there. */
export function findUnpacked(peer: string, program: string): UnpackedProgram | undefined {
  const root = join(PEERS_FOLDER, peer);
  const path = BINARIES.map((folder) => join(root, folder, program)).find(isExecutable);
  if (path === undefined) return undefined;
  const libraries = libraryFolders(root).join(":");
  return { path, root, env: { ...process.env, LD_LIBRARY_PATH: libraries, LC_ALL: "C.UTF-8" } };
}

/** For the options of `test()`: a reason to skip, told on stderr, or false. */
export function skipWithoutUnpacked(peer: string, program: string): string | false {
  if (findUnpacked(peer, program) !== undefined) return false;
  const reason = `${program} is not in .peers/${peer} (on Debian: npm run peers ${peer})`;
  process.stderr.write(`\nSKIPPED, a real peer is missing: ${reason}\n`);
  return reason;
}

/** Debian's folders of libraries; some packages keep theirs one level below. */
function libraryFolders(root: string): readonly string[] {
  const triplets = ["x86_64-linux-gnu", "aarch64-linux-gnu"];
  const below = triplets.flatMap((triplet) => [triplet, `${triplet}/blas`, `${triplet}/lapack`]);
  const folders = ["usr/lib", "lib"].flatMap((lib) =>
    ["", "rspamd"].concat(below).map((folder) => join(root, lib, folder)),
  );
  return folders.filter((folder) => existsSync(folder));
}
