/** Scanners of bodies: clamd and rspamd, for all domains, and a domain's own settings for them. */
import * as z from "zod";
import { normaliseDomain } from "../mail/domain.ts";
import { isIPv6, isIP } from "node:net";
import type { ClamavSettings, RspamdSettings } from "../ports/checks.ts";
import { defined } from "./defined.ts";
import { described } from "./notes.ts";
import { quoted } from "./problem.ts";
import { duration, integer, size } from "./quantities.ts";
import {
  choice,
  flag,
  listOf,
  message,
  orOff,
  scalar,
  section,
  type Reading,
  type Scalar,
} from "./scalars.ts";

type Name = "clamav" | "rspamd";

const EXAMPLE = { clamav: "[/run/clamav/clamd.ctl]", rspamd: '["127.0.0.1:11333"]' } as const;

/** Address of a server: a Unix socket, or a host and a port. */
function server(): Scalar<string> {
  const expected = 'a path such as /run/clamav/clamd.ctl, or a host and a port such as "127.0.0.1:3310"';
  return scalar({ type: "path or host:port", expected, json: { type: "string" } }, readServer);
}

function readServer(text: string): Reading<string> {
  if (text.startsWith("/")) return { value: text };
  if (/^\w+:\/\//.test(text)) return { wrong: `${quoted(text)} is a URL` };
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null) return { wrong: `${quoted(text)} is neither an absolute path nor a host and a port` };
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return { wrong: `port ${match[3]} is not between 1 and 65535` };
  const [, literal, name = ""] = match;
  if (literal !== undefined)
    return isIPv6(literal) ? { value: text } : { wrong: `${quoted(literal)} is not an IPv6 address` };
  const host = isIP(name) === 0 ? normaliseDomain(name) : name;
  return host === undefined ? { wrong: `${quoted(name)} is not a host name` } : { value: `${host}:${port}` };
}

function servers(name: Name) {
  return listOf(server(), `a list such as ${EXAMPLE[name]}`).min(1, {
    error: message("is empty, so no scanner would be used", `write ${EXAMPLE[name]}, or ${name}: off`),
  });
}

const ACTIONS = ["tag", "defer", "quarantine", "reject"] as const;

/** `inherited` is shown instead of the defaults for keys that a domain may leave out. */
function common(name: Name, inherited: string | undefined) {
  return {
    timeout: described(duration("1s", "18s").optional(), {
      meaning:
        "Time for one mail, all servers together; a sender waits no longer than 30 s after its final dot.",
      example: "8s",
      default: inherited ?? "`15s`",
    }),
    connections: described(integer(1, 1000).optional(), {
      meaning: "Concurrent scans for each server and SMTP thread; further mails wait.",
      example: "4",
      default: inherited ?? (name === "clamav" ? "`8`, since clamd has 10 threads" : "`16`"),
    }),
    unavailable: described(choice("defer", "tag", "quarantine").optional(), {
      meaning:
        "What happens to mail while no server answers: 451, or accepted with a field that says so, or accepted and quarantined.",
      example: "quarantine",
      default: inherited ?? "`defer`",
    }),
  };
}

function clamavKeys(inherited?: string) {
  return {
    maxSize: described(size("1KB", "4GB").optional(), {
      meaning: "Larger bodies are not scanned. Must not exceed `StreamMaxLength` in clamd.conf.",
      example: "25MB",
      default: inherited ?? "`100MB`",
    }),
    ...common("clamav", inherited),
    found: described(choice(...ACTIONS).optional(), {
      meaning: "What happens to a mail with a virus: `reject` is 550 5.7.1 with the name of the signature.",
      example: "quarantine",
      default: inherited ?? "`reject`",
    }),
    oversize: described(choice(...ACTIONS).optional(), {
      meaning: "What happens to a mail that is larger than `maxSize` or than clamd accepts.",
      example: "tag",
      default: inherited ?? "`quarantine`",
    }),
  };
}

function spamAction(words: string, example: string, otherwise: string) {
  return described(choice("accept", ...ACTIONS).optional(), {
    meaning: `What rspamd's ${words} leads to.`,
    example,
    default: otherwise,
  });
}

