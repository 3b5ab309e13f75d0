/** Checks that concern more than one key: keys that need or exclude each other, and files that must exist. */
import { isIP } from "node:net";
import { hostPort, isUnspecified } from "../mail/network.ts";
import { certificateRemarks } from "./certificate-files.ts";
import type { Partly } from "./remarks.ts";
import { socketPath } from "./locate.ts";
import { keyText, quoted, type Remark, type Path } from "./problem.ts";
import type { Parsed } from "./schema.ts";
import { secretRemarks } from "./secret-files.ts";
import type { Endpoint } from "./shape.ts";

/** Bytes; sockaddr_un holds 104 to 108, depending on the system. */
const MAX_SOCKET_BYTES = 100;

export function contradictions(parts: Partly<Parsed>, folder: string): readonly Remark[] {
  return [
    ...certificateRemarks(parts, folder),
    ...listenerRemarks(parts),
    ...stressRemarks(parts),
    ...socketRemarks(parts),
    ...inheritanceRemarks(parts),
    ...reflectorRemarks(parts),
    ...secretRemarks(parts, folder),
  ];
}

function stressRemarks({ smtp }: Partly<Parsed>): readonly Remark[] {
  const { begins, ends } = smtp?.stress ?? {};
  if (begins === undefined || ends === undefined || ends < begins) return [];
  // Rounded, because of binary fractions: 0.57 * 100 is not 57. A percentage has at most three decimals.
  const [low, high] = [ends, begins].map((share) => `${Number((share * 100).toFixed(3))}%`);
  const wrong = `${low} is not below smtp.stress.begins (${high})`;
  return [{ path: ["smtp", "stress", "ends"], wrong, right: `write a percentage below ${high}` }];
}

function listenerRemarks({ smtp, admin }: Partly<Parsed>): readonly Remark[] {
  const listeners = smtp?.listen ?? [];
  const remarks: Remark[] = [];
  const taken: Taken[] = [];
  for (const [index, listener] of listeners.entries()) {
    const path = ["smtp", "listen", index];
    if (listener.tls === "implicit" && smtp?.tls === undefined) {
      const right = "add smtp.tls with certificate and key, or write tls: starttls";
      remarks.push({ path: [...path, "tls"], wrong: "implicit TLS without a certificate", right });
    }
    remarks.push(...clash(listener, path, taken));
  }
  return admin?.listen === undefined
    ? remarks
    : [...remarks, ...clash(admin.listen, ["admin", "listen"], taken)];
}

interface Taken {
  readonly endpoint: Endpoint;
  readonly path: Path;
}

function clash(endpoint: Endpoint, path: Path, taken: Taken[]): readonly Remark[] {
  const other = taken.find((each) => overlap(each.endpoint, endpoint));
  taken.push({ endpoint, path });
  if (other === undefined) return [];
  const [place, theirs] = [endpoint, other.endpoint].map(({ address, port }) => hostPort(address, port));
  const wrong = `${place} is already used by ${keyText(other.path)}${place === theirs ? "" : ` (${theirs})`}`;
  return [{ path, wrong, right: "give each its own address or port" }];
}

/** `0.0.0.0` stands for every IPv4 address, `::` for every IPv6 address. */
function overlap(one: Endpoint, other: Endpoint): boolean {
  if (one.port !== other.port || isIP(one.address) !== isIP(other.address)) return false;
  return one.address === other.address || isUnspecified(one.address) || isUnspecified(other.address);
}

function socketRemarks({ admin, storage }: Partly<Parsed>): readonly Remark[] {
  if (storage === undefined && admin?.socket === undefined) return [];
  const socket = socketPath(storage ?? "", admin?.socket);
  const length = Buffer.byteLength(socket);
  if (length <= MAX_SOCKET_BYTES) return [];
  const path = admin?.socket === undefined ? ["storage"] : ["admin", "socket"];
  const wrong = `the socket path ${quoted(socket)} has ${length} bytes, but at most ${MAX_SOCKET_BYTES} are possible`;
  return [{ path, wrong, right: "set admin.socket to a short path such as /run/holdfast/admin.sock" }];
}

/** A domain without lists or servers of its own uses those of `checks`, so `checks` must have some. */
function inheritanceRemarks({ checks, domains }: Partly<Parsed>): readonly Remark[] {
  return Object.entries(domains ?? {}).flatMap(([name, settings]) =>
    (["dnsbl", "clamav", "rspamd"] as const).flatMap((check): Remark[] => {
      const what = check === "dnsbl" ? "lists" : "servers";
      const [own = "off", forAll = "off"] = [settings?.checks?.[check], checks?.[check]];
      if (own === "off" || forAll !== "off" || Object.hasOwn(own, what)) return [];
      const right = `add ${what} here or in checks.${check}`;
      return [{ path: ["domains", name, "checks", check], wrong: `has no ${what}`, right }];
    }),
  );
}

function reflectorRemarks({ domains }: Partly<Parsed>): readonly Remark[] {
  return Object.entries(domains ?? {}).flatMap(([name, settings]): Remark[] => {
    const own = settings?.checks?.reachability;
    if (settings?.mode !== "reflector" || own === undefined || own === "off") return [];
    const wrong = "a reflector is the only MX: there is no other server to send clients to";
    return [{ path: ["domains", name, "checks", "reachability"], wrong, right: "remove it" }];
  });
}
