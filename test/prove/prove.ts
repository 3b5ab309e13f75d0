/**
 * Runs one proof: `npm run prove -- NAME [--seed N] [--short]`; without a name it lists them.
 * Exit codes: 0 the claim holds, 1 it does not, 2 wrong use.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { complaintOf } from "../../src/cli/parser-words.ts";
import { countLine, proofNames, type Proof } from "./proof.ts";

function say(line: string): void {
  process.stdout.write(`  ${line}\n`);
}

async function run(
  name: string,
  options: { readonly seed: number; readonly short: boolean },
): Promise<number> {
  const { prove } = (await import(join(import.meta.dirname, `${name}.ts`))) as { prove: Proof };
  process.stdout.write(`${name}, seed ${options.seed}${options.short ? ", short" : ""}\n`);
  const begin = performance.now();
  const result = await prove({ ...options, say });
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  process.stdout.write(`${countLine(result)}\n`);
  for (const failure of result.failures) process.stdout.write(`FAILED: ${failure}\n`);
  process.stdout.write(`${result.claim}: ${result.failures.length === 0 ? "yes" : "NO"} (${seconds} s)\n`);
  return result.failures.length === 0 ? 0 : 1;
}

function readWords() {
  return parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: String(1 + (Date.now() % 1_000_000)) },
      short: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
}

async function main({ values, positionals }: ReturnType<typeof readWords>): Promise<number> {
  const [name] = positionals;
  const names = proofNames();
  if (name === undefined || values.help) {
    process.stdout.write(
      `npm run prove -- NAME [--seed N] [--short]\n\n${names.map((known) => `  ${known}\n`).join("")}`,
    );
    return 0;
  }
  const seed = Number(values.seed);
  if (!names.includes(name) || !Number.isSafeInteger(seed)) {
    const problem = names.includes(name) ? "--seed takes a whole number" : `there is no proof "${name}"`;
    process.stderr.write(`prove: ${problem}; there are: ${names.join(", ")}\n`);
    return 2;
  }
  return run(name, { seed, short: values.short });
}

let words: ReturnType<typeof readWords> | undefined;
try {
  words = readWords();
} catch (error) {
  process.stderr.write(`prove: ${complaintOf(error)}\n`);
}
process.exitCode = words === undefined ? 2 : await main(words);
