/** Finds every import of a file: static, `export from`, types, dynamic, and workers named by URL. */

export interface Import {
  /** As written; undefined where it is computed and so cannot be checked. */
  readonly specifier: string | undefined;
  readonly line: number;
  /** Imported names for a static import: `["default"]`, `["*"]`, or names; types carry `type `. */
  readonly names: readonly string[];
  /** It is loaded together with the file: neither types alone, nor `import()`, nor a worker. */
  readonly atOnce: boolean;
  readonly reExportsAll: boolean;
}

const STATIC = /\b(import|export)\b((?:[\w$*,\s]|\{[^{}]*\})*)(?<![\w$])from\s*(["'])( *)\3/g;
const BARE = /\bimport\s*(["'])( *)\1/g;
const DYNAMIC = /\bimport\s*\(\s*(?:(["'`])( *)\1\s*[,)])?/g;
const BY_URL = /\bnew\s+URL\s*\(\s*(["'`])( *)\1\s*,\s*import\.meta\.url/g;
const REQUIRE = /\b(?:createRequire\s*\(|require\s*\()/g;
const SOURCE_FILE = /\.(?:ts|js|mts|mjs)$/;

/** `masked` is the same text after maskSource. */
export function scanImports(source: string, masked: string): Import[] {
  const quoted = (match: RegExpExecArray, quote: string): string => {
    const close = match[0].lastIndexOf(quote);
    const open = match[0].lastIndexOf(quote, close - 1);
    return source.slice(match.index + open + 1, match.index + close);
  };
  const found: Import[] = [];
  const add = (match: RegExpExecArray, part: Partial<Import>): void => {
    const line = masked.slice(0, match.index).split("\n").length;
    found.push({ specifier: undefined, line, names: [], atOnce: false, reExportsAll: false, ...part });
  };
  for (const match of masked.matchAll(STATIC)) {
    const clause = match[2] ?? "";
    const reExportsAll = match[1] === "export" && /^\s*(?:type\s*)?\*/.test(clause);
    const atOnce = !/^\s*type(?:\s+[\w$*]|\s*\{)/.test(clause);
    add(match, {
      specifier: quoted(match, match[3] ?? ""),
      names: importedNames(clause),
      atOnce,
      reExportsAll,
    });
  }
  for (const match of masked.matchAll(BARE))
    add(match, { specifier: quoted(match, match[1] ?? ""), atOnce: true });
  for (const match of masked.matchAll(DYNAMIC)) {
    const specifier = match[1] === undefined ? undefined : quoted(match, match[1]);
    add(match, { specifier, names: ["*"] });
  }
  for (const match of masked.matchAll(BY_URL)) {
    const specifier = quoted(match, match[1] ?? "");
    if (SOURCE_FILE.test(specifier)) add(match, { specifier });
  }
  for (const match of masked.matchAll(REQUIRE)) add(match, {});
  return found;
}

function importedNames(clause: string): string[] {
  const wholeType = /^\s+type\s+[^,]*$/.test(clause) && !/^\s+type\s*,/.test(clause);
  const braces = /\{([^{}]*)\}/.exec(clause);
  const inside = (braces?.[1] ?? "").split(",").map((name) => name.trim().replace(/\s+as\s+.*$/s, ""));
  const outside = clause.replace(/\{[^{}]*\}/, "").replace(/^\s+type\b/, "");
  const names = inside.filter((name) => name !== "");
  if (outside.includes("*")) names.push("*");
  else if (/[\w$]/.test(outside)) names.push("default");
  return wholeType || /^\s+type\s*\{/.test(clause) ? names.map((name) => `type ${name}`) : names;
}
