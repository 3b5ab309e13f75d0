/**
 * The benches, by name; without a name that of queue.ts. Most set Holdfast beside Postfix. They need Postfix (Debian:
 * apt-get install --no-install-recommends postfix) and root, to start it.
 */
import { benchAccept } from "./accept.ts";
import { benchCeiling } from "./ceiling.ts";
import { benchChecks } from "./checks.ts";
import { benchReturn } from "./comeback.ts";
import { benchDisk } from "./disk.ts";
import { benchGrowth } from "./growth.ts";
import { benchIdle } from "./idle.ts";
import { benchLine } from "./line.ts";
import { benchReflector } from "./reflector.ts";
import { benchQueue, COLUMNS } from "./queue.ts";

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

const USAGE = `npm run bench                            10,000 mails of 4 KB, three rounds, all columns
npm run bench -- --messages 2000 --only accept
npm run bench -- --columns ${Object.keys(COLUMNS).join(",")} --rounds 5 --sessions 50 --size 4096 --reuse
npm run bench -- NAME                    ${Object.keys(BENCHES).join(", ")}: the file of
                                         that name (return: comeback.ts) says what it measures
npm run bench -- NAME --rounds 2 --scale 0.5
  --folder DIR                           a folder on the disk that is measured
  --write                                also writes bench/RESULTS.md
`;

async function runNamed(name: string, args: readonly string[]): Promise<void> {
  const bench = BENCHES[name];
  if (bench === undefined)
    throw new Error(`there is no bench "${name}"; there are ${Object.keys(BENCHES).join(", ")}`);
  await bench(args);
}

try {
  const [name, ...args] = process.argv.slice(2);
  if (name === "--help" || args.includes("--help")) process.stdout.write(USAGE);
  else if (name === undefined || name.startsWith("-")) await benchQueue(process.argv.slice(2));
  else await runNamed(name, args);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
