import { endpoint, network } from "./addresses.ts";
import { certificates } from "./certificate-schema.ts";
import { limits, stress } from "./limits-schema.ts";
import { described } from "./notes.ts";
import { duration, integer, size } from "./quantities.ts";
import { rates } from "./rates-schema.ts";
import { choice, listOf, message, oneOf, section } from "./scalars.ts";

const LISTENER = 'a text such as "[::]:25", or { address: "[::]:465", tls: implicit }';

function networks(meaning: string) {
  const list = listOf(network(), 'a list such as ["10.0.0.0/8"]').prefault([]);
  return described(list, { meaning, type: "list of networks", example: '["10.0.0.0/8"]' });
}

const listenerKeys = section({
  address: described(endpoint(), {
    meaning: "IP address and port; IPv6 in brackets.",
    example: '"[::]:465"',
  }),
  tls: described(choice("starttls", "implicit").prefault("starttls"), {
    meaning:
      "`starttls` offers STARTTLS when `smtp.tls` is set; `implicit` speaks TLS from the first byte and needs `smtp.tls`.",
    example: "implicit",
    rfc: "RFC 3207, RFC 8314 §3.3",
  }),
  proxy: networks(
    "Networks of the load balancers that put a PROXY header (version 1 or 2) before each connection here. Their word for the client's address is taken; everybody else gets 421. Empty: no header is read.",
  ),
  xclient: networks(
    "Networks that may name the client with XCLIENT, as Postfix has it; others get 550. Empty: the command is not there.",
  ),
});

const listener = oneOf([endpoint(), listenerKeys], LISTENER).transform((given) =>
  "tls" in given
    ? { ...given.address, tls: given.tls, proxy: given.proxy, xclient: given.xclient }
    : { ...given, tls: "starttls" as const, proxy: [] as string[], xclient: [] as string[] },
);

export const smtp = section({
  listen: described(
    listOf(listener, 'a list such as ["0.0.0.0:25", "[::]:25"]').min(1, {
      error: message(
        "is empty, so no mail could be received",
        'write a list such as ["0.0.0.0:25", "[::]:25"]',
      ),
    }),
    {
      meaning:
        "Where to listen for mail. An entry is an address with its port, or a mapping with the keys below.",
      type: "list of addresses or mappings",
      example: '["0.0.0.0:25", "[::]:25"]',
    },
  ),
  tls: certificates,
  threads: described(integer(1, 16).optional(), {
    meaning: "Threads that speak SMTP with clients.",
    example: "2",
    default: "cores - 1, from 1 to 4",
  }),
  maxMessageSize: described(size("64KiB", "2GB").prefault("50MB"), {
    meaning: "Largest mail that is accepted, announced as SIZE. Should not be below the primary's own limit.",
    example: "50MB",
    rfc: "RFC 1870, RFC 5321 §4.5.3.1.7",
  }),
  greetDelay: described(duration("0s", "30s").prefault("100ms"), {
    meaning:
      "Delay before the banner; a client that talks before the banner is cut off with 421 (junk senders do). Clients from networks that delivered a mail in the last 7 days do not wait.",
    example: "100ms",
    rfc: "RFC 5321 §4.3.1",
  }),
  rates: described(rates.prefault({}), {
    meaning:
      "Caps on what one client network, a /24 of IPv4 or a /64 of IPv6, may do in a period; exact across all threads.",
    example: "{ period: 10m, refusedRecipients: 100 }",
  }),
  greetAtOnce: networks("Networks that get the banner at once."),
  limits: described(limits.prefault({}), {
    meaning: "Limits on what one client, and all clients together, can use.",
    example: "{ connectionsPerClient: 500 }",
  }),
  stress: described(stress.prefault({}), {
    meaning:
      "Tighter limits while nearly all connections or nearly all memory are in use, so that clients that hold a connection without using it are disconnected sooner. A limit above that is tighter stays in force.",
    example: "{ begins: 90% }",
  }),
  longLines: described(choice("accept", "reject").prefault("accept"), {
    meaning:
      "Body lines of more than 1000 bytes: `accept` passes them on unchanged and notes them in the trace, because most servers accept them and a backup MX must not refuse what the primary would accept; `reject` is `550 5.6.0`.",
    example: "reject",
    rfc: "RFC 5321 §4.5.3.1.6",
  }),
});
