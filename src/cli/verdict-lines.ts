/** What was looked at, one thing a line: a mark, the thing, a sentence. */
import { plain, wrap } from "./terminal.ts";

const MARKS = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;
/** A sentence is given this many columns at least. */
const NARROWEST = 20;

interface Looked {
  readonly what: string;
  readonly verdict: keyof typeof MARKS;
  readonly text: string;
  /** To be copied: a line of its own, never wrapped. */
  readonly record?: string;
}

/** The lines under one heading, long sentences wrapped. */
export function verdictLines(looked: readonly Looked[], columns: number): string[] {
  const width = Math.max(...looked.map(({ what }) => what.length));
  const margin = 2 + MARKS.ok.length + 2 + width + 2;
  return looked.flatMap(({ what, verdict, text, record }) => {
    const sentence = wrap(plain(text), Math.max(NARROWEST, columns - margin), margin);
    const line = `  ${MARKS[verdict]}  ${what.padEnd(width)}  ${sentence}`;
    return record === undefined ? [line] : [line, `${" ".repeat(margin)}publish: ${plain(record)}`];
  });
}
