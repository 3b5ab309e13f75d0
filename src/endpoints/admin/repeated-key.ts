const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The keys of an object that is open at a place; undefined: it is a list. */
type Scope = Set<string> | undefined;

/**
 * The first key that one object of this JSON has twice; undefined where there is none. `JSON.parse`, which must have read
 * the text before, passes over all but the last of them.
 */
export function repeatedKey(json: string): string | undefined {
  const scopes: Scope[] = [];
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfText(json, at);
      const keys = scopes.at(-1);
      if (keys !== undefined && isKey(json, end)) {
        const key = String(JSON.parse(json.slice(at, end)));
        if (keys.has(key)) return key;
        keys.add(key);
      }
      at = end - 1;
    } else if (json[at] === "{") scopes.push(new Set());
    else if (json[at] === "[") scopes.push(undefined);
    else if (json[at] === "}" || json[at] === "]") scopes.pop();
  }
  return undefined;
}

/** Behind the closing quote of the text that begins at `start`. */
function endOfText(json: string, start: number): number {
  let at = start + 1;
  for (; json.charCodeAt(at) !== QUOTE; at++) if (json.charCodeAt(at) === BACKSLASH) at++;
  return at + 1;
}

function isKey(json: string, end: number): boolean {
  let at = end;
  while (json.charCodeAt(at) <= 0x20) at++;
  return json[at] === ":";
}
