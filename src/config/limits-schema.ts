import { described } from "./notes.ts";
import { duration, integer, share, size } from "./quantities.ts";
import { cap } from "./rates-schema.ts";
import { section } from "./scalars.ts";

export const limits = section({
  commandTimeout: described(duration("1s", "1h").prefault("5m"), {
    meaning: "How long a client may be silent between commands; the RFC requires at least 5 minutes.",
    example: "5m",
    rfc: "RFC 5321 §4.5.3.2.7",
  }),
  handshakeTimeout: described(duration("1s", "10m").prefault("60s"), {
    meaning: "How long a TLS handshake may take; no mail transaction is in progress at that time.",
    example: "30s",
  }),
  proxyTimeout: described(duration("1s", "5m").prefault("10s"), {
    meaning: "How long a load balancer may take to send its PROXY header, which normally arrives at once.",
    example: "10s",
  }),
  commandLine: described(size("512B", "64KiB").prefault("4KiB"), {
    meaning:
      "Maximum length of a command line; beyond, 421. The RFC requires 512 bytes and more for each extension; all of them together stay far below the default.",
    example: "4KiB",
    rfc: "RFC 5321 §4.5.3.1.4",
  }),
  dataTimeout: described(duration("1s", "1h").prefault("3m"), {
    meaning: "How long a client may be silent inside a body, between two blocks.",
    example: "3m",
    rfc: "RFC 5321 §4.5.3.2.5",
  }),
  minDataRate: described(integer(0, 1_000_000).prefault("500"), {
    meaning: "Minimum rate of a body in bytes a second, over any 60 seconds; 0 switches this off.",
    example: "500",
  }),
  commands: described(integer(10, 1_000_000).prefault("1000"), {
    meaning:
      "Commands in one connection that lead to no accepted recipient or mail; beyond, 421. Recipients that the client must send in another transaction (452 4.5.3) do not count, up to ten times `recipients`.",
    example: "1000",
  }),
  commandsWithoutMail: described(integer(10, 1_000_000).prefault("100"), {
    meaning: "The same commands, counted since the last accepted mail.",
    example: "100",
  }),
  refusedRecipients: described(integer(1, 100_000).prefault("10"), {
    meaning: "Refused recipients in one connection; beyond, 421. Stops address harvesting.",
    example: "10",
  }),
  recipients: described(integer(100, 100_000).prefault("1000"), {
    meaning:
      "Recipients of one mail; further ones get 452, and the client sends them in another transaction.",
    example: "1000",
    rfc: "RFC 5321 §4.5.3.1.8",
  }),
  connections: described(integer(1, 1_000_000).prefault("10000"), {
    meaning:
      "Open connections across all threads; beyond, 421. Fewer if the process may not open that many files; a warning in the log says so.",
    example: "10000",
  }),
  connectionsPerClient: described(integer(1, 1_000_000).prefault("250"), {
    meaning: "Open connections of one client network, a /24 of IPv4 or a /64 of IPv6; beyond, 421.",
    example: "50",
  }),
  connectionsPerAddress: described(cap(), {
    meaning: "Open connections of one address, in addition to the limit for its network; beyond, 421.",
    example: "20",
  }),
  mailsPerConnection: described(integer(1, 1_000_000).prefault("1000"), {
    meaning: "Mails in one connection; beyond, 421.",
    example: "1000",
  }),
  headerSize: described(size("16KiB", "64MiB").prefault("1MiB"), {
    meaning: "Maximum size of a mail's header; beyond, the mail is refused.",
    example: "1MiB",
  }),
  headerFields: described(integer(100, 1_000_000).prefault("5000"), {
    meaning:
      "Header fields of one mail; beyond, the mail is refused, because a program behind us that reads them all would stall.",
    example: "5000",
  }),
  received: described(integer(10, 10_000).prefault("100"), {
    meaning: "Received fields of one mail; beyond, the mail is considered to be in a loop and refused.",
    example: "100",
    rfc: "RFC 5321 §6.3",
  }),
  ownReceived: described(integer(1, 1000).prefault("5"), {
    meaning:
      "Received fields that name this server; from this number on, the mail is considered to be in a loop.",
    example: "5",
    rfc: "RFC 5321 §6.3",
  }),
  errors: described(integer(1, 10_000).prefault("20"), {
    meaning: "Unknown, malformed and misplaced commands in one connection; beyond, 421.",
    example: "20",
  }),
  bodyMemory: described(size("1MiB", "64GiB").prefault("4MiB"), {
    meaning:
      "Total memory for bodies that are being received; beyond, bodies are written to a file while they arrive.",
    example: "64MiB",
  }),
  memory: described(size("128MiB", "1TB").prefault("1GiB"), {
    meaning:
      "Memory of the whole daemon; beyond, new connections get 421 until it uses less. Each connection is bounded by the limits above: a command line, its unread replies, its recipients and 64 KiB of body.",
    example: "2GB",
  }),
});

/** Tighter limits than `smtp.limits`, in effect while places or memory run short. */
export const stress = section({
  begins: described(share(10, 100).prefault("80%"), {
    meaning: "Share of `smtp.limits.connections` or `smtp.limits.memory` at which limits tighten.",
    example: "80%",
  }),
  ends: described(share(5, 99).prefault("70%"), {
    meaning:
      "Share of both below which the limits return to normal; must be lower than `begins`, so that they do not flap.",
    example: "70%",
  }),
  commandTimeout: described(duration("1s", "1h").prefault("10s"), {
    meaning: "How long a client may be silent between commands; programs answer in milliseconds.",
    example: "10s",
  }),
  dataTimeout: described(duration("1s", "1h").prefault("30s"), {
    meaning: "How long a client may be silent inside a body; longer, because a mail is in progress.",
    example: "30s",
  }),
  commandsWithoutMail: described(integer(5, 1_000_000).prefault("20"), {
    meaning: "Commands since the last mail that lead to none; enough for two honest attempts.",
    example: "20",
  }),
  refusedRecipients: described(integer(1, 100_000).prefault("3"), {
    meaning: "Refused recipients in one connection; more indicate address harvesting.",
    example: "3",
  }),
  errors: described(integer(1, 10_000).prefault("3"), {
    meaning: "Unknown, malformed and misplaced commands in one connection; mail programs make none.",
    example: "3",
  }),
  networkShare: described(share(1, 100).prefault("5%"), {
    meaning:
      "Share of all connections that one client network may hold, so that a single one cannot fill them.",
    example: "5%",
  }),
});
