/** Results of checks, one per line: `dnsbl at RCPT, 21 ms: not listed`. */
import type { LookBody } from "../endpoints/admin/contract.ts";
import { plain, wrap } from "./terminal.ts";

/** Columns of indentation. */
const MARGIN = 6;

export function looksText(looks: readonly LookBody[], columns: number): string {
  return looks.map((look) => `    - ${wrap(plain(lookText(look)), columns - MARGIN, MARGIN)}\n`).join("");
}

function lookText({ check, stage, said, took, times }: LookBody): string {
  const often = times > 1 ? `, ${times} times` : "";
  return `${check} at ${stage.toUpperCase()}, ${took} ms${often}: ${said}`;
}
