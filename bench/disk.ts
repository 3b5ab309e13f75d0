/**
 * Accepting on a disk whose flush takes 2 ms longer, beside the same disk as it is: `npm run bench -- disk`. Both
 * contestants run with slow-flush.c loaded, which is compiled first.
 */
import { execFileSync } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { tempFolder } from "../test/support/temp-folder.ts";
import type { Contestant } from "./contestants.ts";
import { needPeers, sendWarm } from "./load.ts";
import {
  publish,
  readChoice,
  scaled,
  withRunning,
  type Choice,
  type Row,
  pairInTurn,
  PAIR_HEADS,
} from "./rows.ts";

interface Case {
  readonly sessions: number;
  readonly messages: number;
  /** Microseconds. */
  readonly delay: number;
  readonly goal: string;
}

const CASES: readonly Case[] = [
  { sessions: 1, messages: 600, delay: 0, goal: "" },
  { sessions: 1, messages: 600, delay: 2000, goal: ">= 1 x" },
  { sessions: 50, messages: 20_000, delay: 0, goal: "" },
  { sessions: 50, messages: 20_000, delay: 2000, goal: ">= 5 x" },
];
/** Mails before those that are measured. */
const WARM_UP = 20_000;

export async function benchDisk(args: readonly string[]): Promise<void> {
  const choice = readChoice(args);
  needPeers();
  await using folder = await tempFolder();
  // Postfix' daemons run as their own user and must pass through.
  await chmod(folder.path, 0o755);
  const library = compile(folder.path);
  if (library === undefined) return;
  const rows: Row[] = [];
  for (const one of CASES) rows.push(await line(one, library, choice));
  const words = `Mails of 4 KB a second over sessions that stay open. \`bench/slow-flush.c\` is loaded into every process of both.`;
  await publish({ name: "disk", heads: PAIR_HEADS, rows, words }, choice);
}

/** The library, or undefined after it was said why there is none. */
function compile(folder: string): string | undefined {
  const library = join(folder, "slow-flush.so");
  const source = join(import.meta.dirname, "slow-flush.c");
  try {
    execFileSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], { encoding: "utf8" });
    return library;
  } catch (error) {
    const why = (error as Error).message;
    process.stdout.write(
      `SKIPPED, a disk with a slow flush: no C compiler that can build ${source} (${why})\n`,
    );
    return undefined;
  }
}

async function line(one: Case, library: string, choice: Choice): Promise<Row> {
  const { sessions, delay, goal } = one;
  const what = `${sessions} session${sessions === 1 ? "" : "s"}, flush + ${delay / 1000} ms`;
  const environment = { LD_PRELOAD: library, FLUSH_DELAY_US: String(delay) };
  const run = (contestant: Contestant): Promise<number> =>
    acceptOnce(contestant, one, { ...choice, environment });
  return { what, goal, columns: await pairInTurn(what, choice, run) };
}

function acceptOnce(
  contestant: Contestant,
  { sessions, messages }: Case,
  choice: Choice & { readonly environment: Readonly<Record<string, string>> },
): Promise<number> {
  const { environment } = choice;
  const load = { size: 4096, reuse: true, sessions, messages: scaled(messages, choice) };
  const warmUp = { ...load, sessions: 50, messages: scaled(WARM_UP, choice) };
  return withRunning(contestant, choice, (running) => sendWarm(running, warmUp, load), { environment });
}
