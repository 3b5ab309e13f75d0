/**
 * Real mail programs to test against. They come from Debian packages; where one is missing the test that needs
 * it says so and is skipped. Nothing here sends a packet beyond loopback.
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

type PeerName = "swaks" | "smtp-source" | "smtp-sink" | "postfix" | "postconf";

interface Peer {
  readonly program: string;
  readonly debianPackage: string;
  /** Postfix' master process starts as root only; everything else here needs no rights. */
  readonly needsRoot: boolean;
}

const PEERS: Readonly<Record<PeerName, Peer>> = {
  swaks: { program: "swaks", debianPackage: "swaks", needsRoot: false },
  "smtp-source": { program: "smtp-source", debianPackage: "postfix", needsRoot: false },
  "smtp-sink": { program: "smtp-sink", debianPackage: "postfix", needsRoot: false },
  postconf: { program: "postconf", debianPackage: "postfix", needsRoot: false },
  postfix: { program: "postfix", debianPackage: "postfix", needsRoot: true },
};

/** Debian keeps daemons' tools outside an ordinary user's PATH. */
const FOLDERS = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/** Where the program is; undefined when it is not installed. */
export function findProgram(program: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find(isExecutable);
}

/** The program's path; throws with what to install. */
export function programPath(name: PeerName): string {
  const path = findProgram(PEERS[name].program);
  if (path === undefined) throw new Error(peerMissing(name) || `${name} vanished`);
  return path;
}

export function peerAvailable(name: PeerName): boolean {
  return peerMissing(name) === "";
}

/** Why a peer cannot be used, and what would help; empty when it can. */
export function peerMissing(name: PeerName): string {
  const { program, debianPackage, needsRoot } = PEERS[name];
  if (findProgram(program) === undefined)
    return `${program} is not installed (Debian: apt-get install --no-install-recommends ${debianPackage})`;
  if (needsRoot && process.getuid?.() !== 0) return `${program} starts as root only; run this as root`;
  return "";
}

/** For the options of `test()`: `{ skip: skipWithout("postfix", "swaks") }`. Says on stderr what is skipped and why. */
export function skipWithout(...names: readonly PeerName[]): string | false {
  const missing = names.map(peerMissing).filter((reason) => reason !== "");
  if (missing.length === 0) return false;
  const reason = missing.join("; ");
  process.stderr.write(`\nSKIPPED, a real peer is missing: ${reason}\n`);
  return reason;
}

/** Version of the installed Postfix, such as `3.7.11`. */
export function postfixVersion(): string {
  if (!peerAvailable("postconf")) return "none";
  return execFileSync(programPath("postconf"), ["-d", "-h", "mail_version"], { encoding: "utf8" }).trim();
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
