/** What was measured, in few words: medians, spreads, ratios, and the machine. */
import { cpus, platform, release, totalmem } from "node:os";
import { median } from "../test/support/quantiles.ts";

/** Of medians; `-` where one side was not measured. */
export function ratio(own: readonly number[], other: readonly number[]): string {
  return own.length === 0 || other.length === 0 ? "-" : (median(own) / median(other)).toFixed(2);
}

/** `12 (11 to 14)`: the median, the lowest and the highest; of one value that alone. */
export function spread(values: readonly number[], digits = 0): string {
  if (values.length === 0) return "-";
  const [low, middle, high] = [Math.min(...values), median(values), Math.max(...values)].map((value) =>
    value.toFixed(digits),
  );
  return values.length === 1 ? `${middle}` : `${middle} (${low} to ${high})`;
}

export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpu?.model.trim()}, ${memory} GiB, ${platform()} ${release()}, Node ${process.versions.node}`;
}
