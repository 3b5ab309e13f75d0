import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { canonicalIp } from "../../mail/network.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Milliseconds between two looks at the file's time of change. */
const LOOK_EVERY = 5_000;
/** Octets; a larger file is not read. */
const MAX_SIZE = 10 * 1024 * 1024;

/** The system's host table. A missing file is an empty one; while one cannot be read, what it last said stays true. */
export class HostsFile {
  readonly #path: string;
  readonly #clock: Clock;
  #table: ReadonlyMap<string, readonly string[]> = new Map();
  #changed = -1;
  /** In elapsed time. */
  #nextLook = 0;
  /** The look under way, or the last one: whoever comes meanwhile waits for it. */
  #look = Promise.resolve();

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Addresses of a name in lower case; undefined when the table does not know it. */
  async addresses(name: string): Promise<readonly string[] | undefined> {
    if (this.#clock.elapsed() >= this.#nextLook) {
      this.#nextLook = this.#clock.elapsed() + LOOK_EVERY;
      this.#look = this.#read();
    }
    await this.#look;
    return this.#table.get(name);
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    const facts = await stat(this.#path).catch(() => undefined);
    const changed = facts?.mtimeMs ?? 0;
    if (changed === this.#changed) return;
    const readable = facts !== undefined && facts.size <= MAX_SIZE;
    const text = readable ? await readFile(this.#path, "utf8").catch(() => undefined) : "";
    // Perhaps for want of a descriptor: the next look tries again.
    if (text === undefined) return;
    this.#table = parseHosts(text);
    this.#changed = changed;
  }
}

/** Reads lines of `address name name # remark`; what is no such line is passed over. */
function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const table = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    // One with a zone is a neighbour's, who is reached over that link only.
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
