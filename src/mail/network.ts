import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** A client address in its plain form: IPv4-mapped IPv6 becomes IPv4, zone ids go, lower case. */
export function normaliseIp(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1] !== undefined) return mapped[1];
  const zone = ip.indexOf("%");
  return (zone === -1 ? ip : ip.slice(0, zone)).toLowerCase();
}

/** The network that shares one client's limits and reputation: /24 of IPv4, /64 of IPv6, as text. */
export function clientNetwork(ip: string): string {
  const plain = normaliseIp(ip);
  if (isIPv4(plain)) return `${plain.split(".").slice(0, 3).join(".")}.0/24`;
  if (isIPv6(plain)) return `${expandIpv6(plain).slice(0, 4).join(":")}::/64`;
  return plain;
}

/** The address as an SMTP address literal, RFC 5321 §4.1.3. */
export function addressLiteral(ip: string): string {
  const plain = normaliseIp(ip);
  return isIPv6(plain) ? `[IPv6:${plain}]` : `[${plain}]`;
}

/** The eight groups of an IPv6 address, no leading zeros. */
export function expandIpv6(ip: string): string[] {
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

export interface Network {
  readonly address: string;
  /** Leading bits that count. */
  readonly prefix: number;
}

/** `10.0.0.0/8`, or one address; undefined for what is no network, and for one that holds everybody. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const plain = normaliseIp(address);
  const longest = isIPv4(plain) ? 32 : 128;
  const prefix = bits === undefined ? longest : Number(bits);
  const sound = isIP(plain) !== 0 && !address.includes("%") && prefix >= 1 && prefix <= longest;
  return sound ? { address: plain, prefix } : undefined;
}

/** Whether an address lies in one of these networks, each as `parseNetwork` reads it; throws for others. */
export function networkSet(networks: readonly string[]): (ip: string) => boolean {
  const list = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network === undefined) throw new Error(`${text} is not a network`);
    list.addSubnet(network.address, network.prefix, isIPv4(network.address) ? "ipv4" : "ipv6");
  }
  return (ip) => {
    const plain = normaliseIp(ip);
    return isIP(plain) !== 0 && list.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
  };
}
