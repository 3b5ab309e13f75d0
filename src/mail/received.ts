/** The trace field that we put on top of every mail, RFC 5321 §4.4. */
import { addressLiteral, isAddressLiteral } from "./network.ts";

export interface Reception {
  readonly ip: string;
  /** Forward-confirmed name of the client, where there is one. */
  readonly name?: string;
  /** What the client said after HELO or EHLO, as received. */
  readonly helo: string;
  /** EHLO was used. */
  readonly extended: boolean;
  readonly smtpUtf8: boolean;
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`; absent in clear. */
  readonly tls?: string;
  /** Our own name. */
  readonly by: string;
  readonly id: string;
  /** Present only if the mail has one recipient, so that no recipient learns of others. */
  readonly recipient?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** One folded Received field, CRLF at its end. */
export function receivedField(reception: Reception): string {
  const { by, id, tls, recipient, at } = reception;
  const clauses = [
    `Received: from ${heloName(reception.helo)} (${tcpInfo(reception)})`,
    `by ${by} (Holdfast) with ${protocol(reception)} id ${id}`,
    ...(tls === undefined ? [] : [`(${tls.replace(/[^A-Za-z0-9._ -]/g, "?")})`]),
    ...(recipient === undefined ? [] : [`for <${recipient}>`]),
  ];
  return `${clauses.join("\r\n\t")};\r\n\t${mailDate(at)}\r\n`;
}

/** The client's address and name, as known from the connection, RFC 5321 §4.4. */
function tcpInfo({ ip, name }: Reception): string {
  return name === undefined ? addressLiteral(ip) : `${heloName(name)} ${addressLiteral(ip)}`;
}

/** The registered protocol type, RFC 3848 and RFC 6531 §4.3. */
function protocol({ extended, smtpUtf8, tls }: Reception): string {
  if (!extended) return "SMTP";
  const name = smtpUtf8 ? "UTF8SMTP" : "ESMTP";
  return tls === undefined ? name : `${name}S`;
}

/** Characters. */
const LONGEST_HELO = 255;

/** Returns a client's HELO as it may appear in a header: characters that no domain or literal has are replaced. */
export function heloName(helo: string): string {
  if (isAddressLiteral(helo)) return helo;
  const safe = helo.slice(0, LONGEST_HELO).replace(/[^A-Za-z0-9._:[\]-]/gu, "?");
  return safe === "" ? "unknown" : safe;
}

let lastSecond = Number.NaN;
let lastDate = "";

/** A date as RFC 5322 §3.3 writes it, in UTC. */
export function mailDate(at: number): string {
  const second = Math.floor(at / 1000);
  if (second !== lastSecond)
    lastDate = new Date(at).toUTCString().replace(", 0", ", ").replace("GMT", "+0000");
  lastSecond = second;
  return lastDate;
}
