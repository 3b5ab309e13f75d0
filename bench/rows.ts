/**
 * What all lines of the bench share: a place for each run, turn and turn about, a table with medians, spreads and the
 * goal, and a section of RESULTS.md for each bench.
 */
import { execFileSync } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "../test/support/free-port.ts";
import { tempFolder } from "../test/support/temp-folder.ts";
import { holdfast, tunedPostfix, type Contestant, type Place, type Running } from "./contestants.ts";
import { machine, ratio, spread } from "./report.ts";

export interface Choice {
  readonly rounds: number;
  /** Share of the usual number of mails, 1 where absent: for a quick look. */
  readonly scale: number;
  /** Folder on the disk that is measured. */
  readonly folder: string;
  readonly write: boolean;
}

/** One line of a table: what each column measured, round by round. */
export interface Row {
  readonly what: string;
  readonly columns: readonly (readonly number[])[];
  /** `>= 6 x`, `< 1.5 s`; empty where it is only told. */
  readonly goal: string;
  /** Decimals. */
  readonly digits?: number;
}

interface Section {
  readonly name: string;
  /** What writes it, as on the command line; absent: a bench of its name. */
  readonly bench?: string;
  /** Heads of the columns; more than one: the last column says what the first is to the second. */
  readonly heads: readonly string[];
  readonly rows: readonly Row[];
  /** What one has to know to read it. */
  readonly words: string;
}

export const PAIR: readonly Contestant[] = [holdfast, tunedPostfix];
/** Heads of the columns of `pairInTurn`. */
export const PAIR_HEADS = PAIR.map(({ name }) => name);

/** Options that every bench takes. */
export function readChoice(args: readonly string[], rounds = 3): Choice {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: String(rounds) },
      scale: { type: "string", default: "1" },
      folder: { type: "string", default: tmpdir() },
      write: { type: "boolean", default: false },
    },
  });
  const chosen = { rounds: Number(values.rounds), scale: Number(values.scale) };
  if (!Number.isInteger(chosen.rounds) || chosen.rounds < 1)
    throw new Error("--rounds takes a whole number above 0");
  if (!(chosen.scale > 0)) throw new Error("--scale takes a number above 0");
  return { ...chosen, folder: values.folder, write: values.write };
}

/** So many mails at the chosen scale, at least `least`. */
export function scaled(count: number, { scale }: Choice, least = 50): number {
  return Math.max(least, Math.round(count * scale));
}

/** Lets each contestant run in turn, as often as there are rounds; answers a column for each. */
export async function turnAbout(
  what: string,
  { rounds }: Choice,
  runs: readonly { readonly name: string; readonly run: () => Promise<number> }[],
): Promise<number[][]> {
  const columns: number[][] = runs.map(() => []);
  for (let round = 1; round <= rounds; round++)
    for (const [at, { name, run }] of runs.entries()) {
      const value = await run();
      columns[at]?.push(value);
      process.stdout.write(`${what}, round ${round} of ${rounds}, ${name}: ${value.toFixed(1)}\n`);
    }
  return columns;
}

/** The same for Holdfast and the tuned Postfix, each run from its start. */
export function pairInTurn(
  what: string,
  choice: Choice,
  run: (contestant: Contestant) => Promise<number>,
): Promise<number[][]> {
  return turnAbout(
    what,
    choice,
    PAIR.map((contestant) => ({ name: contestant.name, run: () => run(contestant) })),
  );
}

/** Starts a contestant in a folder of its own, and clears up behind it. */
export async function withRunning<T>(
  contestant: Contestant,
  choice: Pick<Choice, "folder">,
  act: (running: Running, place: Place) => Promise<T>,
  settings: Partial<Place> = {},
): Promise<T> {
  await using own = await tempFolder(choice.folder);
  const folder = own.path;
  // Postfix' daemons run as their own user and must pass through.
  await chmod(folder, 0o755);
  // What earlier runs left unwritten must not be charged to this one.
  execFileSync("sync");
  const ports = { smtpPort: await freePort(), primaryPort: await freePort() };
  const place = { folder, ...ports, ...settings };
  const running = await contestant.start(place);
  try {
    return await act(running, place);
  } finally {
    await running.stop();
  }
}

/** Prints the table and, where asked for, puts it into RESULTS.md in the place of the last one. */
export async function publish(section: Section, choice: Choice): Promise<void> {
  const table = tableOf(section);
  process.stdout.write(`\n${table}\n`);
  if (!choice.write) return;
  const path = join(import.meta.dirname, "RESULTS.md");
  const text = sectionText(section, table, choice);
  await writeFile(path, replaced(await readFile(path, "utf8"), section.name, text));
  process.stdout.write(`written: ${path}\n`);
}

function tableOf({ heads, rows }: Section): string {
  const ratios = heads.length > 1;
  const all = ["", ...heads, ...(ratios ? [`${heads[0]} / ${heads[1]}`] : []), "goal"];
  const lines = [
    `| ${all.join(" | ")} |`,
    `|---|${all
      .slice(1)
      .map(() => "---:|")
      .join("")}`,
  ];
  for (const { what, columns, goal, digits = 0 } of rows) {
    const cells = heads.map((_, at) => spread(columns[at] ?? [], digits));
    if (ratios) cells.push(ratio(columns[0] ?? [], columns[1] ?? []));
    lines.push(`| ${[what, ...cells, goal].join(" | ")} |`);
  }
  return lines.join("\n");
}

/** `text` in the place of the section of this name, or behind all others. */
export function replaced(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const marked = `${begin}\n\n${text.trim()}\n\n${end}\n`;
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from === -1 || to === -1) return `${document.trimEnd()}\n\n${marked}`;
  return document.slice(0, from) + marked + document.slice(to + end.length).replace(/^\n/, "");
}

function sectionText(
  { name, bench = name, words }: Section,
  table: string,
  { rounds, scale }: Choice,
): string {
  const load = loadavg()
    .slice(0, 2)
    .map((value) => value.toFixed(2))
    .join(", ");
  const options = `--rounds ${rounds}${scale === 1 ? "" : ` --scale ${scale}`}`;
  return `## ${name}

${table}

${words}

Median of ${rounds} rounds (lowest to highest), turn by turn. ${new Date().toISOString().slice(0, 10)}, ${machine()}, load when it ended
${load}. Holdfast ${holdfast.version}, Postfix ${tunedPostfix.version}. Repeat: \`npm run bench -- ${bench} ${options}\`.`;
}
