/**
 * Blanks out what is not code: comments, the contents of strings, templates and regular expressions. Length and
 * line breaks stay, so a position in the result is the same position in the source. Quotes stay too.
 */

/** After these a slash begins a regular expression, not a division. */
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|delete|await|yield|throw|else|do))$/;

interface Scan {
  readonly source: string;
  readonly out: string[];
  at: number;
}

export function maskSource(source: string): string {
  const scan: Scan = { source, out: source.split(""), at: 0 };
  skipCode(scan, "");
  return scan.out.join("");
}

/** Walks over code until `closer` (the brace that ends a template's hole) or the end. */
function skipCode(scan: Scan, closer: string): void {
  let depth = 0;
  while (scan.at < scan.source.length) {
    const here = scan.source[scan.at] ?? "";
    if (here === "/" && skipSlash(scan)) continue;
    if (here === '"' || here === "'") skipString(scan, here);
    else if (here === "`") skipTemplate(scan);
    else {
      if (here === "{") depth += 1;
      if (here === "}" && closer !== "" && depth === 0) return;
      if (here === "}") depth -= 1;
      scan.at += 1;
    }
  }
}

/** Skips a comment or a regular expression; false when the slash divides. */
function skipSlash(scan: Scan): boolean {
  const next = scan.source[scan.at + 1];
  if (next === "/") blankTo(scan, indexOr(scan.source, "\n", scan.at));
  else if (next === "*") blankTo(scan, indexOr(scan.source, "*/", scan.at + 2) + 2);
  else if (beginsRegex(codeBefore(scan))) skipRegex(scan);
  else return false;
  return true;
}

function beginsRegex(before: string): boolean {
  return BEFORE_REGEX.test(before) && !/(?:\+\+|--)$/.test(before);
}

function codeBefore(scan: Scan): string {
  return scan.out
    .slice(Math.max(0, scan.at - 200), scan.at)
    .join("")
    .trimEnd();
}

function skipString(scan: Scan, quote: string): void {
  let end = scan.at + 1;
  while (end < scan.source.length && scan.source[end] !== quote && scan.source[end] !== "\n") {
    end += scan.source[end] === "\\" ? 2 : 1;
  }
  scan.at += 1;
  blankTo(scan, end);
  scan.at += 1;
}

function skipRegex(scan: Scan): void {
  let end = scan.at + 1;
  let inClass = false;
  for (; end < scan.source.length && scan.source[end] !== "\n"; end++) {
    const here = scan.source[end];
    if (here === "\\") end += 1;
    else if (here === "[") inClass = true;
    else if (here === "]") inClass = false;
    else if (here === "/" && !inClass) break;
  }
  scan.at += 1;
  blankTo(scan, end);
  scan.at += 1;
}

function skipTemplate(scan: Scan): void {
  scan.at += 1;
  while (scan.at < scan.source.length && scan.source[scan.at] !== "`") {
    if (scan.source.startsWith("${", scan.at)) {
      scan.at += 2;
      skipCode(scan, "}");
      scan.at += 1;
    } else {
      blankTo(scan, scan.at + (scan.source[scan.at] === "\\" ? 2 : 1));
    }
  }
  scan.at += 1;
}

function blankTo(scan: Scan, end: number): void {
  const stop = Math.min(end, scan.source.length);
  for (; scan.at < stop; scan.at++) {
    if (scan.source[scan.at] !== "\n") scan.out[scan.at] = " ";
  }
}

function indexOr(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at;
}
