import { isIPv4, isIPv6, SocketAddress } from "node:net";

/** Returns a client's address in plain form: IPv4-mapped IPv6 as IPv4, without a zone id, in lower case. */
export function normaliseIp(ip: string): string {
  if (/^[\d.]+$/.test(ip)) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1] !== undefined) return mapped[1];
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(ip);
  if (groups !== null) return groups.slice(1).flatMap(twoOctets).join(".");
  const zone = ip.indexOf("%");
  return (zone === -1 ? ip : ip.slice(0, zone)).toLowerCase();
}

/** Converts an address that a person wrote to the spelling that sockets and the DNS use. */
export function canonicalIp(ip: string): string {
  return normaliseIp(isIPv6(ip) ? new SocketAddress({ address: ip, family: "ipv6" }).address : ip);
}

function twoOctets(group: string): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}

/** Returns the network whose addresses share one client's limits and reputation: /24 of IPv4, /64 of IPv6. */
export function clientNetwork(ip: string): string {
  const plain = normaliseIp(ip);
  if (isIPv4(plain)) return `${plain.split(".").slice(0, 3).join(".")}.0/24`;
  if (isIPv6(plain)) return `${expandIpv6(plain).slice(0, 4).join(":")}::/64`;
  return plain;
}

/** The address as an SMTP address literal, RFC 5321 §4.1.3. */
export function addressLiteral(ip: string): string {
  const plain = normaliseIp(ip);
  return plain.includes(":") ? `[IPv6:${plain}]` : `[${plain}]`;
}

/** Whether a text is an address literal. */
export function isAddressLiteral(text: string): boolean {
  const inner = /^\[([^\]]*)\]$/.exec(text)?.[1] ?? "";
  return isIPv4(inner) || (/^IPv6:/i.test(inner) && isIPv6(inner.slice(5)));
}

/** Whether the address is a loopback address. */
export function isLoopback(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

/** Whether a listener at this address accepts connections to every address of the machine. */
export function isUnspecified(ip: string): boolean {
  return ip === "0.0.0.0" || (isIPv6(ip) && /^[0:]+$/.test(ip));
}

/** Returns the DNS name of an address's PTR records, RFC 1035 §3.5 and RFC 3596 §2.5. */
export function reverseName(ip: string): string {
  const plain = normaliseIp(ip);
  if (isIPv6(plain)) return `${nibbles(plain)}.ip6.arpa`;
  return `${plain.split(".").reverse().join(".")}.in-addr.arpa`;
}

/** The hexadecimal digits of an IPv6 address in reverse. */
export function nibbles(ip: string): string {
  const digits = expandIpv6(ip).map((group) => group.padStart(4, "0"));
  return digits.join("").split("").reverse().join(".");
}

/** The eight groups of an IPv6 address, no leading zeros. */
function expandIpv6(ip: string): string[] {
  const [head = "", tail] = embedIpv4(ip).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...gap, ...right].map((group) => Number.parseInt(group, 16).toString(16));
}

/** `::1.2.3.4` written with its last two groups in hexadecimal. */
function embedIpv4(ip: string): string {
  const match = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  if (match === null) return ip;
  const [a, b, c, d] = match.slice(2).map(Number) as [number, number, number, number];
  return `${match[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** The addresses whose first `bits` bits are equal; in groups of 16 bits. */
export interface Network {
  readonly groups: readonly number[];
  readonly bits: number;
}

/** Reads an address or a network such as `192.0.2.0/24`; undefined for what is neither, or has bits set beyond its prefix length. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const groups = addressGroups(address);
  if (groups === undefined) return undefined;
  const bits = length === undefined ? groups.length * 16 : Number(length);
  if (bits > groups.length * 16) return undefined;
  const network = { groups, bits };
  return groups.every((group, at) => (group & ~mask(network, at) & 0xffff) === 0) ? network : undefined;
}

/** What is wrong with a text, as the end of a sentence that begins with the text; and a correction, if one is known. */
export interface TextFault {
  readonly wrong: string;
  readonly right?: string;
}

/** Explains why `parseNetwork` rejects a text. */
export function networkFault(text: string): TextFault {
  const [, address = "", prefix = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const groups = addressGroups(address);
  if (groups === undefined) return { wrong: "is not a network" };
  const [family, usual] = groups.length === 2 ? ["IPv4", 24] : ["IPv6", 64];
  const most = groups.length * 16;
  const bits = Number(prefix);
  if (bits > most)
    return {
      wrong: `has a prefix length above ${most}, the number of bits in an ${family} address`,
      right: `write a prefix length of up to ${most}, such as ${networkText(groups, usual)}, or ${address} for the single address`,
    };
  return {
    wrong: "has bits set beyond its prefix length",
    right: `write ${networkText(groups, bits)} for the network, or ${address} for the single address`,
  };
}

/** Returns the network that contains an address, as text. */
function networkText(groups: readonly number[], bits: number): string {
  const kept = groups.map((group, at) => group & mask({ groups, bits }, at));
  if (kept.length === 2) return `${kept.flatMap((group) => [group >> 8, group & 0xff]).join(".")}/${bits}`;
  const last = kept.findLastIndex((group) => group !== 0);
  const written = kept.slice(0, last + 1).map((group) => group.toString(16));
  return `${written.join(":")}${last < 7 ? "::" : ""}/${bits}`;
}

export function networkHas(network: Network, ip: string): boolean {
  const groups = addressGroups(ip);
  if (groups?.length !== network.groups.length) return false;
  return groups.every((group, at) => ((group ^ (network.groups[at] ?? 0)) & mask(network, at)) === 0);
}

/** Returns a key that is equal for all spellings of a network. */
export function networkKey({ groups, bits }: Network): string {
  const kept = groups.map((group, at) => group & mask({ groups, bits }, at));
  return `${groups.length}/${bits}/${kept.join(":")}`;
}

/** Returns the key of the network of `bits` bits that contains an address; undefined if there is none. */
export function prefixKey(ip: string, bits: number): string | undefined {
  const groups = addressGroups(ip);
  return groups === undefined || bits > groups.length * 16 ? undefined : networkKey({ groups, bits });
}

function mask({ bits }: Network, at: number): number {
  const own = Math.min(16, Math.max(0, bits - 16 * at));
  return (0xffff << (16 - own)) & 0xffff;
}

function addressGroups(ip: string): number[] | undefined {
  const plain = normaliseIp(ip);
  if (isIPv6(plain)) return expandIpv6(plain).map((group) => Number.parseInt(group, 16));
  if (!isIPv4(plain)) return undefined;
  const [a, b, c, d] = plain.split(".").map(Number) as [number, number, number, number];
  return [a * 256 + b, c * 256 + d];
}

/** Makes a test whether an address lies in one of these networks; throws if `parseNetwork` rejects one of them. */
export function networkSet(texts: readonly string[]): (ip: string) => boolean {
  const networks = texts.map((text) => {
    const network = parseNetwork(text);
    if (network === undefined) throw new Error(`${text} is not a network`);
    return network;
  });
  return (ip) => networks.some((network) => networkHas(network, ip));
}

/** Formats `host:port`, with brackets around an IPv6 address, as operators read and write it. */
export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Parses the format of `hostPort`; undefined for any other text. */
export function parseHostPort(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  if (match?.[1] !== undefined && !isIPv6(host)) return undefined;
  return { host: host.toLowerCase(), port };
}
