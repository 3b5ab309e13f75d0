/**
 * A sender's requests about delivery status notifications: the parameters of MAIL and RCPT, RFC 3461 §4. Values are
 * stored as received (xtext.ts), because they are passed on as received.
 */
import { decodeUnitext, decodeXtext, isUnitext, isXtext } from "./xtext.ts";

/** Requests for a mail as a whole. */
export interface DsnRequest {
  /** How much of the mail a DSN of failure returns. */
  readonly ret?: "FULL" | "HDRS";
  /** The sender's own name for this mail, in xtext. */
  readonly envid?: string;
}

/** Requests for one recipient. */
export interface DsnRecipient {
  /** `NEVER`, or some of `SUCCESS,FAILURE,DELAY` in this order; absent: the sender requested nothing. */
  readonly notify?: string;
  /** `rfc822;` or another type, and the address that the sender used originally, in xtext. */
  readonly orcpt?: string;
}

type Parameters = ReadonlyMap<string, string>;

/** Characters, RFC 3461 §4.4; octets, §4.2. */
const MAX_ENVID = 100;
const MAX_ORCPT = 500;

const ATOM = /^[A-Za-z0-9!#$%&'*/?^_`{|}~-]+$/;
const EVENTS = ["SUCCESS", "FAILURE", "DELAY"] as const;

export const MAIL_DSN: ReadonlySet<string> = new Set(["RET", "ENVID"]);
export const RCPT_DSN: ReadonlySet<string> = new Set(["NOTIFY", "ORCPT"]);

/** Reads RET and ENVID of MAIL; undefined if one of them is malformed. */
export function readMailDsn(parameters: Parameters): DsnRequest | undefined {
  const ret = parameters.get("RET")?.toUpperCase();
  const envid = parameters.get("ENVID");
  if (ret !== undefined && ret !== "FULL" && ret !== "HDRS") return undefined;
  if (envid !== undefined && !isEnvid(envid)) return undefined;
  return { ...(ret !== undefined && { ret }), ...(envid !== undefined && { envid }) };
}

/** Reads NOTIFY and ORCPT of RCPT; undefined if one of them is malformed. `utf8`: MAIL had SMTPUTF8. */
export function readRcptDsn(parameters: Parameters, utf8: boolean): DsnRecipient | undefined {
  const given = parameters.get("NOTIFY");
  const orcpt = parameters.get("ORCPT");
  const notify = given === undefined ? undefined : canonicalNotify(given);
  if (given !== undefined && notify === undefined) return undefined;
  if (orcpt !== undefined && !isOrcpt(orcpt, utf8)) return undefined;
  return { ...(notify !== undefined && { notify }), ...(orcpt !== undefined && { orcpt }) };
}

function isEnvid(text: string): boolean {
  return text.length <= MAX_ENVID && isXtext(text) && isPrintableAscii(decodeXtext(text));
}

function isOrcpt(text: string, utf8: boolean): boolean {
  const semicolon = text.indexOf(";");
  if (semicolon < 1 || Buffer.byteLength(text) > MAX_ORCPT) return false;
  const type = text.slice(0, semicolon);
  const address = text.slice(semicolon + 1);
  if (!ATOM.test(type)) return false;
  if (type.toLowerCase() !== "utf-8") return isXtext(address) && !hasControls(decodeXtext(address));
  // RFC 6533 §3: unencoded UTF-8 is allowed only with SMTPUTF8.
  const plain = utf8 || /^[!-~]*$/.test(address);
  return plain && isUnitext(address) && !hasControls(decodeUnitext(address));
}

function canonicalNotify(text: string): string | undefined {
  const words = text.toUpperCase().split(",");
  if (words.length === 1 && words[0] === "NEVER") return "NEVER";
  const known = EVENTS.filter((event) => words.includes(event));
  return known.length === words.length ? known.join(",") : undefined;
}

/** Whether the sender wants a DSN about this event; without a request: about failures and delays, RFC 3461 §4.1. */
export function wantsDsn(notify: string | undefined, event: (typeof EVENTS)[number]): boolean {
  if (notify === undefined) return event !== "SUCCESS";
  return notify.split(",").includes(event);
}

interface OriginalRecipient {
  readonly type: string;
  /** The address itself, decoded. */
  readonly address: string;
}

/** Decodes the value of ORCPT. */
export function originalRecipient(orcpt: string): OriginalRecipient {
  const semicolon = orcpt.indexOf(";");
  const type = orcpt.slice(0, semicolon);
  const address = orcpt.slice(semicolon + 1);
  return { type, address: type.toLowerCase() === "utf-8" ? decodeUnitext(address) : decodeXtext(address) };
}

function isPrintableAscii(text: string): boolean {
  return /^[ -~]+$/.test(text);
}

function hasControls(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/.test(text);
}
