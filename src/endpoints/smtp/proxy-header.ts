/**
 * The header that a load balancer sends before everything else, PROXY protocol versions 1 and 2 of HAProxy's
 * proxy-protocol.txt. Bounded: 107 octets in version 1, 4 KiB of addresses and extensions in version 2.
 */
import { isIPv4, isIPv6, type Socket } from "node:net";
import { canonicalIp } from "../../mail/network.ts";

type ProxyHeader =
  /** More octets are needed. */
  | { readonly kind: "partial" }
  | { readonly kind: "wrong"; readonly why: string }
  /** No `client`: the load balancer speaks for itself (LOCAL), or for a client whose address is unknown or not IP. */
  | { readonly kind: "header"; readonly octets: number; readonly client?: string };

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const WORD = Buffer.from("PROXY ");
/** Octets of a line of version 1, of the fixed part of version 2, and of the part that may follow it. */
const LONGEST_LINE = 107;
const HEAD = 16;
const LONGEST_REST = 4096;
/** UDP and UNIX sockets. A receiver that does not read their addresses must treat them as UNSPEC (§2.2). */
const NOT_TCP: ReadonlySet<number> = new Set([0x12, 0x22, 0x31, 0x32]);
const EMPTY = Buffer.alloc(0);
const PARTIAL: ProxyHeader = { kind: "partial" };

/** Reads the header at the beginning of `octets`. No octets at all are a partial header. */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  if (begins(octets, SIGNATURE)) return octets.length < HEAD ? PARTIAL : readBinary(octets);
  if (begins(octets, WORD)) return readLine(octets);
  return { kind: "wrong", why: "no PROXY header" };
}

/** Whether `octets` begin with `start`, or `start` begins with them. */
function begins(octets: Buffer, start: Buffer): boolean {
  const length = Math.min(octets.length, start.length);
  return octets.subarray(0, length).equals(start.subarray(0, length));
}

function readLine(octets: Buffer): ProxyHeader {
  const line = octets.subarray(0, LONGEST_LINE).toString("latin1");
  const end = line.indexOf("\r\n");
  if (end === -1)
    return octets.length < LONGEST_LINE ? PARTIAL : { kind: "wrong", why: "PROXY line too long" };
  const header = { kind: "header", octets: end + 2 } as const;
  const text = line.slice(0, end);
  if (/^PROXY UNKNOWN(?: |$)/.test(text)) return header;
  const [, family, client = "", ours = ""] = /^PROXY (TCP[46]) (\S+) (\S+) \d{1,5} \d{1,5}$/.exec(text) ?? [];
  const fits = family === "TCP4" ? isIPv4 : isIPv6;
  if (family === undefined || !fits(client) || !fits(ours)) return { kind: "wrong", why: "bad PROXY line" };
  return { ...header, client: canonicalIp(client) };
}

function readBinary(octets: Buffer): ProxyHeader {
  const version = octets.readUInt8(12);
  const family = octets.readUInt8(13);
  const rest = octets.readUInt16BE(14);
  if (version >> 4 !== 2 || (version & 0xf) > 1) return { kind: "wrong", why: "unknown version or command" };
  if (rest > LONGEST_REST) return { kind: "wrong", why: "PROXY header too long" };
  if (octets.length < HEAD + rest) return PARTIAL;
  const header = { kind: "header", octets: HEAD + rest } as const;
  const local = (version & 0xf) === 0 || family >> 4 === 0;
  if (local || NOT_TCP.has(family)) return header;
  const client = readAddress(family, octets.subarray(HEAD, HEAD + rest));
  return client === undefined ? { kind: "wrong", why: "addresses not of TCP" } : { ...header, client };
}

function readAddress(family: number, addresses: Buffer): string | undefined {
  if (family === 0x11 && addresses.length >= 12) return addresses.subarray(0, 4).join(".");
  if (family !== 0x21 || addresses.length < 36) return undefined;
  const groups = Array.from({ length: 8 }, (_, at) => addresses.readUInt16BE(2 * at).toString(16));
  return canonicalIp(groups.join(":"));
}

/** Removes the header from the socket and leaves what follows. `done` is never called if the socket closes before. */
export function takeProxyHeader(
  socket: Socket,
  done: (header: Exclude<ProxyHeader, { kind: "partial" }>) => void,
): void {
  let seen: Buffer = EMPTY;
  const read = (): void => {
    for (let part = socket.read() as Buffer | null; part !== null; part = socket.read() as Buffer | null)
      seen = Buffer.concat([seen, part]);
    const header = readProxyHeader(seen);
    if (header.kind === "partial") return;
    socket.removeListener("readable", read);
    if (header.kind === "header" && header.octets < seen.length) socket.unshift(seen.subarray(header.octets));
    done(header);
  };
  socket.on("readable", read);
}
