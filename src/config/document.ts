/** Reads a YAML text into plain values, with every scalar as the text that was written, and the place of each key. */
import {
  LineCounter,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import { keyText, type Fault, type Path } from "./problem.ts";

interface Place {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** A syntax error of the text as YAML. */
interface YamlFault extends Place, Fault {
  /** Name of the key concerned, if there is one. */
  readonly key: string;
}

export interface ConfigText {
  /** Mappings, lists and texts; undefined if the text is too broken to be parsed. */
  readonly value: unknown;
  readonly faults: readonly YamlFault[];
  /** Returns a single value as far as the parser got, however broken the rest of the text is. */
  textAt(path: Path): string | undefined;
  /**
   * Returns the place of a key's value, or of the key itself; for a missing key, the place of the mapping that should
   * contain it.
   */
  locate(path: Path, atKey?: boolean): Place;
}

type PlaceOf = (offset: number) => Place;

export function readDocument(text: string): ConfigText {
  const lines = new LineCounter();
  const options = { schema: "failsafe", lineCounter: lines, prettyErrors: false, uniqueKeys: false } as const;
  const document = parseDocument(text, options);
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const syntax = firstOfLines(
    [...document.errors, ...document.warnings].map((error): YamlFault => {
      const { line, column } = placeOf(error.pos[0]);
      const rest = /^.*/.exec(text.slice(error.pos[0]))?.[0] ?? "";
      const { wrong, right } = explain(error.code, error.message, rest);
      return { line, column, key: "", wrong, right };
    }),
  );
  const keys = checkKeys(document, placeOf);
  const isRead = document.errors.length === 0;
  const nodes = isRead ? [...checkAliases(document, placeOf), ...checkWords(document, placeOf)] : [];
  const broken = !isRead || nodes.length > 0;
  return {
    value: broken ? undefined : (document.toJS({ maxAliasCount: -1 }) ?? {}),
    faults: [...syntax, ...keys, ...nodes],
    textAt: (path) => textAt(document, path),
    locate: (path, atKey = false) => placeOf(offsetOf(document, path, atKey)),
  };
}

/** Further errors on the same line are consequences of the first one. */
function firstOfLines(faults: readonly YamlFault[]): readonly YamlFault[] {
  const inOrder = faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return inOrder.filter(({ line }, index) => inOrder[index - 1]?.line !== line);
}

/** Most aliases (`*name`) in one document: each may stand for many others. */
const MAX_ALIASES = 1000;

/**
 * Reports aliases without an anchor, and aliases whose anchors contain aliases again: such a text can grow without
 * bound.
 */
function checkAliases(document: Document, placeOf: PlaceOf): readonly YamlFault[] {
  const faults: YamlFault[] = [];
  let count = 0;
  const fault = (alias: Alias, wrong: string, right: string) =>
    faults.push({ ...placeOf(alias.range?.[0] ?? 0), key: "", wrong, right });
  visit(document, {
    Alias(_, alias, ancestors) {
      count++;
      if (alias.resolve(document) === undefined)
        fault(alias, `the alias *${alias.source} has no anchor`, STAR);
      else if (ancestors.some((node) => isCollection(node) && node.anchor !== undefined))
        fault(alias, "an alias inside an anchored value", "write the values out");
      else if (count > MAX_ALIASES) fault(alias, `more than ${MAX_ALIASES} aliases`, "write the values out");
      return count > MAX_ALIASES ? visit.BREAK : undefined;
    },
  });
  return faults;
}

function textAt(document: Document, path: Path): string | undefined {
  let node: unknown = document.contents;
  for (const step of path) {
    node = child(isAlias(node) ? node.resolve(document) : node, step)?.node;
  }
  return isScalar(node) && typeof node.value === "string" && node.value !== "" ? node.value : undefined;
}

const STAR = 'put a text that begins with * in quotes, such as "*"';

const EXPLANATIONS: Readonly<Record<string, Fault>> = {
  TAB_AS_INDENT: { wrong: "a tab in the indentation", right: "indent with spaces" },
  BAD_INDENT: { wrong: "wrong indentation", right: "indent the keys of one mapping equally" },
  MULTIPLE_DOCS: { wrong: "a second document (---)", right: "keep one document in the file" },
  BLOCK_AS_IMPLICIT_KEY: {
    wrong: "a second colon on one line",
    right: "put the value in quotes, or the mapping on a line of its own",
  },
  TAG_RESOLVE_FAILED: {
    wrong: "a YAML tag",
    right: "remove the tag, or put a text that begins with ! in quotes",
  },
  BAD_ALIAS: { wrong: "an alias without a name", right: STAR },
};

/** The parser takes a value for a key if the next line is indented more deeply. */
const DEEPER: Fault = {
  wrong: "the next line is indented deeper, but this key already has a value",
  right: "indent the keys of one mapping equally",
};

/** `mode:backup`, or a single word, is a text, not a key with a value. */
const NO_KEY: Fault = {
  wrong: "not a key with a value",
  right: "write key: value, with a space after the colon",
};

const NO_WORD: Fault = {
  wrong: "a list or a mapping instead of a key",
  right: "write a key as one word; put IPv6 addresses in quotes",
};

/** `rest` is the line from the place of the error on. */
function explain(code: string, detail: string, rest: string): Fault {
  if (code === "BLOCK_AS_IMPLICIT_KEY" && !/:(?:\s|$)/.test(rest)) return DEEPER;
  if (/^Implicit (?:keys need to be on|map keys need to be followed)/.test(detail)) return NO_KEY;
  if (detail.startsWith("Flow "))
    return {
      wrong: "a [ or { that is not closed, or goes on in a line that is not indented",
      right: "close it with ] or }, or indent that line",
    };
  const known = EXPLANATIONS[code];
  if (known !== undefined) return known;
  return {
    wrong: `not valid YAML: ${detail}`,
    right: "check quotes, brackets and colons; IPv6 addresses and texts that begin with * or @ need quotes",
  };
}

/** Reports duplicate keys. Removes keys without a value, as if they were commented out. */
function checkKeys(document: Document, placeOf: PlaceOf): readonly YamlFault[] {
  const faults: YamlFault[] = [];
  visit(document, {
    Map(_, map, ancestors) {
      faults.push(...duplicates(map, ancestors, placeOf));
      if (!isDomains(ancestors)) map.items = map.items.filter((pair) => !isEmpty(pair));
    },
  });
  return faults;
}

/** Reports keys that are lists or mappings, such as `[::]:25` without quotes, and keys without a colon. */
function checkWords(document: Document, placeOf: PlaceOf): readonly YamlFault[] {
  const faults: YamlFault[] = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      const isWord = !isCollection(pair.key);
      // YAML reads `{ tls:require }` as a key without a value; treated as commented out, it would be ignored silently.
      if (isWord && pair.value !== null) return;
      const path = pathOf(pair, ancestors);
      const key = keyText(isWord ? [...path, keyOf(pair)] : path);
      faults.push({ ...placeOf(rangeOf(pair.key)?.[0] ?? 0), key, ...(isWord ? NO_KEY : NO_WORD) });
    },
  });
  return faults;
}

