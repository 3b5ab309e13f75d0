/**
 * An SMTP reply, ours or a peer's (RFC 5321 §4.2, RFC 2034). Whether it is temporary or permanent is always
 * computed from `code`, never carried beside it.
 */
export interface Reply {
  readonly code: number;
  /** Enhanced status code such as `5.1.1` (RFC 3463); absent where the peer sent none. */
  readonly enhanced?: string;
  /** One line of text without the codes; no control characters. */
  readonly text: string;
}

export function reply(code: number, enhanced: string, text: string): Reply {
  return { code, enhanced, text };
}

export function isPositive(answer: Reply): boolean {
  return answer.code >= 200 && answer.code < 400;
}

export function isPermanent(answer: Reply): boolean {
  return answer.code >= 500 && answer.code < 600;
}

/** `550 5.1.1 No such user`, one line. */
export function formatReply(answer: Reply): string {
  const { code, enhanced, text } = answer;
  const codes = enhanced === undefined || enhanced === "" ? String(code) : `${code} ${enhanced}`;
  return text === "" ? codes : `${codes} ${text}`;
}

/** Most characters of a reply's text that are kept. */
const MAX_REPLY_TEXT = 1000;

/**
 * Parses a peer's reply of one or several lines. A text that is no SMTP reply becomes a temporary reply, because a peer
 * that sends such text is out of order, which is no reason to give mail up.
 */
export function parseReply(response: string): Reply {
  const lines = response.split(/\r?\n/).filter((line) => line !== "");
  const code = Number(/^([2-5]\d\d)(?:[ -]|$)/.exec(lines.at(-1) ?? "")?.[1] ?? 0);
  if (code === 0) return { code: 451, text: printable(response).slice(0, MAX_REPLY_TEXT) };
  const texts = lines.map((line) => line.replace(/^\d{3}[ -]?/, ""));
  const enhanced = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/.exec(texts[0] ?? "")?.[1];
  const bare = texts.map((text) =>
    enhanced !== undefined && text.startsWith(enhanced) ? text.slice(enhanced.length).trim() : text,
  );
  const text = printable(bare.join(" ")).slice(0, MAX_REPLY_TEXT);
  return enhanced === undefined ? { code, text } : { code, enhanced, text };
}

/** Makes text safe for a reply, a header or a log line: control characters become spaces. */
export function printable(text: string): string {
  if (/^[ -~]*$/.test(text)) return text.trim();
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ").trim();
}

/** Replaces characters beyond printable US-ASCII by question marks, for our own replies (RFC 5321 §4.2). */
export function inAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

/** Shortens a text to `most` characters; three dots replace the rest. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 3)}...`;
}
