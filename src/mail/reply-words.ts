/** Words of an operator that stand in replies: read the same way in the configuration and in the API. */
import type { PatternKind } from "./access-pattern.ts";

/** Characters. With two of them and our own words a reply still fits into its line, RFC 5321 §4.5.3.1.5. */
const LONGEST = 200;

/** RFC 5321 §4.2: US-ASCII. Of another character only some octets would be sent, and a line end may be among them. */
export function replyWords(expected: string): PatternKind {
  return {
    expected,
    read: (text) => {
      if (/[^\x20-\x7e]/.test(text)) return { wrong: "contains characters that are not printable US-ASCII" };
      return text.length > LONGEST ? { wrong: `has more than ${LONGEST} characters` } : { value: text };
    },
  };
}
