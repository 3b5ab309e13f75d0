/** Hosts as operators write them: read the same way in the configuration and in the API. */
import { isIP } from "node:net";
import type { PatternKind, PatternReading } from "./access-pattern.ts";
import { normaliseDomain } from "./domain.ts";
import { normaliseIp } from "./network.ts";

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
    if (isIP(bare) !== 0) return { value: normaliseIp(bare) };
    const port = /^(.+):(\d+)$/.exec(text);
    if (port === null || text.includes("//")) return readName(text);
    return { wrong: "contains a port", right: `write host: ${port[1]} and port: ${port[2]}` };
  },
};

function readName(text: string): PatternReading {
  const name = normaliseDomain(text);
  // An all-numeric last label is a mistyped address, never a name (RFC 3696 §2).
  return name === undefined || /(^|\.)\d+$/.test(name) ? { wrong: "is not a host name" } : { value: name };
}
