/** Warns of settings that are valid, but perhaps not intended. */
import { isIP } from "node:net";
import { everyClientOf } from "../mail/access-pattern.ts";
import { displayDomain, normaliseDomain } from "../mail/domain.ts";
import { hostPort, isLoopback, isUnspecified } from "../mail/network.ts";
import type { Primary } from "../ports/directory.ts";
import { timeInWords } from "../runtime/quantities.ts";
import { placeDoubts } from "./places.ts";
import { quoted, type Remark } from "./problem.ts";
import type { Parsed } from "./schema.ts";
import type { Endpoint } from "./shape.ts";

const FIVE_DAYS = 5 * 86_400_000;
/** The port that senders connect to. */
const SMTP = 25;

export function doubts(parsed: Parsed, folder: string): readonly Remark[] {
  return [
    ...generalDoubts(parsed),
    ...noticeDoubts(parsed),
    ...loopDoubts(parsed),
    ...exchangeDoubts(parsed),
    ...portDoubts(parsed),
    ...ruleDoubts(parsed),
    ...placeDoubts(parsed, folder),
  ];
}

function generalDoubts(parsed: Parsed): readonly Remark[] {
  const found: Remark[] = [];
  const doubt = (path: string, wrong: string, right: string) =>
    found.push({ path: path.split("."), wrong, right });
  if (!parsed.hostname.includes("."))
    doubt(
      "hostname",
      "is not a fully qualified name, and some servers refuse such a name in EHLO",
      "write the name in your MX record",
    );
  if (Object.keys(parsed.domains).length === 0)
    doubt(
      "domains",
      "no domain is declared: mail is accepted only for domains added through the API",
      "declare a domain",
    );
  if (parsed.retention.waiting < FIVE_DAYS)
    doubt(
      "retention",
      "waiting mail expires before the 4 to 5 days that RFC 5321 §4.5.4.1 asks for",
      "write at least 5d, such as 30d",
    );
  if (parsed.admin.listen !== undefined && !isLoopback(parsed.admin.listen.address))
    doubt("admin.listen", "tokens cross the network in plain HTTP", "listen on 127.0.0.1 behind a TLS proxy");
  const postmasterDomain = parsed.postmaster?.split("@").at(-1);
  const declared = Object.keys(parsed.domains).some((name) => normaliseDomain(name) === postmasterDomain);
  if (postmasterDomain !== undefined && !declared)
    doubt(
      "postmaster",
      `${quoted(postmasterDomain)} is not a domain declared here, so mail for this postmaster goes to the postmaster of the first domain`,
      "write an address in one of the declared domains",
    );
  return found;
}

function noticeDoubts(parsed: Parsed): readonly Remark[] {
  const { route, delay = 0 } = parsed.notices;
  const { waiting } = parsed.retention;
  const found: Remark[] = [];
  const doubt = (key: "route" | "delay", wrong: string, right: string) =>
    found.push({ path: ["notices", key], wrong, right });
  if (route.kind !== "off" && !asksSpf(parsed))
    doubt(
      "route",
      "no notice is ever sent: without SPF, no return path is proven",
      "add checks: { spf: tag }",
    );
  if (route.kind === "host" && isThisServer(route, parsed))
    doubt(
      "route",
      `${hostPort(route.host, route.port)} is this server itself, which relays for nobody`,
      "name a server that relays",
    );
  if (route.kind === "off" && delay > 0)
    doubt("delay", "has no effect, because notices.route is off", "set notices.route, or remove it");
  if (delay >= waiting)
    doubt(
      "delay",
      `has no effect, because mail is given up after ${timeInWords(waiting)}`,
      "write less than retention.waiting",
    );
  return found;
}

/** Says whether SPF is checked, for all domains or for one. */
function asksSpf({ checks, domains }: Parsed): boolean {
  return [checks, ...Object.values(domains).map((domain) => domain.checks)].some(
    (each) => each?.spf !== undefined && each.spf !== "off",
  );
}

/** A client can only be referred to a server at the port that senders use. */
function portDoubts({ checks, domains }: Parsed): readonly Remark[] {
  return Object.entries(domains).flatMap(([name, { mode, primary, checks: own }]): Remark[] => {
    const [first] = primary;
    const action = own?.reachability ?? checks.reachability;
    if (mode === "reflector" || action === "off" || primary.some(({ port, mx }) => mx || port === SMTP))
      return [];
    const wrong = `senders connect to port 25 only, but reachability refers them to port ${first?.port}`;
    const right = "write checks: { reachability: off } for this domain";
    return [{ path: ["domains", name, "primary"], wrong, right }];
  });
}

/** `block` for every client makes sense only after rules that allow some clients. */
function ruleDoubts({ checks: { access = [] } }: Parsed): readonly Remark[] {
  const firstAllowed = access.findIndex(({ action }) => action === "allow");
  return access.flatMap((rule, index): Remark[] => {
    const kind = everyClientOf(rule);
    const blocks = rule.action === "block";
    if (kind === undefined || (blocks && firstAllowed !== -1 && firstAllowed < index)) return [];
    const what = blocks ? "and all their mail is refused" : "and all of them skip the reputation checks";
    const right = blocks ? "name a smaller network, or first those that you allow" : "name a smaller network";
    const path = ["checks", "access", index, "network"];
    return [{ path, wrong: `${rule.network} is every ${kind} client, ${what}`, right }];
  });
}

/** Warns of a primary that is this server itself, as far as the file shows it. */
function loopDoubts(parsed: Parsed): readonly Remark[] {
  return primariesOf(parsed).flatMap(({ primary, path }): Remark[] => {
    const { host, port } = primary;
    const wrong = `${displayDomain(host)} port ${port} is this server itself: mail would loop`;
    return isThisServer(primary, parsed) ? [{ path, wrong, right: "name the domain's own mail server" }] : [];
  });
}

/** Warns of a reflector that delivers to MX hosts: as the only MX, it would find none but itself. */
function exchangeDoubts(parsed: Parsed): readonly Remark[] {
  return primariesOf(parsed).flatMap(({ primary, path, mode }): Remark[] => {
    const wrong = "a reflector is the only MX: with mx, there is no other server to deliver to";
    const right = "write the host of the domain's own mail server";
    return mode === "reflector" && primary.mx === true ? [{ path, wrong, right }] : [];
  });
}

/** All primaries of all domains, each with its place. */
function primariesOf({ domains }: Parsed) {
  return Object.entries(domains).flatMap(([name, { mode, primary: all }]) =>
    all.map((primary, index) => {
      const path = ["domains", name, "primary", ...(all.length === 1 ? [] : [index])];
      return { mode, primary, path };
    }),
  );
}

function isThisServer(server: Pick<Primary, "host" | "port">, { hostname, smtp }: Parsed): boolean {
  const { host, port } = server;
  return smtp.listen.some(
    (listener) => listener.port === port && (host === hostname || reaches(host, listener)),
  );
}

/** `0.0.0.0` also accepts connections to 127.0.0.1. */
function reaches(host: string, { address }: Endpoint): boolean {
  if (host === address) return true;
  return isUnspecified(address) && isIP(host) === isIP(address) && isLoopback(host);
}
