/** An operator's texts for replies; the configuration and the API read them in the same way. */
import type { PatternKind } from "./access-pattern.ts";

/** Most characters. A reply with two such texts and our own still fits into one line, RFC 5321 §4.5.3.1.5. */
const LONGEST = 200;

/** US-ASCII only, RFC 5321 §4.2. Other characters would be sent in part only, and such a part may be a line end. */
export function replyWords(expected: string): PatternKind {
  return {
    expected,
    read: (text) => {
      if (/[^\x20-\x7e]/.test(text)) return { wrong: "contains characters that are not printable US-ASCII" };
      return text.length > LONGEST ? { wrong: `has more than ${LONGEST} characters` } : { value: text };
    },
  };
}
