/** Proofs on disks that fill up: the same in several turns, each on a small disk of its own, under mail of all sizes. */
import { createLoad } from "../support/load.ts";
import { smallDiskMissing } from "../support/small-disk.ts";
import type { Ledger } from "./checker.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";

export const DOMAIN = "example.test";

export type Part = Pick<ProofResult, "counts" | "failures">;

/** Takes turn after turn; all that they counted and found is told under their names. Skipped, loudly, without root. */
export async function inTurns<Turn extends { readonly name: string }>(
  claim: string,
  turns: readonly Turn[],
  { take, say }: Pick<ProofOptions, "say"> & { readonly take: (turn: Turn, n: number) => Promise<Part> },
): Promise<ProofResult> {
  const missing = smallDiskMissing();
  if (missing !== undefined) {
    say(`SKIPPED: ${missing}`);
    return { claim: `${claim} (SKIPPED: ${missing})`, counts: {}, failures: [] };
  }
  const counts: Record<string, number> = {};
  const failures: string[] = [];
  for (const [n, turn] of turns.entries()) {
    const result = await take(turn, n);
    for (const [key, value] of Object.entries(result.counts)) counts[`${turn.name}.${key}`] = value;
    failures.push(...result.failures.map((failure) => `${turn.name}: ${failure}`));
  }
  return { claim, counts, failures };
}

/** Bodies of it become rows, share segments and have files of their own. */
export function loadOfAllSizes(port: number, seed: number, ledger: Ledger): ReturnType<typeof createLoad> {
  return createLoad({
    port,
    domain: DOMAIN,
    recipients: ["alice", "bob"],
    seed,
    sessions: 10,
    size: 6000,
    others: [
      { size: 60_000, oneIn: 4 },
      { size: 400_000, oneIn: 10 },
    ],
    ledger,
  });
}
