/** DNS lists of clients as operators write them; the configuration and the API read them in the same way. */
import type { PatternKind } from "./access-pattern.ts";
import { normaliseDomain } from "./domain.ts";
import { replyWords } from "./reply-words.ts";

/** Characters of a zone: a name has 253, and the longest query is 32 nibbles and their dots before the zone. */
const LONGEST = 253 - 64;

export const LIST_ZONE: PatternKind = {
  expected: "the DNS zone of a list, such as zen.example",
  read: (text) => {
    if (/^https?:/i.test(text)) return { wrong: "is a URL" };
    const name = normaliseDomain(text);
    if (name === undefined || !/[a-z]/.test(name)) return { wrong: "is not a DNS zone" };
    return name.length > LONGEST ? { wrong: "is too long for a DNS query" } : { value: name };
  },
};

/** The name of a list, which appears in replies. */
export const LIST_NAME = replyWords("a short name for the list, in US-ASCII");

/** RFC 5782 §2.3. */
export const LIST_CODE: PatternKind = {
  expected: "a code such as 127.0.0.2, 127.0.0.4-7 or 127.0.*.3",
  read: (text) => {
    const parts = text.split(".");
    if (parts.length !== 4 || !parts.every(isOctetPattern)) return { wrong: "is not a code" };
    if (parts[0] !== "127") return { wrong: "is outside 127.0.0.0/8" };
    if (text.startsWith("127.255.255."))
      return { wrong: "is how a list refuses a query, and never counts as a listing" };
    return { value: text };
  },
};

function isOctetPattern(text: string): boolean {
  if (text === "*") return true;
  const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text);
  const [least, most] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  return match !== null && least <= most && most <= 255;
}
