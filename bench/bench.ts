/**
 * Holdfast beside Postfix as a backup MX: same load, same disk, same minute, turn by turn.
 *
 * accept: smtp-source with 50 sessions, the primary away, until the last 250; then the queue is counted.
 * drain:  the primary (smtp-sink) returns; from the first to the last mail there; then both are counted. Postfix is
 *         told with `postqueue -f` every 2 s; by itself it would wait for its next queue run.
 *
 * Needs Postfix (Debian: apt-get install --no-install-recommends postfix) and root, to start it.
 */
import { readFile, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { peerMissing } from "../test/peers/peers.ts";
import { debianPostfix, holdfast, tunedPostfix, type Contestant } from "./contestants.ts";
import { runOnce, type Part, type RunPlan, type RunResult } from "./measure.ts";
import { benchAccept } from "./accept.ts";
import { benchCeiling } from "./ceiling.ts";
import { benchChecks } from "./checks.ts";
import { benchReturn } from "./comeback.ts";
import { benchDisk } from "./disk.ts";
import { benchGrowth } from "./growth.ts";
import { benchIdle } from "./idle.ts";
import { benchLine } from "./line.ts";
import { benchReflector } from "./reflector.ts";
import { machine, resultTable } from "./report.ts";
import { replaced } from "./rows.ts";

const COLUMNS: Readonly<Record<string, Contestant>> = {
  holdfast,
  tuned: tunedPostfix,
  debian: debianPostfix,
};
/** What can be asked for by name; each takes --rounds, --scale, --folder and --write. */
const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  accept: benchAccept,
  ceiling: benchCeiling,
  checks: benchChecks,
  disk: benchDisk,
  growth: benchGrowth,
  idle: benchIdle,
  line: benchLine,
  reflector: benchReflector,
  return: benchReturn,
};
const TMPFS = 0x01021994;

const USAGE = `npm run bench                            10,000 mails of 4 KB, three rounds, all columns
npm run bench -- --messages 2000 --only accept
npm run bench -- --columns ${Object.keys(COLUMNS).join(",")} --rounds 5 --sessions 50 --size 4096 --reuse
npm run bench -- NAME                    ${Object.keys(BENCHES).join(", ")}: the file of
                                         that name (return: comeback.ts) says what it measures
npm run bench -- NAME --rounds 2 --scale 0.5
  --folder DIR                           a folder on the disk that is measured
  --write                                also writes bench/RESULTS.md
`;

interface Choice {
  readonly plan: RunPlan;
  readonly rounds: number;
  readonly columns: readonly Contestant[];
  readonly write: boolean;
}

function readChoice(): Choice {
  const { values } = parseArgs({
    options: {
      messages: { type: "string", default: "10000" },
      rounds: { type: "string", default: "3" },
      sessions: { type: "string", default: "50" },
      size: { type: "string", default: "4096" },
      only: { type: "string" },
      columns: { type: "string", default: Object.keys(COLUMNS).join(",") },
      folder: { type: "string", default: tmpdir() },
      reuse: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const whole = (name: "messages" | "rounds" | "sessions" | "size"): number => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number above 0`);
    return number;
  };
  const { only, folder, reuse, write } = values;
  if (only !== undefined && only !== "accept" && only !== "drain")
    throw new Error("--only takes accept or drain");
  const parts: readonly Part[] = only === undefined ? ["accept", "drain"] : [only];
  const columns = values.columns.split(",").map((name) => {
    const contestant = COLUMNS[name];
    if (contestant === undefined) throw new Error(`--columns takes ${Object.keys(COLUMNS).join(", ")}`);
    return contestant;
  });
  const plan = {
    messages: whole("messages"),
    sessions: whole("sessions"),
    size: whole("size"),
    reuse,
    parts,
    folder,
  };
  return { plan, rounds: whole("rounds"), columns, write };
}

async function main(): Promise<void> {
  const { plan, rounds, columns, write } = readChoice();
  const lacking = [
    peerMissing("smtp-source"),
    peerMissing("smtp-sink"),
    ...columns.map((column) => column.missing()),
  ];
  const reasons = [...new Set(lacking.filter((reason) => reason !== ""))];
  if (reasons.length > 0) throw new Error(`the bench cannot run here:\n  ${reasons.join("\n  ")}`);
  if ((await statfs(plan.folder)).type === TMPFS)
    process.stdout.write(
      `${plan.folder} is in memory: flushing costs nothing there; choose a disk with --folder\n`,
    );
  const results = new Map<Contestant, RunResult[]>(columns.map((column) => [column, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const column of columns) {
      const result = await runOnce(column, plan);
      results.get(column)?.push(result);
      process.stdout.write(`round ${round} of ${rounds}, ${column.name}: ${inWords(result)}\n`);
    }
  }
  const table = resultTable(
    columns.map((column) => ({
      name: column.name,
      version: column.version,
      results: results.get(column) ?? [],
    })),
  );
  process.stdout.write(`\n${table}\n`);
  if (write) await writeResults(table, { plan, rounds, columns });
}

function inWords({ accept, drain, firstAfter }: RunResult): string {
  const parts = [
    accept === undefined ? "" : `accept ${accept.toFixed(0)}/s`,
    drain === undefined ? "" : `drain ${drain.toFixed(0)}/s`,
    firstAfter === undefined ? "" : `first after ${firstAfter.toFixed(0)} ms`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

async function writeResults(table: string, { plan, rounds, columns }: Omit<Choice, "write">): Promise<void> {
  const versions = new Map(columns.map((column) => [column.name.split(",")[0], column.version]));
  const text = `## queue

${table}

Median of ${rounds} rounds (lowest to highest), turn by turn on one machine and one disk. ${plan.messages} mails with a body of
${plan.size} octets from \`smtp-source -s ${plan.sessions}${plan.reuse ? " -d" : ""}\`, one recipient each. Accept: the primary is away. Drain: the
primary, \`smtp-sink\`, returns; all mail deferred before; Postfix is told with \`postqueue -f\` every 2 s, Holdfast finds out by itself. Load, contestant and primary share the
processors. Every run counted the queue after accepting, and the primary's mails and the empty queue after draining.

- Machine: ${machine()}
- Versions: ${[...versions].map(([name, version]) => `${name} ${version}`).join(", ")}
- Date: ${new Date().toISOString().slice(0, 10)}
- Both log into a file beside their queue: Postfix through postlogd, Holdfast by itself.
- Settings of Postfix: \`bench/postfix.cf\`; the column of Debian's defaults has its first part only.

Repeat: \`npm run bench -- --messages ${plan.messages} --rounds ${rounds}${plan.reuse ? " --reuse" : ""}\` as root, with Debian's postfix package installed.
`;
  const path = join(import.meta.dirname, "RESULTS.md");
  await writeFile(path, replaced(await readFile(path, "utf8"), "queue", text));
  process.stdout.write(`written: ${path}\n`);
}

async function runNamed(name: string, args: readonly string[]): Promise<void> {
  const bench = BENCHES[name];
  if (bench === undefined)
    throw new Error(`there is no bench "${name}"; there are ${Object.keys(BENCHES).join(", ")}`);
  await bench(args);
}

try {
  const [name, ...args] = process.argv.slice(2);
  if (name === "--help" || args.includes("--help")) process.stdout.write(USAGE);
  else if (name === undefined || name.startsWith("-")) await main();
  else await runNamed(name, args);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
