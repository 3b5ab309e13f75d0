/** Hosts as operators write them; the configuration and the API read them in the same way. */
import { isIP } from "node:net";
import type { PatternKind, PatternReading } from "./access-pattern.ts";
import { normaliseDomain } from "./domain.ts";
import { canonicalIp } from "./network.ts";

/** Our own name, in A-labels. */
export const HOST_NAME: PatternKind = {
  expected: "a host name such as mx2.example.net",
  read: (text) => (isIP(text) === 0 ? readName(text) : { wrong: "is an address, not a name" }),
};

/** A name in A-labels or an IP address without brackets. */
export const HOST: PatternKind = {
  expected: "a host name such as mail.example.com, or an IP address",
  read: (text) => {
    const bare = /^\[(?:IPv6:)?(.*)\]$/i.exec(text)?.[1] ?? text;
    if (isIP(bare) !== 0) return readAddress(bare);
    const [, host = "", port] = /^(.+):(\d+)$/.exec(text) ?? [];
    if (port === undefined || text.includes("//")) return readName(text);
    // Without quotes, YAML takes brackets for a list.
    const written = host.startsWith("[") ? JSON.stringify(host) : host;
    return { wrong: "contains a port", right: `write host: ${written} and port: ${port}` };
  },
};

/** A link-local address cannot be reached without its zone, and with its zone other parts do not accept it. */
function readAddress(ip: string): PatternReading {
  if (!ip.includes("%")) return { value: canonicalIp(ip) };
  return {
    wrong: "contains a zone",
    right: "give the address with its zone a name in /etc/hosts, and write that name",
  };
}

function readName(text: string): PatternReading {
  const name = normaliseDomain(text);
  // An all-numeric last label is a mistyped address, never a name (RFC 3696 §2).
  return name === undefined || /(^|\.)\d+$/.test(name) ? { wrong: "is not a host name" } : { value: name };
}
