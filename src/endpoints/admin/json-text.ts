/** Checks of the JSON text of a body that the value from JSON.parse no longer allows. */

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [LIST, END_OF_LIST, MAPPING, END_OF_MAPPING, COLON] = [0x5b, 0x5d, 0x7b, 0x7d, 0x3a];

/**
 * Returns whether this text, valid JSON or not, contains more than `most` lists, mappings and keys. Parsed, they would
 * take a hundred times the memory of the text, and seconds in which no other request is answered.
 */
export function hasMoreParts(text: string, most: number): boolean {
  let parts = 0;
  for (let at = 0; at < text.length && parts <= most; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at) - 1;
    else if (code === LIST || code === MAPPING || code === COLON) parts += 1;
  }
  return parts > most;
}

/** The keys so far of an open mapping; undefined for an open list. */
type Scope = Set<string> | undefined;

/** Returns the first repeated key of a mapping in valid JSON: JSON.parse silently keeps only the last value. */
export function repeatedKey(json: string): string | undefined {
  const scopes: Scope[] = [];
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === LIST) scopes.push(undefined);
    else if (code === MAPPING) scopes.push(new Set());
    else if (code === END_OF_LIST || code === END_OF_MAPPING) scopes.pop();
    if (code !== QUOTE) continue;
    const [start, end, keys] = [at, endOfText(json, at), scopes.at(-1)];
    at = end - 1;
    if (keys === undefined || !isKey(json, end)) continue;
    const key = String(JSON.parse(json.slice(start, end)));
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return undefined;
}

/** Returns the index after the closing quote of the string that begins at `start`. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  for (; at < json.length && json.charCodeAt(at) !== QUOTE; at++) if (json.charCodeAt(at) === BACKSLASH) at++;
  return at + 1;
}

function isKey(json: string, end: number): boolean {
  let at = end;
  while (json.charCodeAt(at) <= 0x20) at++;
  return json.charCodeAt(at) === COLON;
}
