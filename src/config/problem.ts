import { printable } from "../mail/reply.ts";

export interface Fault {
  readonly wrong: string;
  /** What would be right. */
  readonly right: string;
}

/** One mistake in the configuration, with its place. */
export interface Problem extends Fault {
  readonly file: string;
  /** Counted from 1; 0 if the file as a whole is meant. */
  readonly line: number;
  readonly column: number;
  /** Such as `smtp.listen[0].tls`; empty if no key can be named. */
  readonly key: string;
}

export type Path = readonly (string | number)[];

/** A mistake or a doubt, before its place in the file is looked up. */
export interface Remark extends Fault {
  readonly path: Path;
  /** True if the key itself is wrong, not its value. */
  readonly atKey?: boolean;
}

/** Writes one line: `file:line:column: key: what is wrong; what would be right`. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const key = problem.key === "" ? "" : `${problem.key}: `;
  return printable(`${place}: ${key}${problem.wrong}; ${problem.right}`);
}

/** Sorts problems: first those of the configuration file in its order, then those of recipient files. */
export function inOrder(problems: readonly Problem[], main: string): readonly Problem[] {
  const rank = (file: string) => (file === main ? "" : file);
  return problems.toSorted(
    (a, b) => compare(rank(a.file), rank(b.file)) || a.line - b.line || a.column - b.column,
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Writes `["smtp", "listen", 0]` as `smtp.listen[0]`. */
export function keyText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** Most characters of a wrong value that are shown. */
const MAX_QUOTE = 60;

/** Quotes an operator's value for a message. */
export function quoted(text: string): string {
  const plain = printable(text);
  return `"${plain.length > MAX_QUOTE ? `${plain.slice(0, MAX_QUOTE)}...` : plain}"`;
}
