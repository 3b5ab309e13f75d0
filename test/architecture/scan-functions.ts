/** Finds functions, methods and arrows, and how many lines each takes. Works on masked source. */

interface FoundFunction {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

const PAIRS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
/** Words before a bracket that make it a statement, not a function. */
const CONTROL = new Set([
  "if",
  "for",
  "while",
  "switch",
  "catch",
  "with",
  "return",
  "await",
  "typeof",
  "new",
]);

export function scanFunctions(masked: string): FoundFunction[] {
  // By where they end: of functions that return functions only the outermost counts.
  const found = new Map<number, FoundFunction>();
  const add = (start: number, end: number): void => {
    if (found.has(end)) return;
    const line = lineOf(masked, start);
    found.set(end, { name: nameBefore(masked, start), line, lines: lineOf(masked, end) - line + 1 });
  };
  for (let at = masked.indexOf("("); at !== -1; at = masked.indexOf("(", at + 1)) {
    const body = bodyAfterParameters(masked, at);
    if (body !== undefined) add(at, endOfBody(masked, body));
  }
  // Arrows with one bare parameter have no bracket.
  for (const match of masked.matchAll(/[\w$]+\s*=>/g)) {
    const body = skipBlank(masked, match.index + match[0].length);
    if (!isTypeOnly(masked, match.index)) add(match.index, endOfBody(masked, body));
  }
  return [...found.values()];
}

/** Where the body begins when the bracket at `open` holds parameters; undefined when it does not. */
function bodyAfterParameters(masked: string, open: number): number | undefined {
  const close = closingOf(masked, open);
  if (close === undefined) return undefined;
  let next = skipBlank(masked, close + 1);
  const typed = masked[next] === ":";
  if (typed) next = skipType(masked, next + 1);
  if (masked.startsWith("=>", next)) return skipBlank(masked, next + 2);
  if (masked[next] !== "{") return undefined;
  const before = masked.slice(Math.max(0, open - 200), open).trimEnd();
  const word = /[\w$]+$/.exec(before.replace(/<[^<>()]*>$/, ""))?.[0] ?? "";
  return CONTROL.has(word) || /\bextends\s+[\w$.]+$/.test(before) ? undefined : next;
}

/** From after the colon of a return type to what follows it: `{`, `=>` or something that is no function. */
function skipType(masked: string, from: number): number {
  let at = from;
  let last = ":";
  while (at < masked.length) {
    const here = masked[at] ?? "";
    if (masked.startsWith("=>", at)) {
      const isOwn = last !== ")" || masked[skipBlank(masked, at + 2)] === "{";
      // `subscribe(): () => void {`: the arrow belongs to the type.
      return isOwn ? at : skipType(masked, at + 2);
    }
    if (here === "{" && !/[:|&<,([?]/.test(last)) return at;
    if (/[;,)\]}=]/.test(here)) return at;
    const inner =
      here === "<" ? closingAngle(masked, at) : PAIRS[here] === undefined ? at : closingOf(masked, at);
    if (inner === undefined) return at;
    if (here.trim() !== "") last = masked[inner] ?? "";
    at = inner + 1;
  }
  return at;
}

/** The last position of the body that begins at `from`: a block, or an expression up to its end. */
function endOfBody(masked: string, from: number): number {
  if (masked[from] === "{") return closingOf(masked, from) ?? masked.length;
  let at = from;
  while (at < masked.length && !/[;,)\]}]/.test(masked[at] ?? "")) {
    at = PAIRS[masked[at] ?? ""] === undefined ? at + 1 : (closingOf(masked, at) ?? masked.length) + 1;
  }
  return from + masked.slice(from, at).trimEnd().length - 1;
}

function closingOf(masked: string, open: number): number | undefined {
  const opener = masked[open] ?? "";
  const closer = PAIRS[opener];
  let depth = 0;
  for (let at = open; at < masked.length; at++) {
    if (masked[at] === opener) depth += 1;
    else if (masked[at] === closer && --depth === 0) return at;
  }
  return undefined;
}

function closingAngle(masked: string, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < masked.length; at++) {
    if (masked[at] === "<") depth += 1;
    else if (masked[at] === ">" && masked[at - 1] !== "=" && --depth === 0) return at;
    else if (masked[at] === ";") return undefined;
  }
  return undefined;
}

/** Whether the arrow stands in a type alias or interface; such a line has no body. */
function isTypeOnly(masked: string, at: number): boolean {
  return /^\s*(?:export\s+)?type\s/.test(masked.slice(masked.lastIndexOf("\n", at) + 1, at));
}

function nameBefore(masked: string, at: number): string {
  const before = masked.slice(Math.max(0, at - 200), at).replace(/<[^<>()]*>\s*$/, "");
  const named = /([\w$#]+)\s*(?:[:=]\s*(?:async\s*)?)?$/.exec(before)?.[1];
  return named === undefined || named === "async" ? "(anonymous)" : named;
}

function skipBlank(masked: string, from: number): number {
  let at = from;
  while (/\s/.test(masked[at] ?? "")) at += 1;
  return at;
}

function lineOf(masked: string, at: number): number {
  let line = 1;
  for (let i = masked.indexOf("\n"); i !== -1 && i < at; i = masked.indexOf("\n", i + 1)) line += 1;
  return line;
}
