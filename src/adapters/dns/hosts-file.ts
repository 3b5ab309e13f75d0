import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { canonicalIp } from "../../mail/network.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Milliseconds between two checks of the file's modification time. */
const LOOK_EVERY = 5_000;
/** Octets; a larger file counts as empty. */
const MAX_SIZE = 10 * 1024 * 1024;

/**
 * The system's host table. A missing or too large file counts as empty. While the file cannot be read, the entries
 * last read stay in use.
 */
export class HostsFile {
  readonly #path: string;
  readonly #clock: Clock;
  #table: ReadonlyMap<string, readonly string[]> = new Map();
  /** The file's modification time when it was last read; -1: there is no such file. */
  #changed = -1;
  /** In elapsed time. */
  #nextLook = 0;
  /** The current check of the file, or the last one; every lookup waits for it. */
  #look = Promise.resolve();

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Addresses of a name in lower case; undefined if the table does not contain it. */
  async addresses(name: string): Promise<readonly string[] | undefined> {
    if (this.#clock.elapsed() >= this.#nextLook) {
      this.#nextLook = this.#clock.elapsed() + LOOK_EVERY;
      this.#look = this.#read();
    }
    await this.#look;
    return this.#table.get(name);
  }

  /** Never rejects. After a failure, perhaps for lack of file descriptors, the next look tries again. */
  async #read(): Promise<void> {
    try {
      const facts = await stat(this.#path);
      if (facts.mtimeMs === this.#changed) return;
      const text = facts.size <= MAX_SIZE ? await readFile(this.#path, "utf8") : "";
      this.#table = parseHosts(text);
      this.#changed = facts.mtimeMs;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") return;
      this.#table = new Map();
      this.#changed = -1;
    }
  }
}

/** Parses lines of the form `address name name # remark`; other lines are skipped. */
function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const table = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    // A zone index (fe80::1%eth0) names the link over which the address is reached, so it must stay.
    const plain = address.includes("%") ? address : canonicalIp(address);
    for (const name of names) add(table, name.toLowerCase(), plain);
  }
  return table;
}

function add(table: Map<string, string[]>, name: string, address: string): void {
  const known = table.get(name);
  if (known === undefined) table.set(name, [address]);
  else if (!known.includes(address)) known.push(address);
}