function duplicates(map: YAMLMap, ancestors: readonly unknown[], placeOf: PlaceOf): readonly YamlFault[] {
  const seen = new Map<string, number>();
  const faults: YamlFault[] = [];
  for (const pair of map.items) {
    const key = keyOf(pair);
    const offset = rangeOf(pair.key)?.[0] ?? 0;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, offset);
    if (first === undefined && key !== "__proto__") continue;
    const wrong =
      first === undefined
        ? "is not a known key"
        : `is a duplicate: the same key is on line ${placeOf(first).line}`;
    const right = first === undefined ? "remove it" : "keep one";
    faults.push({ ...placeOf(offset), key: keyText([...pathOf(map, ancestors), key]), wrong, right });
  }
  return faults;
}

/** Returns the keys and indexes that lead to a node, from the ancestors that the parser gives. */
function pathOf(node: unknown, ancestors: readonly unknown[]): Path {
  return ancestors.flatMap((around, index): (string | number)[] => {
    if (isPair(around)) return [keyOf(around)];
    return isSeq(around) ? [around.items.indexOf(ancestors[index + 1] ?? node)] : [];
  });
}

/** A name below `domains` that has no settings must not vanish silently. */
function isDomains(ancestors: readonly unknown[]): boolean {
  const pair = ancestors.at(-1) as Pair | undefined;
  return ancestors.length === 3 && pair !== undefined && keyOf(pair) === "domains";
}

function isEmpty(pair: Pair): boolean {
  const { value } = pair;
  return isScalar(value) && value.value === "" && value.type === "PLAIN";
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function rangeOf(node: unknown): readonly number[] | undefined {
  return (node as Node | null)?.range ?? undefined;
}

function offsetOf(document: Document, path: Path, atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    // The path of a list's only element may lack its index.
    if (isSeq(node) && typeof step === "string") node = node.items[0];
    const found = child(node, step);
    if (found === undefined) return offset;
    node = found.node;
    const wantsValue = index === path.length - 1 && !atKey && !(isCollection(node) && !node.flow);
    offset = (wantsValue ? rangeOf(node)?.[0] : undefined) ?? found.offset ?? offset;
  }
  return offset;
}

function child(
  node: unknown,
  step: string | number,
): { node: unknown; offset?: number | undefined } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return item === undefined ? undefined : { node: item, offset: rangeOf(item)?.[0] };
  }
  const pair = isMap(node) ? indexOf(node).get(String(step)) : undefined;
  return pair === undefined ? undefined : { node: pair.value, offset: rangeOf(pair.key)?.[0] };
}

const indexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

/**
 * Returns the pairs of a mapping by key; of duplicates the last, whose value is used. Cached, because each of many
 * faults looks its key up.
 */
function indexOf(map: YAMLMap): ReadonlyMap<string, Pair> {
  const known = indexes.get(map);
  if (known !== undefined) return known;
  const index = new Map(map.items.map((pair) => [keyOf(pair), pair]));
  indexes.set(map, index);
  return index;
}
