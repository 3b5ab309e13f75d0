/** Reads what follows MAIL and RCPT: a path in angle brackets and ESMTP parameters, RFC 5321 §4.1.2. */
import { comparableLocal, MAX_PATH_OCTETS, parseAddress, type Address } from "./address.ts";
import { isAddressLiteral } from "./network.ts";

export interface PathCommand {
  /** The text between the angle brackets, without a source route. */
  readonly path: string;
  /** Keyword in upper case to value; empty string for a keyword alone. */
  readonly parameters: ReadonlyMap<string, string>;
}

type PathResult =
  | ({ readonly kind: "read" } & PathCommand)
  /** Not `FROM:<...>` or `TO:<...>`. */
  | { readonly kind: "syntax" }
  /** A parameter that is malformed or given twice. */
  | { readonly kind: "parameters" };

/** What a path names. */
type Mailbox =
  | { readonly kind: "null" }
  /** `<postmaster>` without a domain, RFC 5321 §4.1.1.3. */
  | { readonly kind: "postmaster" }
  | { readonly kind: "address"; readonly address: Address }
  /** `user@[192.0.2.1]`. */
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "malformed" };

/** RFC 5321 appendix C: must be understood, and is ignored. */
const SOURCE_ROUTE = /^@(?:\[[^\]\s]*\]|[^\s,:@[\]]+)(?:,@(?:\[[^\]\s]*\]|[^\s,:@[\]]+))*:/;

/** Parses the argument of MAIL (`keyword` FROM) or RCPT (`keyword` TO). Blanks around the colon are tolerated. */
export function parsePathCommand(argument: string, keyword: "FROM" | "TO"): PathResult {
  const head = /^([A-Za-z]+) *: */.exec(argument);
  if (head === null || head[1]?.toUpperCase() !== keyword) return { kind: "syntax" };
  const rest = argument.slice(head[0].length).trimEnd();
  const close = closingBracket(rest);
  if (close === -1) return { kind: "syntax" };
  const tail = rest.slice(close + 1);
  if (tail !== "" && !tail.startsWith(" ")) return { kind: "syntax" };
  const parameters = readParameters(tail);
  if (parameters === undefined) return { kind: "parameters" };
  return { kind: "read", path: withoutRoute(rest.slice(1, close)), parameters };
}

/** Removes a source route in front of a mailbox. In front of another text it stays, and makes the path malformed. */
function withoutRoute(path: string): string {
  if (!path.startsWith("@")) return path;
  const mailbox = path.replace(SOURCE_ROUTE, "");
  return mailbox.includes("@") ? mailbox : path;
}

/** Returns where the path that begins with `<` ends; -1 if it does not. Quoted local parts may contain brackets. */
function closingBracket(text: string): number {
  if (!text.startsWith("<")) return -1;
  let quoted = false;
  for (let at = 1; at < text.length; at++) {
    const char = text[at];
    if (char === "\\" && quoted) at += 1;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && char === ">") return at;
    else if (!quoted && char === "<") return -1;
  }
  return -1;
}

const NONE: ReadonlyMap<string, string> = new Map();

function readParameters(text: string): ReadonlyMap<string, string> | undefined {
  if (text === "") return NONE;
  const parameters = new Map<string, string>();
  for (const word of text.split(" ")) {
    if (word === "") continue;
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\s]+))?$/.exec(word);
    const keyword = match?.[1]?.toUpperCase();
    if (keyword === undefined || parameters.has(keyword)) return undefined;
    parameters.set(keyword, match?.[2] ?? "");
  }
  return parameters;
}

/** Classifies a path; `malformed` for every text that the grammar does not allow. */
export function readMailbox(path: string): Mailbox {
  if (path === "") return { kind: "null" };
  if (/^postmaster$/i.test(path)) return { kind: "postmaster" };
  const address = parseAddress(path);
  if (address !== undefined) return { kind: "address", address };
  return isAtLiteral(path) ? { kind: "literal", text: path } : { kind: "malformed" };
}

function isAtLiteral(path: string): boolean {
  if (Buffer.byteLength(path) > MAX_PATH_OCTETS) return false;
  const [, local = "", literal = ""] = /^(.+)@(\[[^\]\s]+\])$/u.exec(path) ?? [];
  return isAddressLiteral(literal) && comparableLocal(local) !== undefined;
}
