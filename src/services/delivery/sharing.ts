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
