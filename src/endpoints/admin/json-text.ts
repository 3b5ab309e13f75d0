/** What the text of a body shows, and the value that JSON.parse makes of it does not. */

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [LIST, END_OF_LIST, MAPPING, END_OF_MAPPING, COLON] = [0x5b, 0x5d, 0x7b, 0x7d, 0x3a];

/**
 * Whether more than `most` lists, mappings and keys begin in this text, be it JSON or not. As values they take a hundred
 * times the memory of the text, and seconds in which nothing else is answered.
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

/** The keys of a mapping that is open at a place; undefined: it is a list. */
type Scope = Set<string> | undefined;

/** The first key that one mapping of this sound JSON has twice: JSON.parse passes over all but the last. */
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

/** Behind the closing quote of the string that begins at `start`. */
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
