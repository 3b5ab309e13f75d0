/** What no key can know alone: files that must be there, keys that need or exclude each other. */
import { accessSync, constants, statSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { displayDomain, normaliseDomain } from "../mail/domain.ts";
import { hostPort, isLoopback, isUnspecified } from "../mail/network.ts";
import type { Login, Primary } from "../ports/directory.ts";
import type { NoticeRoute } from "../ports/notices.ts";
import { certificateFindings } from "./certificate-files.ts";
import type { Partly } from "./findings.ts";
import { socketPath } from "./locate.ts";
import type { Finding, Path } from "./problem.ts";
import { keyText, quoted } from "./problem.ts";
import type { Parsed } from "./schema.ts";
import type { Endpoint } from "./shape.ts";
import { readText } from "./text-file.ts";

/** sockaddr_un holds 104 to 108 bytes, by the system. */
const MAX_SOCKET_BYTES = 100;
const MAX_PASSWORD_BYTES = 10_000;
const FIVE_DAYS = 5 * 86_400_000;

export function contradictions(parts: Partly<Parsed>, folder: string): readonly Finding[] {
  return [
    ...certificateFindings(parts, folder),
    ...listenerFindings(parts),
    ...stressFindings(parts),
    ...socketFindings(parts),
    ...listFindings(parts),
    ...reflectorFindings(parts),
    ...scannerFindings(parts),
    ...loginFindings(parts, folder),
    ...noticeFindings(parts, folder),
    ...authorizationFindings(parts, folder),
  ];
}

/** Passwords of primaries: there, and not empty. */
function loginFindings({ domains = {} }: Partly<Parsed>, folder: string): readonly Finding[] {
  return Object.entries(domains).flatMap(([name, domain]) => {
    // What is wrong elsewhere in it is left as it was written.
    const primaries: readonly Primary[] = Array.isArray(domain?.primary) ? domain.primary : [];
    return primaries.flatMap(({ login }, index): Finding[] => {
      const at = primaries.length === 1 ? [] : [index];
      const path = ["domains", name, "primary", ...at, "login"];
      return login === undefined ? [] : passwordFindings(login, path, folder);
    });
  });
}

/** The password of the smart host for notices. */
function noticeFindings({ notices }: Partly<Parsed>, folder: string): readonly Finding[] {
  const route = notices?.route as NoticeRoute | undefined;
  if (route?.kind !== "host" || route.login === undefined) return [];
  return passwordFindings(route.login, ["notices", "route", "login"], folder);
}

function passwordFindings({ passwordFile, passwordEnv }: Login, path: Path, folder: string): Finding[] {
  const keys = { what: "the password", file: "passwordFile", env: "passwordEnv" };
  return secretFindings({ file: passwordFile, env: passwordEnv, keys }, path, folder);
}

/** What is sent along with requests for lists. */
function authorizationFindings({ domains = {} }: Partly<Parsed>, folder: string): readonly Finding[] {
  const keys = { what: "the Authorization field", file: "authorizationFile", env: "authorizationEnv" };
  return Object.entries(domains).flatMap(([name, domain]) => {
    const { authorizationFile: file, authorizationEnv: env } = domain?.recipients?.fetched ?? {};
    return secretFindings({ file, env, keys }, ["domains", name, "recipients"], folder);
  });
}

interface Secret {
  readonly file: string | undefined;
  readonly env: string | undefined;
  /** What they are called. */
  readonly keys: { readonly what: string; readonly file: string; readonly env: string };
}

/** The first line of a file, or a variable of the environment: there, and not empty. */
function secretFindings({ file: written, env, keys }: Secret, path: Path, folder: string): Finding[] {
  if (written !== undefined) {
    const file = resolve(folder, written);
    const content = readText(file, MAX_PASSWORD_BYTES);
    const empty = "text" in content && (content.text.split(/\r?\n/)[0] ?? "") === "";
    const fault =
      "fault" in content
        ? content.fault
        : { wrong: "has no first line", right: `write ${keys.what} into it` };
    if ("text" in content && !empty) return [];
    return [{ path: [...path, keys.file], wrong: `${file} ${fault.wrong}`, right: fault.right }];
  }
  if (env === undefined || (process.env[env] ?? "") !== "") return [];
  const wrong = `${quoted(env)} is not set in the environment`;
  return [{ path: [...path, keys.env], wrong, right: `set it for the daemon, or use ${keys.file}` }];
}

function stressFindings({ smtp }: Partly<Parsed>): readonly Finding[] {
  const { begins, ends } = smtp?.stress ?? {};
  if (begins === undefined || ends === undefined || ends < begins) return [];
  const wrong = `${ends * 100}% is not below the ${begins * 100}% at which it begins`;
  return [{ path: ["smtp", "stress", "ends"], wrong, right: "write a lower share, such as ten less" }];
}

function listenerFindings({ smtp, admin }: Partly<Parsed>): readonly Finding[] {
  const listeners = smtp?.listen ?? [];
  const findings: Finding[] = [];
  const taken: Taken[] = [];
  for (const [index, listener] of listeners.entries()) {
    const path = ["smtp", "listen", index];
    if (listener.tls === "implicit" && smtp?.tls === undefined) {
      const right = "add smtp.tls with certificate and key, or write tls: starttls";
      findings.push({ path: [...path, "tls"], wrong: "implicit TLS without a certificate", right });
    }
    findings.push(...clash(listener, path, taken));
  }
  return admin?.listen === undefined
    ? findings
    : [...findings, ...clash(admin.listen, ["admin", "listen"], taken)];
}

interface Taken {
  readonly endpoint: Endpoint;
  readonly path: Path;
}

function clash(endpoint: Endpoint, path: Path, taken: Taken[]): readonly Finding[] {
  const other = taken.find((each) => overlap(each.endpoint, endpoint));
  taken.push({ endpoint, path });
  if (other === undefined || endpoint.port === 0) return [];
  const [place, theirs] = [endpoint, other.endpoint].map(({ address, port }) => hostPort(address, port));
  const wrong = `${place} is taken by ${keyText(other.path)}${place === theirs ? "" : `, which has ${theirs}`}`;
  return [{ path, wrong, right: "give each its own address or port" }];
}

/** `0.0.0.0` is every address of IPv4, `::` every one of IPv6. */
function overlap(one: Endpoint, other: Endpoint): boolean {
  if (one.port !== other.port || isIP(one.address) !== isIP(other.address)) return false;
  return one.address === other.address || isUnspecified(one.address) || isUnspecified(other.address);
}

function socketFindings({ admin, storage }: Partly<Parsed>): readonly Finding[] {
  if (storage === undefined && admin?.socket === undefined) return [];
  const socket = socketPath(storage ?? "", admin?.socket);
  const length = Buffer.byteLength(socket);
  if (length <= MAX_SOCKET_BYTES) return [];
  const path = admin?.socket === undefined ? ["storage"] : ["admin", "socket"];
  const wrong = `the socket ${quoted(socket)} has a path of ${length} bytes, and systems take ${MAX_SOCKET_BYTES}`;
  return [{ path, wrong, right: "set admin.socket to a short path such as /run/holdfast/admin.sock" }];
}

/** A domain that leaves the lists out takes those of all, so there must be some. */
function listFindings({ checks, domains }: Partly<Parsed>): readonly Finding[] {
  if (checks?.dnsbl !== undefined && checks.dnsbl !== "off") return [];
  return Object.entries(domains ?? {}).flatMap(([name, settings]): Finding[] => {
    const own = settings?.checks?.dnsbl;
    if (own === undefined || own === "off" || own.lists !== undefined) return [];
    const right = "write the lists here or in checks.dnsbl";
    return [{ path: ["domains", name, "checks", "dnsbl"], wrong: "names no lists", right }];
  });
}

function reflectorFindings({ domains }: Partly<Parsed>): readonly Finding[] {
  return Object.entries(domains ?? {}).flatMap(([name, settings]): Finding[] => {
    const own = settings?.checks?.reachability;
    if (settings?.mode !== "reflector" || own === undefined || own === "off") return [];
    const wrong = "a reflector is the only MX: there is no other server to send clients to";
    return [{ path: ["domains", name, "checks", "reachability"], wrong, right: "remove it" }];
  });
}

/** Likewise with the servers of scanners. */
function scannerFindings({ checks, domains }: Partly<Parsed>): readonly Finding[] {
  return Object.entries(domains ?? {}).flatMap(([name, settings]) =>
    (["clamav", "rspamd"] as const).flatMap((scanner): Finding[] => {
      const [own, forAll] = [settings?.checks?.[scanner], checks?.[scanner]];
      if (own === undefined || own === "off" || own.servers !== undefined) return [];
      if (forAll !== undefined && forAll !== "off") return [];
      const right = `write the servers here or in checks.${scanner}`;
      return [{ path: ["domains", name, "checks", scanner], wrong: "names no servers", right }];
    }),
  );
}

/** Sound, but perhaps not what was meant. */
export function doubts(parsed: Parsed, folder: string): readonly Finding[] {
  return [
    ...generalDoubts(parsed),
    ...loopDoubts(parsed),
    ...portDoubts(parsed),
    ...commandDoubts(parsed, folder),
  ];
}

/** No mail is refused because nobody could be told of it. A name without a slash is looked for in the PATH. */
function commandDoubts({ alerts }: Parsed, folder: string): readonly Finding[] {
  const [program = ""] = alerts.command ?? [];
  const file = resolve(folder, program);
  if (!program.includes("/") || isProgram(file)) return [];
  const wrong = `${file} is no program that can be run, so no alert goes out by it`;
  return [{ path: ["alerts", "command"], wrong, right: "name one that the daemon's user may run" }];
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function generalDoubts(parsed: Parsed): readonly Finding[] {
  const found: Finding[] = [];
  const doubt = (path: string, wrong: string, right: string) =>
    found.push({ path: path.split("."), wrong, right });
  if (!parsed.hostname.includes("."))
    doubt(
      "hostname",
      "is not a full name, and some servers refuse such a greeting",
      "write the name of the MX record",
    );
  if (Object.keys(parsed.domains).length === 0)
    doubt("domains", "no domain is declared: mail is taken only for those of the API", "declare a domain");
  if (parsed.retention.waiting < FIVE_DAYS)
    doubt("retention", "mail is given up sooner than the 4 to 5 days of RFC 5321 §4.5.4.1", "keep it 30d");
  if (parsed.admin.listen !== undefined && !isLoopback(parsed.admin.listen.address))
    doubt(
      "admin.listen",
      "tokens cross the network in plain HTTP",
      "listen on 127.0.0.1 behind a proxy with TLS",
    );
  if (parsed.notices.route.kind !== "off" && !asksSpf(parsed))
    doubt(
      "notices.route",
      "no notice will ever go: without SPF no return-path is proven",
      "add checks: { spf: tag }",
    );
  const postmasterDomain = parsed.postmaster?.split("@").at(-1);
  const declared = Object.keys(parsed.domains).some((name) => normaliseDomain(name) === postmasterDomain);
  if (postmasterDomain !== undefined && !declared)
    doubt(
      "postmaster",
      `${quoted(postmasterDomain)} is not declared here, so its mail goes to the postmaster of the first domain`,
      "name an address of one of the domains",
    );
  return found;
}

/** For all domains, or for one. */
function asksSpf({ checks, domains }: Parsed): boolean {
  return [checks, ...Object.values(domains).map((domain) => domain.checks)].some(
    (each) => each?.spf !== undefined && each.spf !== "off",
  );
}

const SMTP = 25;

/** Clients can only be sent to where senders come. */
function portDoubts({ checks, domains }: Parsed): readonly Finding[] {
  return Object.entries(domains).flatMap(([name, { mode, primary, checks: own }]): Finding[] => {
    const [first] = primary;
    const action = own?.reachability ?? checks.reachability;
    if (mode === "reflector" || action === "off" || primary.some(({ port, mx }) => mx || port === SMTP))
      return [];
    const wrong = `no sender comes to port ${first?.port}, but reachability sends clients there`;
    const right = "write checks: { reachability: off } for this domain";
    return [{ path: ["domains", name, "primary"], wrong, right }];
  });
}

/** A primary that is ourselves, as far as the file shows it. */
function loopDoubts({ hostname, smtp, domains }: Parsed): readonly Finding[] {
  return Object.entries(domains).flatMap(([name, { primary }]) =>
    primary.flatMap(({ host, port }, index): Finding[] => {
      const own = smtp.listen.some(
        (listener) => listener.port === port && (host === hostname || host === listener.address),
      );
      const wrong = `${displayDomain(host)} port ${port} is this server: its mail would go round in a circle`;
      return own
        ? [{ path: ["domains", name, "primary", index], wrong, right: "name the domain's own server" }]
        : [];
    }),
  );
}
