/**
 * The store beside a model of it: thousands of random acts of senders, the delivery thread, operators, time and ends of
 * the process, after each of which all that can be seen of the store is what the plain model holds.
 */
import type { ProofOptions, ProofResult } from "./proof.ts";
import { shortened, textOf, walk } from "./store-model/walk.ts";

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const walks = short ? 4 : 150;
  const length = short ? 120 : 400;
  const failures: string[] = [];
  const steps = Array.from({ length }, (_, step) => step);
  for (let n = 0; n < walks && failures.length === 0; n++) {
    const failure = await walk(seed + n, steps);
    if (failure !== undefined) failures.push(textOf(await shortened(failure)));
    if ((n + 1) % 25 === 0) say(`${n + 1} walks of ${length} steps`);
  }
  return {
    claim: "after whatever is done to it, the store shows what a plain model of its promises holds",
    counts: { walks, steps: walks * length },
    failures,
  };
}
