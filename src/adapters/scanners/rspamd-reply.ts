/** Reads rspamd's answer without trusting it: a JSON object of which few fields are used, all of them bounded. */
import { printable } from "../../mail/reply.ts";
import type { SpamResult, SpamWord } from "../../ports/scanner.ts";
import { Trouble } from "./exchange.ts";

const WORDS: Readonly<Record<string, SpamWord>> = {
  "no action": "no action",
  greylist: "greylist",
  "add header": "add header",
  "rewrite subject": "rewrite subject",
  "soft reject": "soft reject",
  quarantine: "quarantine",
  reject: "reject",
  discard: "reject",
};

/** Most header fields that are accepted. */
const MOST_FIELDS = 50;
/** Most octets of one header field, and of one of its lines. */
const LONGEST_FIELD = 2000;
const LONGEST_LINE = 900;
/** Most characters of the message for the sender. */
const LONGEST_MESSAGE = 200;
/** Fields of the mail itself; another one on top would change its meaning. */
const NOT_OURS =
  /^(?:from|to|cc|bcc|subject|date|sender|reply-to|message-id|received|return-path|mime-version|content-.*|dkim-signature|arc-.*)$/i;

type Json = Readonly<Record<string, unknown>>;

export function readVerdict(text: string): SpamResult | Trouble {
  const answer = parse(text);
  const action = answer?.["action"];
  const word = typeof action === "string" && Object.hasOwn(WORDS, action) ? WORDS[action] : undefined;
  const score = answer?.["score"];
  if (answer === undefined || typeof score !== "number" || typeof action !== "string")
    return new Trouble("answered what is no verdict");
  if (word === undefined)
    return new Trouble(`asks for ${printable(action.slice(0, 40))}, which is not known`);
  const message = messageOf(answer);
  return {
    kind: "judged",
    word,
    score,
    required: numberOr(answer["required_score"], 0),
    fields: fieldsOf(answer),
    ...(message !== undefined && { message }),
  };
}

function parse(text: string): Json | undefined {
  try {
    return object(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function messageOf(answer: Json): string | undefined {
  const message = object(answer["messages"])?.["smtp_message"];
  if (typeof message !== "string") return undefined;
  const plain = printable(message.replace(/[^\x20-\x7e]/g, " ")).slice(0, LONGEST_MESSAGE);
  return plain === "" ? undefined : plain;
}

/** `milter.add_headers`: a name with a text, with `{ value, order }`, or with a list of those. */
function fieldsOf(answer: Json): readonly string[] {
  const headers = object(object(answer["milter"])?.["add_headers"]) ?? {};
  const fields: string[] = [];
  for (const [name, given] of Object.entries(headers)) {
    for (const one of Array.isArray(given) ? given : [given]) {
      const value = typeof one === "string" ? one : object(one)?.["value"];
      const field = typeof value === "string" ? fieldOf(name, value) : undefined;
      if (field !== undefined && fields.length < MOST_FIELDS) fields.push(field);
    }
  }
  return fields;
}

/** Returns one field, folded where rspamd folds it; undefined if it would be malformed or too long. */
function fieldOf(name: string, value: string): string | undefined {
  if (!/^[!-9;-~]{1,60}$/.test(name) || NOT_OURS.test(name)) return undefined;
  const lines = value.split(/\r?\n/).map(printable).filter(Boolean);
  const field = `${name}: ${lines.join("\r\n\t")}`;
  const fits =
    field.length <= LONGEST_FIELD && lines.every((line) => Buffer.byteLength(line) <= LONGEST_LINE);
  return fits ? field : undefined;
}
