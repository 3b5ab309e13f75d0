/** rbldnsd of Debian, unpacked: a real server of lists of clients, on a free port of 127.0.0.1. */
import { spawn, type ChildProcess } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dnsBlocklists } from "../../src/adapters/dns/dns.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { freePort } from "../support/free-port.ts";
import { waitFor } from "../support/wait.ts";
import { findUnpacked, skipWithoutUnpacked } from "./unpacked.ts";

interface Rbldnsd extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly server: string;
}

/** A zone's name, and its data set: `ip4set`, `ip6trie`, ... with its lines. */
export interface ListData {
  readonly zone: string;
  readonly type: string;
  readonly lines: readonly string[];
}

export function skipWithoutRbldnsd(): string | false {
  return skipWithoutUnpacked("rbldnsd", "rbldnsd");
}

/** Resolves when it answers; its files lie in `folder`. */
export async function startRbldnsd(folder: string, data: readonly ListData[]): Promise<Rbldnsd> {
  const program = findUnpacked("rbldnsd", "rbldnsd");
  if (program === undefined) throw new Error("rbldnsd is not there");
  const specs: string[] = [];
  for (const [at, { zone, type, lines }] of data.entries()) {
    const file = `list-${at}`;
    await writeFile(join(folder, file), `${lines.join("\n")}\n`);
    specs.push(`${zone}:${type}:${file}`);
  }
  const port = await freePort();
  // It does not run as root, and reads its files as whom it becomes.
  const user = process.getuid?.() === 0 ? ["-u", "nobody:nogroup"] : [];
  await chmod(folder, 0o755);
  const args = ["-n", ...user, "-b", `127.0.0.1/${port}`, "-w", folder, ...specs];
  const child = spawn(program.path, args, { env: program.env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => void child.once("close", resolve));
  const server = `127.0.0.1:${port}`;
  await answering(child, server, data[0]?.zone ?? "");
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  return { server, [Symbol.asyncDispose]: close };
}

async function answering(child: ChildProcess, server: string, zone: string): Promise<void> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (output += String(text)));
  const lists = dnsBlocklists({ servers: [server], clock: systemClock() });
  await waitFor({ what: "rbldnsd answers", deadline: 20_000, every: 100 }, async () => {
    if (child.exitCode !== null) throw new Error(`rbldnsd ended with ${child.exitCode}: ${output}`);
    return (await lists.test(zone)).kind === "sound";
  });
}
