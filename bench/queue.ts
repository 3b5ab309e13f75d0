/**
 * Holdfast beside Postfix as a backup MX: same load, same disk, same minute, turn by turn.
 *
 * accept: smtp-source with 50 sessions, the primary away, until the last 250; then the queue is counted.
 * drain:  the primary (smtp-sink) returns; from the first to the last mail there; then both are counted. Postfix is
 *         told with `postqueue -f` every 2 s; by itself it would wait for its next queue run.
 */
import { readFile, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SmtpSink } from "../test/peers/smtp-sink.ts";
import { debianPostfix, holdfast, tunedPostfix, type Contestant, type Running } from "./contestants.ts";
import { expectQueued, needPeers, send, type Load } from "./load.ts";
import { machine, ratio, spread } from "./report.ts";
import { replaced, withRunning } from "./rows.ts";

/** By name on the command line. */
export const COLUMNS: Readonly<Record<string, Contestant>> = {
  holdfast,
  tuned: tunedPostfix,
  debian: debianPostfix,
};
const TMPFS = 0x01021994;
/** Milliseconds. */
const DRAIN_DEADLINE = 120_000;
/** Milliseconds. */
const NUDGE_EVERY = 2000;

interface RunPlan extends Load {
  readonly parts: readonly Part[];
  /** Folder on the disk that is measured. */
  readonly folder: string;
}

type Part = "accept" | "drain";

interface RunResult {
  /** Mails a second, until the last 250. */
  readonly accept?: number;
  /** Mails a second, from the first to the last at the primary. */
  readonly drain?: number;
  /** Milliseconds from the primary's return to its first mail. */
  readonly firstAfter?: number;
}

interface Choice {
  readonly plan: RunPlan;
  readonly rounds: number;
  readonly columns: readonly Contestant[];
  readonly write: boolean;
}

function readChoice(args: readonly string[]): Choice {
  const { values } = parseArgs({
    args: [...args],
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

export async function benchQueue(args: readonly string[]): Promise<void> {
  const { plan, rounds, columns, write } = readChoice(args);
  needPeers(columns);
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

/** Fills the queue of a fresh contestant while its primary is away, then lets the primary return. */
function runOnce(contestant: Contestant, plan: RunPlan): Promise<RunResult> {
  return withRunning(contestant, plan, async (running, { primaryPort }) => {
    const accept = await send(running, plan);
    await expectQueued(running, plan.messages);
    if (!plan.parts.includes("drain")) return { accept };
    const drained = await drain(running, plan.messages, primaryPort);
    return plan.parts.includes("accept") ? { accept, ...drained } : drained;
  });
}

async function drain(
  running: Running,
  messages: number,
  primaryPort: number,
): Promise<Pick<RunResult, "drain" | "firstAfter">> {
  await running.settled();
  const back = performance.now();
  await using sink = await SmtpSink.start({ port: primaryPort });
  await running.nudge();
  // Mail that met the closed port a moment ago would wait for its next turn; the operator asks again.
  const again = setInterval(() => void running.nudge().catch(() => {}), NUDGE_EVERY);
  try {
    await sink.until(messages, DRAIN_DEADLINE);
  } finally {
    clearInterval(again);
  }
  await expectQueued(running, 0);
  if (sink.messages !== messages)
    throw new Error(`${sink.messages} mails at the primary instead of ${messages}`);
  const { first, last } = sink.times;
  return { drain: ((messages - 1) / Math.max(1, last - first)) * 1000, firstAfter: first - back };
}

interface Column {
  readonly name: string;
  readonly version: string;
  readonly results: readonly RunResult[];
}

interface Row {
  readonly title: string;
  readonly key: keyof RunResult;
  /** For ratios: more is better, or less. */
  readonly better: "more" | "less";
}

const ROWS: readonly Row[] = [
  { title: "accept, mails/s", key: "accept", better: "more" },
  { title: "drain, mails/s", key: "drain", better: "more" },
  { title: "first delivery after the primary's return, ms", key: "firstAfter", better: "less" },
];

/** A Markdown table: median (lowest to highest) of each column; the first column against the others. */
function resultTable(columns: readonly Column[]): string {
  const [own, ...others] = columns;
  const heads = [...columns.map(({ name }) => name), ...others.map(({ name }) => `${own?.name} / ${name}`)];
  const lines = [`| | ${heads.join(" | ")} |`, `|---|${heads.map(() => "---:|").join("")}`];
  for (const row of ROWS) {
    const values = columns.map(({ results }) => results.flatMap((result) => result[row.key] ?? []));
    if (values.every((list) => list.length === 0)) continue;
    const ratios = values.slice(1).map((list) => ratio(values[0] ?? [], list));
    lines.push(
      `| ${row.title} (${row.better} is better) | ${[...values.map((list) => spread(list)), ...ratios].join(" | ")} |`,
    );
  }
  return lines.join("\n");
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
