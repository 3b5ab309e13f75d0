import * as z from "zod";
import { endpoint, network } from "./addresses.ts";
import { certificates } from "./certificate-schema.ts";
import { described } from "./notes.ts";
import { duration, integer, readSize, size } from "./quantities.ts";
import { quoted } from "./problem.ts";
import { choice, kindOf, listOf, message, scalar, section } from "./scalars.ts";

const LISTENER = 'a text such as "[::]:25", or { address: "[::]:465", tls: implicit }';

function networks(meaning: string) {
  const list = listOf(network(), 'a list such as ["10.0.0.0/8"]').prefault([]);
  return described(list, { meaning, type: "list of networks", example: '["10.0.0.0/8"]' });
}

const listenerKeys = section({
  address: described(endpoint(), {
    meaning: "IP address and port; IPv6 in brackets. Port 0 takes any free one.",
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

const listener = z
  .union([endpoint(), listenerKeys], {
    error: (issue) => message(kindOf(issue.input), `write ${LISTENER}`),
  })
  .transform((given) =>
    "tls" in given
      ? { ...given.address, tls: given.tls, proxy: given.proxy, xclient: given.xclient }
      : { ...given, tls: "starttls" as const, proxy: [] as string[], xclient: [] as string[] },
  );

const limits = section({
  commandTimeout: described(duration("1s", "1h").prefault("5m"), {
    meaning: "How long a client may be silent between commands; the RFC asks for 5 minutes at least.",
    example: "5m",
    rfc: "RFC 5321 §4.5.3.2.7",
  }),
  dataTimeout: described(duration("1s", "1h").prefault("3m"), {
    meaning: "How long a client may be silent inside a body, between two blocks.",
    example: "3m",
    rfc: "RFC 5321 §4.5.3.2.5",
  }),
  minDataRate: described(integer(0, 1_000_000).prefault("500"), {
    meaning: "Bytes a second that a body must make over any 60 seconds; 0 switches this off.",
    example: "500",
  }),
  commands: described(integer(10, 1_000_000).prefault("1000"), {
    meaning: "Commands in one connection that serve no accepted recipient or mail, then 421.",
    example: "1000",
  }),
  commandsWithoutMail: described(integer(10, 1_000_000).prefault("100"), {
    meaning: "The same, since the last accepted mail.",
    example: "100",
  }),
  refusedRecipients: described(integer(1, 100_000).prefault("10"), {
    meaning: "Refused recipients in one connection, then 421: an end to address harvesting.",
    example: "10",
  }),
  recipients: described(integer(100, 100_000).prefault("1000"), {
    meaning: "Recipients of one mail; 452 for those beyond, and the client sends them again in another mail.",
    example: "1000",
    rfc: "RFC 5321 §4.5.3.1.8",
  }),
  connections: described(integer(1, 1_000_000).prefault("10000"), {
    meaning: "Open connections in all, over all threads; beyond, 421.",
    example: "10000",
  }),
  connectionsPerClient: described(integer(1, 1_000_000).prefault("250"), {
    meaning: "Open connections of one client network, a /24 of IPv4 or a /64 of IPv6; beyond, 421.",
    example: "50",
  }),
  mailsPerConnection: described(integer(1, 1_000_000).prefault("1000"), {
    meaning: "Mails in one connection, then 421.",
    example: "1000",
  }),
  headerSize: described(size("16KiB", "64MiB").prefault("1MiB"), {
    meaning: "Size of a mail's header; beyond, the mail is refused.",
    example: "1MiB",
  }),
  received: described(integer(10, 10_000).prefault("100"), {
    meaning: "Received fields of one mail; beyond, it is taken for a loop and refused.",
    example: "100",
    rfc: "RFC 5321 §6.3",
  }),
  ownReceived: described(integer(1, 1000).prefault("5"), {
    meaning: "Received fields that name this server; from this number on, the mail is taken for a loop.",
    example: "5",
    rfc: "RFC 5321 §6.3",
  }),
  errors: described(integer(1, 10_000).prefault("20"), {
    meaning: "Unknown, malformed and misplaced commands in one connection, then 421.",
    example: "20",
  }),
  bodyMemory: described(size("1MiB", "64GiB").prefault("8MiB"), {
    meaning:
      "Memory for bodies that are being received, in all; beyond, bodies go to a file while they arrive.",
    example: "64MiB",
  }),
});

/** A cap, or none. */
function cap() {
  const notation = {
    type: "number, 1 to 1000000000, or `off`",
    expected: "a whole number from 1 to 1000000000, or off",
    json: { type: ["integer", "string"] },
  };
  return scalar<number | "off">(notation, (text) => {
    if (text === "off") return { value: "off" };
    const value = Number(text);
    if (/^\d{1,10}$/.test(text) && value >= 1 && value <= 1e9) return { value };
    return { wrong: `${quoted(text)} is no cap` };
  }).prefault("off");
}

function sizeCap() {
  const notation = {
    type: "size, 1MiB to 1TB, or `off`",
    expected: "a size from 1MiB to 1TB, such as 2GB, or off",
    json: { type: ["string", "integer"] },
  };
  return scalar<number | "off">(notation, (text) => {
    const value = text === "off" ? "off" : (readSize(text) ?? 0);
    const sound = value === "off" || (value >= 2 ** 20 && value <= 1e12);
    return sound ? { value } : { wrong: `${quoted(text)} is no cap` };
  }).prefault("off");
}

const rates = section({
  period: described(duration("1s", "24h").prefault("10m"), {
    meaning: "Length of the periods that the caps below are for, cut from the clock.",
    example: "1h",
  }),
  connections: described(cap(), { meaning: "Connections made; beyond, 421.", example: "600" }),
  mails: described(cap(), { meaning: "Mails begun; beyond, 451.", example: "1000" }),
  recipients: described(cap(), { meaning: "Recipients named; beyond, 451.", example: "5000" }),
  refusedRecipients: described(cap(), {
    meaning:
      "Recipients refused for good; beyond, 451 to every recipient: an end to lists that are tried out.",
    example: "100",
  }),
  size: described(sizeCap(), {
    meaning: "Mail that came in, in bytes; beyond, 451 to further mails.",
    example: "2GB",
  }),
});

export const smtp = section({
  listen: described(
    listOf(listener, 'a list such as ["0.0.0.0:25", "[::]:25"]').min(1, {
      error: message("is empty, so no mail could come in", 'write a list such as ["0.0.0.0:25", "[::]:25"]'),
    }),
    {
      meaning: "Where mail is taken. An entry is an address with its port, or a mapping with the keys below.",
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
    meaning: "Largest mail that is taken, announced as SIZE. Not below the primary's own limit.",
    example: "50MB",
    rfc: "RFC 1870, RFC 5321 §4.5.3.1.7",
  }),
  greetDelay: described(duration("0s", "30s").prefault("100ms"), {
    meaning:
      "Wait before the banner; a client that talks before it is cut off with 421 (junk senders do). Clients whose network delivered a mail in the last 7 days do not wait.",
    example: "100ms",
    rfc: "RFC 5321 §4.3.1",
  }),
  rates: described(rates.prefault({}), {
    meaning:
      "Caps on what one client network, a /24 of IPv4 or a /64 of IPv6, does in a period; exact over all threads.",
    example: "{ period: 10m, refusedRecipients: 100 }",
  }),
  greetAtOnce: networks("Networks that get the banner at once."),
  limits: described(limits.prefault({}), {
    meaning: "Bounds on what one client, and all clients together, can ask for.",
    example: "{ connectionsPerClient: 500 }",
  }),
});
