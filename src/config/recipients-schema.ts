/** The sources of a domain's recipients. */
import { isIPv4 } from "node:net";
import * as z from "zod";
import { isLoopback } from "../mail/network.ts";
import type { DomainSettings, FetchSettings } from "../ports/directory.ts";
import { defined } from "./defined.ts";
import { described } from "./notes.ts";
import { quoted } from "./problem.ts";
import { duration } from "./quantities.ts";
import { flag, instead, listOf, message, oneOf, scalar, section, words, type Scalar } from "./scalars.ts";

const RECIPIENTS =
  'a list such as [alice, bob, "list-*"], { file: users.txt }, { url: https://... }, { callout: true }, ' +
  "or { catchAll: true } to accept every address";

export interface RecipientSource {
  readonly list?: readonly string[] | undefined;
  /** Present if the list is under a key of its own. */
  readonly listKey?: "list";
  readonly file?: string | undefined;
  readonly fetched?: FetchSettings | undefined;
  readonly callout: boolean;
  readonly catchAll: boolean;
}

const entries = listOf(z.string(instead("a local part or an address")), RECIPIENTS);

/**
 * https, or http to this machine only: somebody who can change a list in transit could open or close mailboxes. Not
 * quoted in messages, which are logged at a reload: it may contain a password.
 */
function listAddress(): Scalar<string> {
  const notation = {
    type: "URL",
    expected: "an https address such as https://directory.example.com/recipients",
    json: { type: "string" },
  };
  return scalar(notation, (text) => {
    const url = URL.parse(text);
    if (url === null) return { wrong: "is not a URL" };
    const { protocol, hostname } = url;
    if (url.username !== "" || url.password !== "")
      return {
        wrong: "contains a user name or a password",
        right: "write authorizationFile or authorizationEnv instead",
      };
    if (protocol === "https:" || (protocol === "http:" && isThisMachine(hostname)))
      return { value: url.href };
    return protocol === "http:"
      ? {
          wrong: "is not encrypted",
          right: "write https; http is allowed to this machine only",
        }
      : { wrong: `${quoted(protocol)} is not https` };
  });
}

/** `host` is written as in a URL: IPv6 addresses in brackets. `127.example.com` is a name. */
function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && isLoopback(host));
}

const recipientKeys = section({
  list: described(entries.optional(), {
    meaning: "The recipients themselves, if another key such as `callout` is used with them.",
    example: '[alice, bob, "list-*"]',
    type: "list",
  }),
  file: described(words("the path of a file with one recipient a line").optional(), {
    meaning:
      "File with one recipient on each line and comments after `#`, at most 1,000,000. Read at start, at reload, and within " +
      "ten seconds after a change. A file with a mistake changes nothing; one that was emptied takes effect at a reload.",
    example: "users.txt",
    type: "path",
  }),
  url: described(listAddress().optional(), {
    meaning:
      "List that is fetched over HTTPS: text with one recipient on each line, or JSON, an array of strings or an object with " +
      "`recipients`. Addresses of other domains are ignored. After a failure, the previous list stays in force; until the " +
      "first one is fetched, unknown recipients are deferred. Up to three redirects, to https only.",
    example: "https://directory.example.com/recipients",
  }),
  every: described(duration("10s", "7d").optional(), {
    meaning: "How often the list at `url` is fetched; an unchanged list (ETag) costs one request.",
    example: "1h",
    default: "`10m`",
  }),
  authorizationFile: described(words("the path of a file that holds the Authorization field").optional(), {
    meaning: "File whose first line is sent as the Authorization field to `url`, and to no other host.",
    example: "/run/credentials/directory",
    type: "path",
  }),
  authorizationEnv: described(words("the name of an environment variable").optional(), {
    meaning: "Environment variable of the daemon that holds that field instead.",
    example: "DIRECTORY_AUTHORIZATION",
  }),
  allowEmpty: described(flag().optional(), {
    meaning: "A list without any recipient is believed, instead of being considered a server error.",
    example: "true",
    default: "`false`",
  }),
  callout: described(flag().optional(), {
    meaning:
      "If no list contains an address, the primary is asked whether it exists (RCPT after the null sender, no mail). A yes " +
      "is valid for 31 days, a no for 2 hours, so that both are known during an outage; a list used with it is not complete.",
    example: "true",
    default: "`false`; `true` in mode `reflector` where `recipients` is left out",
  }),
  catchAll: described(flag().optional(), {
    meaning: "Every address of the domain exists. Junk to invented names is then kept as well.",
    example: "true",
    default: "`false`",
  }),
}).transform((given, context): RecipientSource => {
  const wrong = (what: string, right: string): void =>
    context.addIssue({ code: "custom", message: message(what, right) });
  const { list, file, url, callout = false, catchAll = false } = given;
  const lists = (["list", "file", "url"] as const).filter((key) => given[key] !== undefined);
  const sources = [...lists, ...(callout ? ["callout"] : []), ...(catchAll ? ["catchAll"] : [])];
  if (sources.length === 0) wrong("has no list, file, url, callout or catchAll", `write ${RECIPIENTS}`);
  if (catchAll && sources.length > 1) wrong(`has both ${sources[0]} and catchAll`, `write ${RECIPIENTS}`);
  else if (lists.length > 1) wrong(`has both ${lists[0]} and ${lists[1]}`, "keep one");
  if (url === undefined) {
    const alone = FETCH_KEYS.find((key) => given[key] !== undefined);
    if (alone !== undefined) wrong(`has ${alone} without url`, "add url, or remove it");
  }
  const { every = TEN_MINUTES, authorizationFile, authorizationEnv, allowEmpty } = given;
  if (authorizationFile !== undefined && authorizationEnv !== undefined)
    wrong("has both authorizationFile and authorizationEnv", "keep one");
  const fetched =
    url === undefined ? undefined : defined({ url, every, authorizationFile, authorizationEnv, allowEmpty });
  return { list, listKey: "list", file, callout, catchAll, fetched };
});

const FETCH_KEYS = ["every", "authorizationFile", "authorizationEnv", "allowEmpty"] as const;
const TEN_MINUTES = 600_000;

export const recipients = oneOf(
  [entries.transform((list): RecipientSource => ({ list, callout: false, catchAll: false })), recipientKeys],
  RECIPIENTS,
);

/** A reflector's primary is normally up, so it is asked by default. */
export const ASK: RecipientSource = { callout: true, catchAll: false };

export const MISSING = message("is missing", `write ${RECIPIENTS}`);

type Unknown = DomainSettings["unknownDuringOutage"];

/** Returns the setting. Its default depends on whether the list can be considered complete. */
export function unknownDuringOutage(given: Unknown | undefined, source: RecipientSource): Unknown {
  return given ?? (source.callout || source.catchAll ? "accept" : "reject");
}