function rspamdKeys(inherited?: string) {
  return {
    maxSize: described(size("1KB", "4GB").optional(), {
      meaning: "Larger bodies are not scanned and pass.",
      example: "5MB",
      default: inherited ?? "`20MB`",
    }),
    ...common("rspamd", inherited),
    reject: spamAction(
      "`reject` and `discard`",
      "reject",
      inherited ?? "`defer`: a backup that rejects loses what it exists to keep",
    ),
    softReject: spamAction("`soft reject`", "accept", inherited ?? "`defer`"),
    greylist: spamAction("`greylist`", "defer", inherited ?? "`accept`, since we have our own greylisting"),
    addHeader: spamAction("`add header` and `rewrite subject`", "quarantine", inherited ?? "`tag`"),
    headers: described(flag().optional(), {
      meaning:
        "Whether the header fields that rspamd requests (milter_headers) are added on top of the mail.",
      example: "true",
      default: inherited ?? "`false`",
    }),
  };
}

function pair<S extends z.ZodRawShape>(name: Name, keys: (inherited?: string) => S) {
  const asForAll = `as in \`checks.${name}\``;
  const note = (otherwise?: string) => ({
    meaning: "The servers to ask, in this order: paths of Unix sockets, or `host:port`.",
    type: "list of paths or host:port",
    example: EXAMPLE[name],
    ...(otherwise !== undefined && { default: otherwise }),
  });
  return {
    general: section({ servers: described(servers(name), note()), ...keys() }),
    own: section({ servers: described(servers(name).optional(), note(asForAll)), ...keys(asForAll) }),
  };
}

function servedOrOff<S extends z.ZodType>(name: Name, schema: S) {
  return orOff(schema, `off, or { servers: ${EXAMPLE[name]} }`);
}

const MEANING = {
  clamav: "Bodies are shown to clamd (INSTREAM) before they are accepted.",
  rspamd:
    "Bodies are shown to rspamd (`/checkv2`) before they are accepted. Not those for `postmaster` or of clients whom `access` allows.",
};
const TYPE = "`off` or mapping";

const clamavForms = pair("clamav", clamavKeys);
const rspamdForms = pair("rspamd", rspamdKeys);

export const clamav = described(servedOrOff("clamav", clamavForms.general).prefault("off"), {
  meaning: MEANING.clamav,
  type: TYPE,
  example: `{ servers: ${EXAMPLE.clamav} }`,
});
export const domainClamav = described(servedOrOff("clamav", clamavForms.own).optional(), {
  meaning: MEANING.clamav,
  type: TYPE,
  example: "{ unavailable: quarantine }",
  default: "as in `checks.clamav`",
});
export const rspamd = described(servedOrOff("rspamd", rspamdForms.general).prefault("off"), {
  meaning: MEANING.rspamd,
  type: TYPE,
  example: `{ servers: ${EXAMPLE.rspamd}, reject: reject }`,
});
export const domainRspamd = described(servedOrOff("rspamd", rspamdForms.own).optional(), {
  meaning: MEANING.rspamd,
  type: TYPE,
  example: "{ reject: quarantine }",
  default: "as in `checks.rspamd`",
});

type Given<T extends { readonly servers: readonly string[] }> = {
  readonly [K in keyof T]?: T[K] | undefined;
};

const COMMON = { timeout: 15_000, unavailable: "defer" } as const;
const CLAMAV = {
  ...COMMON,
  connections: 8,
  maxSize: 100e6,
  found: "reject",
  oversize: "quarantine",
} as const;
const RSPAMD = {
  ...COMMON,
  connections: 16,
  maxSize: 20e6,
  reject: "defer",
  softReject: "defer",
  greylist: "accept",
  addHeader: "tag",
  headers: false,
} as const;

/** Converts the keys to settings; keys that a domain leaves out are as in `checks`. */
export function clamavSettings(
  given: Given<ClamavSettings> | "off",
  forAll: Given<ClamavSettings> | "off" = "off",
): ClamavSettings | "off" {
  return given === "off" ? "off" : { ...CLAMAV, servers: [], ...written(forAll), ...defined(given) };
}

export function rspamdSettings(
  given: Given<RspamdSettings> | "off",
  forAll: Given<RspamdSettings> | "off" = "off",
): RspamdSettings | "off" {
  return given === "off" ? "off" : { ...RSPAMD, servers: [], ...written(forAll), ...defined(given) };
}

function written<T extends object>(given: T | "off") {
  return given === "off" ? {} : defined(given);
}
