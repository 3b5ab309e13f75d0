/** Results, one per line: a mark, the thing checked, a sentence. */
import { plain, wrap } from "./terminal.ts";

const MARKS = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;
/** Least columns for a sentence. */
const NARROWEST = 20;

interface Looked {
  readonly what: string;
  readonly verdict: keyof typeof MARKS;
  readonly text: string;
  /** Text to be copied: a line of its own, never wrapped. */
  readonly record?: string;
}

/** Writes the lines under one heading, with long sentences wrapped. */
export function verdictLines(looked: readonly Looked[], columns: number): string[] {
  const width = Math.max(...looked.map(({ what }) => what.length));
  const margin = 2 + MARKS.ok.length + 2 + width + 2;
  return looked.flatMap(({ what, verdict, text, record }) => {
    const sentence = wrap(plain(text), Math.max(NARROWEST, columns - margin), margin);
    const line = `  ${MARKS[verdict]}  ${what.padEnd(width)}  ${sentence}`;
    return record === undefined ? [line] : [line, `${" ".repeat(margin)}publish: ${plain(record)}`];
  });
}
