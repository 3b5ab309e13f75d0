/** The sections that are not about incoming mail: access to the daemon, retention, alerts and the like. */
import { endpoint, nameServer, webAddress } from "./addresses.ts";
import { described } from "./notes.ts";
import { duration, integer, reserve, size } from "./quantities.ts";
import { choice, listOf, oneOf, oneOrMore, section, words } from "./scalars.ts";

export const admin = section({
  listen: described(endpoint().optional(), {
    meaning: "Where the API listens, in plain HTTP; without it, on the Unix socket only.",
    example: '"127.0.0.1:8025"',
    default: "not listened",
  }),
  socket: described(words("the path of a Unix socket, such as /run/holdfast/admin.sock").optional(), {
    meaning: "Unix socket over which `holdfast` talks to the daemon; at most 100 bytes.",
    example: "/run/holdfast/admin.sock",
    default: "`admin.sock` in the storage folder",
    type: "path",
  }),
});

export const dns = section({
  servers: described(listOf(nameServer(), 'a list of IP addresses such as ["127.0.0.1:5353"]').prefault([]), {
    meaning:
      "Name servers to query. A primary's name is looked up in /etc/hosts first, then here. Empty: the system's name servers.",
    example: '["127.0.0.1:5353"]',
    type: "list of IP addresses, with or without port",
  }),
});

export const store = section({
  reserve: described(reserve().prefault("5%"), {
    meaning:
      "Free disk space below which new mail gets 452, while held mail is still delivered. A percentage counts as at least 256 MB; a size is used as it is. 32 MiB more are reserved for deliveries in the file `ballast`.",
    example: "2GB",
    rfc: "RFC 5321 §4.2.3",
  }),
});

const WAITING = "30d";
const waiting = () => duration("1s", "3650d");

const retentionKeys = section({
  waiting: described(waiting().prefault(WAITING), {
    meaning: "How long mail waits for its primary before it is given up.",
    example: "60d",
    rfc: "RFC 5321 §4.5.4.1",
  }),
  parked: described(waiting().prefault("30d"), {
    meaning: "How long refused or expired mail is kept for the operator.",
    example: "14d",
  }),
  refusedContent: described(waiting().prefault("7d"), {
    meaning: "The same for mail whose content the primary refused: mostly junk.",
    example: "30d",
  }),
  quarantine: described(waiting().prefault("30d"), {
    meaning: "How long mail stays in quarantine for somebody to review it; then it is deleted.",
    example: "14d",
  }),
  ledger: described(waiting().prefault("90d"), {
    meaning: "How long the ledger keeps what became of each recipient.",
    example: "365d",
  }),
  trace: described(waiting().prefault("30d"), {
    meaning: "How long the steps of each mail are kept for `holdfast trace`.",
    example: "7d",
  }),
  traceSize: described(size("1MB", "1TB").prefault("1GB"), {
    meaning: "Disk space that traces may use; the oldest are deleted first.",
    example: "200MB",
  }),
});

/** The short form sets the waiting time; the rest keeps its defaults. */
const RETENTION = "a duration such as 30d, or { waiting: 30d, parked: 30d }";
export const retention = oneOf([waiting(), retentionKeys], RETENTION).transform((given) =>
  typeof given === "number" ? { ...retentionKeys.parse({}), waiting: given } : given,
);

export const delivery = section({
  connections: described(integer(1, 1000).prefault("20"), {
    meaning: "Connections to one primary at a time, at most.",
    example: "4",
  }),
  mailsPerConnection: described(integer(1, 100_000).prefault("100"), {
    meaning: "Mails delivered over one connection before a new one is opened.",
    example: "50",
  }),
  connectTimeout: described(duration("1s", "10m").prefault("30s"), {
    meaning: "How long a primary may take to accept a connection.",
    example: "10s",
    rfc: "RFC 5321 §4.5.3.2.1",
  }),
});

const COMMAND = 'the path of a program, or a list such as ["/usr/local/bin/page", "--team", "mail"]';

const command = oneOrMore(words(COMMAND), COMMAND, words("a program or an argument"));

export const alerts = section({
  webhook: described(webAddress().optional(), {
    meaning:
      "URL that gets each alert as JSON by POST; a user and a password in it are sent as Basic authentication.",
    example: "https://alerts.example.net/holdfast",
    default: "none",
  }),
  command: described(command.optional(), {
    meaning: "Program that is run for each alert, without a shell; the alert is JSON on its standard input.",
    example: '["/usr/local/bin/page", "--team", "mail"]',
    default: "none",
    type: "path, or list of program and arguments",
  }),
  oldest: described(duration("1s", "365d").prefault("4h"), {
    meaning: "Age of waiting mail from which an alert is raised.",
    example: "12h",
  }),
});

export const log = section({
  level: described(choice("error", "warn", "info", "debug").prefault("info"), {
    meaning: "Lowest level that is written.",
    example: "debug",
  }),
  file: described(words("the path of a file").optional(), {
    meaning:
      "Log file, JSON lines. Reopened at each reload, so that it may be renamed: use `systemctl reload holdfast` as logrotate's `postrotate`.",
    example: "/var/log/holdfast/holdfast.log",
    default: "standard output",
    type: "path",
  }),
});
