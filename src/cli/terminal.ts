/** Text for the terminal: tables that fit, times and ages for people, and never a control character. */
import { LAST_MOMENT } from "../runtime/moments.ts";
import { timeInWords } from "../runtime/quantities.ts";

/** Output fits this width, and wider terminals. */
export const MIN_COLUMNS = 80;

/**
 * Characters that could control a terminal or change the direction of text: everything except letters, marks, numbers,
 * signs and blanks.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Makes one line of text that is safe to print. */
export function plain(text: string): string {
  return text.replace(UNSAFE, "�");
}

/**
 * Yields JSON whose strings are exact and yet safe to print: characters that `plain` would replace are escaped. Yields
 * pieces, because a list may be longer than the longest string.
 */
export function* safeJson(value: object): Generator<string> {
  let before = "{\n";
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue;
    yield `${before}  ${indented(key, 0)}: `;
    if (Array.isArray(part)) yield* listPieces(part);
    else yield indented(part, 2);
    before = ",\n";
  }
  yield before === ",\n" ? "\n}" : "{}";
}

function* listPieces(items: readonly unknown[]): Generator<string> {
  let before = "[\n";
  for (const item of items) {
    yield `${before}    ${indented(item, 4)}`;
    before = ",\n";
  }
  yield items.length > 0 ? "\n  ]" : "[]";
}

function indented(value: unknown, margin: number): string {
  return JSON.stringify(value, null, 2)
    .replace(UNSAFE, escaped)
    .replaceAll("\n", `\n${" ".repeat(margin)}`);
}

/** Writes each UTF-16 unit as `\uXXXX`; the only line feeds are those between the values. */
function escaped(character: string): string {
  if (character === "\n") return character;
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u;
const NO_WIDTH = /\p{M}/u;

/** Returns the number of columns that a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

function columnsOf(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Shortens the text to `columns`; it ends in `…` if it was cut. */
export function fit(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : `${headOf(text, columns - 1)}…`;
}

/** Returns the part of the text that fits into `columns`. */
function headOf(text: string, columns: number): string {
  let kept = "";
  let width = 0;
  for (const character of text) {
    width += columnsOf(character);
    if (width > columns) break;
    kept += character;
  }
  return kept;
}

export interface Column {
  readonly title: string;
  /** Least width if the table is too wide; if absent, the column is never cut. */
  readonly least?: number;
  readonly right?: boolean;
}

/** Blanks between two columns. */
const GAP = 2;

/** Writes rows under titles, with no line wider than `total`: columns that may be cut are narrowed from the right. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total: number,
): string {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map(plain))];
  const widths = columns.map((_, i) => cells.reduce((most, row) => Math.max(most, widthOf(row[i] ?? "")), 0));
  shrink(widths, columns, total - GAP * (columns.length - 1));
  const line = (row: readonly string[]): string =>
    columns
      .map((column, i) => pad(row[i] ?? "", widths[i] ?? 0, column.right === true))
      .join(" ".repeat(GAP));
  return cells.map((row) => `${fit(line(row).trimEnd(), total)}\n`).join("");
}

function shrink(widths: number[], columns: readonly Column[], room: number): void {
  let surplus = widths.reduce((sum, width) => sum + width, 0) - room;
  for (const [i, { least }] of [...columns.entries()].reverse()) {
    const width = widths[i] ?? 0;
    const cut = Math.min(Math.max(0, surplus), Math.max(0, width - (least ?? width)));
    widths[i] = width - cut;
    surplus -= cut;
  }
}

function pad(text: string, width: number, right: boolean): string {
  const cut = fit(text, width);
  const blanks = " ".repeat(width - widthOf(cut));
  return right ? blanks + cut : cut + blanks;
}

export type Fact = readonly [name: string, value: string];

/** Returns no fact if there is no value. */
export function fact(name: string, value: string | undefined): readonly Fact[] {
  return value === undefined ? [] : [[name, value]];
}

/** Writes `name:` and value in lines of at most `total` columns; long values continue on the next lines. */
export function facts(pairs: readonly Fact[], total: number): string {
  const margin = Math.max(...pairs.map(([name]) => name.length)) + 2;
  return pairs
    .map(([name, value]) => `${`${name}:`.padEnd(margin)}${wrap(plain(value), total - margin, margin)}\n`)
    .join("");
}

/** Breaks text at blanks into lines of at most `columns`, the later ones indented by `margin`. */
export function wrap(text: string, columns: number, margin: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((long) => pieces(long, columns))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(longer) > columns && line !== "") {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].join(`\n${" ".repeat(margin)}`);
}

function pieces(word: string, columns: number): string[] {
  const parts: string[] = [];
  let rest = word;
  while (widthOf(rest) > columns) {
    const part = headOf(rest, columns);
    parts.push(part);
    rest = rest.slice(part.length);
  }
  return [...parts, rest];
}

/** Writes `2026-03-29 03:00:05 +02:00`, in the time zone of this process. */
export function timeWithZone(at: number): string {
  const offset = -new Date(at).getTimezoneOffset();
  const shifted = at + offset * 60_000;
  // A time out of range that is already stored must not prevent the rest from being shown; beyond all dates, the offset
  // is NaN.
  if (!(shifted <= LAST_MOMENT)) return "after 9999";
  const local = new Date(shifted).toISOString().slice(0, 19).replace("T", " ");
  const sign = offset < 0 ? "-" : "+";
  const clock = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${local} ${sign}${clock.map((part) => String(part).padStart(2, "0")).join(":")}`;
}

export function ageOf(at: number, now: number): string {
  return timeInWords(Math.max(0, now - at));
}
