import type { ClaimedMail } from "../../ports/queue.ts";
import type { Desk, Lane } from "./lane.ts";

/** One of the lanes by chance, each as likely as its weight says. `random` is from 0 to 1. */
export function byWeight(lanes: readonly Lane[], desk: Desk, random: number): Lane | undefined {
  const weights = lanes.map((lane) => desk.weights.get(lane) ?? 1);
  let left = random * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, lane] of lanes.entries()) {
    left -= weights[i] ?? 0;
    if (left < 0) return lane;
  }
  return lanes.at(-1);
}

export interface Sharing {
  /** Lanes that are not in probation for the domain. */
  readonly trusted: (lane: Lane) => boolean;
  /** 0 to 1. */
  readonly random: () => number;
}

/** What one lane claimed goes to all lanes of equal preference that have room, by their weights. */
export function share(
  mails: readonly ClaimedMail[],
  { lane, desk }: { readonly lane: Lane; readonly desk: Desk },
  { trusted, random }: Sharing,
): void {
  const lanes = trusted(lane) ? desk.active().filter(trusted) : [];
  if (lanes.length < 2) return lane.take(mails);
  for (const mail of mails) {
    const roomy = lanes.filter((other) => other === lane || other.room() > 0);
    (byWeight(roomy, desk, random()) ?? lane).take([mail]);
  }
}
