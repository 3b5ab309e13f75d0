/** The patterns in access rules, as operators write them; the configuration and the API read them in the same way. */
import { foldCase, parseAddress } from "./address.ts";
import { normaliseDomain } from "./domain.ts";
import { type TextFault, networkFault, parseNetwork } from "./network.ts";

/** The pattern in its comparable form, or what is wrong with it. */
export type PatternReading = { readonly value: string } | TextFault;

export interface PatternKind {
  /** A description of correct texts, used if the fault names no better one. */
  readonly expected: string;
  read(text: string): PatternReading;
}

interface Conditions {
  readonly network?: string;
  readonly helo?: string;
  readonly sender?: string;
  readonly recipient?: string;
}

/** Returns the address family that a rule covers completely, if `0.0.0.0/0` or `::/0` is its only condition. */
export function everyClientOf({ network, helo, sender, recipient }: Conditions): "IPv4" | "IPv6" | undefined {
  if (network === undefined || (helo ?? sender ?? recipient) !== undefined) return undefined;
  const whole = parseNetwork(network);
  if (whole?.bits !== 0) return undefined;
  return whole.groups.length === 2 ? "IPv4" : "IPv6";
}

export const NETWORK: PatternKind = {
  expected: 'an address or a network such as 192.0.2.0/24 or "2001:db8::/32"',
  read: (text) => (parseNetwork(text) === undefined ? networkFault(text) : { value: text }),
};

export const HELO_NAME: PatternKind = {
  expected: 'a name such as mail.example.com, or "*.example.com" for all below it',
  read: (text) => {
    const below = text.startsWith("*.");
    const name = normaliseDomain(below ? text.slice(2) : text);
    return name === undefined ? { wrong: "is not a name" } : { value: below ? `*.${name}` : name };
  },
};

export const SENDER: PatternKind = {
  expected: 'an address, or "@example.com" for all of a domain, or "<>" for the null sender',
  read: (text) => (text === "<>" ? { value: text } : readMailbox(text)),
};

export const MAILBOX: PatternKind = {
  expected: 'an address, or "@example.com" for all of a domain',
  read: readMailbox,
};

/** `*@example.com`: the author means the whole domain, but as an address the pattern would never match. */
const STARRED = /^[^"@]*\*@(.+)$/;

function readMailbox(text: string): PatternReading {
  const [, starred] = STARRED.exec(text) ?? [];
  if (starred !== undefined)
    return {
      wrong: "contains a *, which has no meaning here",
      right: `write "@${starred}" for the whole domain, or a single address`,
    };
  const domain = text.startsWith("@") ? normaliseDomain(text.slice(1)) : undefined;
  const address = domain === undefined ? parseAddress(text)?.text : `@${domain}`;
  return address === undefined ? { wrong: "is not an address" } : { value: foldCase(address) };
}
