/** Medians, spreads and ratios, as a table for people. */
import { cpus, platform, release, totalmem } from "node:os";
import type { RunResult } from "./measure.ts";

export interface Column {
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

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A Markdown table: median (lowest to highest) of each column; the first column against the others. */
export function resultTable(columns: readonly Column[]): string {
  const [own, ...others] = columns;
  const heads = [...columns.map(({ name }) => name), ...others.map(({ name }) => `${own?.name} / ${name}`)];
  const lines = [`| | ${heads.join(" | ")} |`, `|---|${heads.map(() => "---:|").join("")}`];
  for (const row of ROWS) {
    const values = columns.map(({ results }) => results.flatMap((result) => result[row.key] ?? []));
    if (values.every((list) => list.length === 0)) continue;
    const ratios = values.slice(1).map((list) => ratio(values[0] ?? [], list));
    lines.push(
      `| ${row.title} (${row.better} is better) | ${[...values.map(spread), ...ratios].join(" | ")} |`,
    );
  }
  return lines.join("\n");
}

function ratio(own: readonly number[], other: readonly number[]): string {
  return own.length === 0 || other.length === 0 ? "-" : (median(own) / median(other)).toFixed(2);
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return "-";
  const [low, middle, high] = [Math.min(...values), median(values), Math.max(...values)].map(Math.round);
  return `${middle} (${low} to ${high})`;
}

export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpu?.model.trim()}, ${memory} GiB, ${platform()} ${release()}, Node ${process.versions.node}`;
}
