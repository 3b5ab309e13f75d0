/** The shape of a proof: a file in this folder that exports `prove`. */
import { readdirSync } from "node:fs";
import type { TestContext } from "node:test";

/** Files of this folder that are no proofs. */
const MACHINERY = new Set(["prove", "proof", "checker", "story"]);

/** What can be proven, by name. */
export function proofNames(): readonly string[] {
  const files = readdirSync(import.meta.dirname).filter((name) => /^[^.]+\.ts$/.test(name));
  return files
    .map((name) => name.slice(0, -".ts".length))
    .filter((name) => !MACHINERY.has(name))
    .toSorted();
}

export interface ProofOptions {
  /** The same seed makes the same load and the same faults; timing stays the machine's. */
  readonly seed: number;
  /** The short form, for `npm test`: seconds. */
  readonly short: boolean;
  /** Tells what is going on, one line at a time. */
  readonly say: (line: string) => void;
}

export interface ProofResult {
  /** One sentence: what was shown. */
  readonly claim: string;
  readonly counts: Readonly<Record<string, number>>;
  /** Empty when the claim holds. */
  readonly failures: readonly string[];
}

export type Proof = (options: ProofOptions) => Promise<ProofResult>;

/** What one turn of a proof came to. */
export type Part = Pick<ProofResult, "counts" | "failures">;

/** The turns of a proof one after the other: counts and failures of each by its name. */
export async function inTurns<T extends { readonly name: string }>(
  turns: readonly T[],
  take: (turn: T, n: number) => Promise<Part>,
): Promise<Part> {
  const counts: Record<string, number> = {};
  const failures: string[] = [];
  for (const [n, turn] of turns.entries()) {
    const part = await take(turn, n);
    for (const [key, value] of Object.entries(part.counts)) counts[`${turn.name}.${key}`] = value;
    failures.push(...part.failures.map((failure) => `${turn.name}: ${failure}`));
  }
  return { counts, failures };
}

/** What cannot be shown on this machine, said aloud. */
export function skipped(claim: string, missing: string, { say }: ProofOptions): ProofResult {
  say(`SKIPPED: ${missing}`);
  return { claim: `${claim} (SKIPPED: ${missing})`, counts: {}, failures: [] };
}

/** The short form as a test: throws with all failures and counts when the claim does not hold. */
export async function holdsInShort(prove: Proof, t: Pick<TestContext, "diagnostic">): Promise<void> {
  const say = (line: string): void => {
    t.diagnostic(line);
    // What is not shown here must not go unseen in a long report.
    if (line.startsWith("SKIPPED")) process.stderr.write(`\n${line}\n`);
  };
  const result = await prove({ seed: 1, short: true, say });
  if (result.failures.length === 0) return;
  throw new Error(`${result.claim}: NO\n${result.failures.join("\n")}\n${countLine(result)}`);
}

export function countLine({ counts }: ProofResult): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
