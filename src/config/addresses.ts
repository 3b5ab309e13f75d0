/** Reads names and addresses into the one spelling that the rest of Holdfast compares and uses. */
import { isIP, isIPv4, isIPv6 } from "node:net";
import { parseAddress } from "../mail/address.ts";
import { HOST, HOST_NAME } from "../mail/host-pattern.ts";
import { canonicalIp, hostPort, networkFault, parseNetwork } from "../mail/network.ts";
import { quoted } from "./problem.ts";
import { patterned, scalar, type Scalar } from "./scalars.ts";
import type { Endpoint } from "./shape.ts";

const TEXT = { type: "string" };

/** Our own name, in A-labels. */
export function hostName(): Scalar<string> {
  return patterned(HOST_NAME, "host name");
}

/** A name in A-labels or an IP address without brackets. */
export function hostOrLiteral(): Scalar<string> {
  return patterned(HOST, "host name or IP address");
}

/** A listener: an address of this machine and a port. */
export function endpoint(): Scalar<Endpoint> {
  const notation = {
    type: "address:port",
    expected: 'an IP address and a port, such as "127.0.0.1:2525" or "[::]:25"',
    json: TEXT,
  };
  return scalar(notation, (text) => {
    const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
    const address = match?.[1] ?? match?.[2] ?? "";
    if (match === null) return { wrong: `${quoted(text)} is not an address and a port` };
    if (!isPort(Number(match[3]))) return { wrong: `port ${match[3]} is not between 1 and 65535` };
    if (address === "")
      return {
        wrong: "no address before the port",
        right: `write "0.0.0.0:${match[3]}" for all IPv4 addresses, or "[::]:${match[3]}" for all IPv6 addresses`,
      };
    if (address === "localhost")
      return { wrong: "localhost is a name, not an IP address", right: `write "127.0.0.1:${match[3]}"` };
    const fits = match[1] === undefined ? isIPv4(address) : isIPv6(address);
    if (!fits) return { wrong: `${quoted(address)} is not an IP address` };
    // To listen on a link-local address, its zone is needed.
    return {
      value: { address: address.includes("%") ? address : canonicalIp(address), port: Number(match[3]) },
    };
  });
}

/** `address:port` of a name server, as the resolver takes it. */
export function nameServer(): Scalar<string> {
  const notation = {
    type: "IP address, with or without port",
    expected: 'an IP address, with or without a port, such as 192.0.2.53 or "127.0.0.1:5353"',
    json: TEXT,
  };
  return scalar(notation, (text) => {
    const match = /^\[([^\]]+)\](?::(\d{1,5}))?$|^([\d.]+)(?::(\d{1,5}))?$/.exec(text);
    const address = match?.[1] ?? match?.[3] ?? text;
    const port = Number(match?.[2] ?? match?.[4] ?? 53);
    if (isIP(address) === 0) return { wrong: `${quoted(text)} is not the IP address of a name server` };
    // The resolver would drop the zone, and reach nobody.
    if (address.includes("%")) return { wrong: `${quoted(text)} has a zone` };
    if (!isPort(port)) return { wrong: `port ${port} is not between 1 and 65535` };
    return { value: hostPort(address, port) };
  });
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}

/** An address, or an address with a prefix length. */
export function network(): Scalar<string> {
  const expected = 'an IP address or a network, such as 192.0.2.7, 10.0.0.0/8 or "2001:db8::/32"';
  return scalar({ type: "network", expected, json: TEXT }, (text) => {
    const parsed = parseNetwork(text);
    if (parsed === undefined) {
      const fault = networkFault(text);
      return { ...fault, wrong: `${quoted(text)} ${fault.wrong}` };
    }
    if (parsed.bits > 0) return { value: text.toLowerCase() };
    return { wrong: `${quoted(text)} includes every address, so every client would be trusted` };
  });
}

/** A mailbox; its domain is converted to A-labels. */
export function mailbox(): Scalar<string> {
  return scalar({ type: "address", expected: "an address such as admin@example.net", json: TEXT }, (text) => {
    const address = parseAddress(text);
    return address === undefined ? { wrong: `${quoted(text)} is not an address` } : { value: address.text };
  });
}

/** Not quoted in messages, which are logged at a reload: it may contain a password. */
export function webAddress(): Scalar<string> {
  const expected = "an http or https address such as https://alerts.example.net/holdfast";
  return scalar({ type: "URL", expected, json: TEXT }, (text) => {
    const url = URL.parse(text);
    if (url === null) return { wrong: "is not a URL" };
    const fits = url.protocol === "http:" || url.protocol === "https:";
    return fits ? { value: url.href } : { wrong: `${quoted(url.protocol)} is not http or https` };
  });
}

/** The path after `sqlite:`, not yet absolute. */
export function storageFolder(): Scalar<string> {
  const expected = "sqlite: and a folder, such as sqlite:./data or sqlite:/var/lib/holdfast";
  return scalar(
    { type: "`sqlite:` and a folder", expected, json: { ...TEXT, pattern: "^sqlite:" } },
    (text) => {
      if (/^postgres(ql)?:/.test(text)) return { wrong: "PostgreSQL is not supported" };
      const folder = /^sqlite:(.+)$/.exec(text)?.[1];
      if (folder === undefined) return { wrong: `${quoted(text)} is not a storage` };
      if (folder.startsWith("~")) return { wrong: "~ is not expanded", right: "write the full path" };
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      if (/[\x00-\x1f\x7f]/.test(folder)) return { wrong: "contains control characters" };
      if (folder.startsWith(" ")) return { wrong: "a space before the folder", right: "remove it" };
      if (folder.startsWith(":")) return { wrong: `${quoted(folder)} is not a folder` };
      if (/^\/\/[^/]/.test(folder)) return { wrong: `${quoted(text)} looks like a URL with a host` };
      return { value: folder };
    },
  );
}
