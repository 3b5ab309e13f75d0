/** Checks what senders find when they connect: the port, the certificate, and policies that require one. */
import { SMTP_PORT } from "../../mail/mx-route.ts";
import { isLoopback, parseHostPort } from "../../mail/network.ts";
import type { RecordSource } from "../../ports/resolver.ts";
import { finding, listed, type Finding } from "./finding.ts";
import type { Self, ShownCertificate } from "./self.ts";

const DAY = 86_400_000;
/** How long before expiry a certificate causes a warning, in ms. */
const SOON = 14 * DAY;

export function portFindings({ listening }: Self): readonly Finding[] {
  if (listening.length === 0) return [finding("port", "fail", "no SMTP listener is open")];
  const where = listed(listening);
  const open = listening.filter((text) => !isLoopback(parseHostPort(text)?.host ?? ""));
  if (open.length === 0)
    return [finding("port", "warn", `only this machine can connect to ${where}; senders connect to port 25`)];
  if (open.some((text) => parseHostPort(text)?.port === SMTP_PORT))
    return [finding("port", "ok", `listening on ${where}`)];
  return [finding("port", "warn", `senders connect to port 25, which must be forwarded to ${listed(open)}`)];
}

export function certificateFindings({ hostname, certificates }: Self, now: number): readonly Finding[] {
  const stuck = certificates.flatMap(({ trouble }) =>
    trouble === undefined
      ? []
      : [finding("certificate", "warn", `${trouble}; the previous one stays in use`)],
  );
  return [...stuck, shownCertificate(hostname, certificates, now)];
}

function shownCertificate(hostname: string, certificates: Self["certificates"], now: number): Finding {
  const fitting = certificates.find((certificate) => covers(certificate, hostname));
  const shown = fitting ?? certificates[0];
  if (shown === undefined)
    return finding(
      "certificate",
      "warn",
      "no certificate: mail is received unencrypted, and senders that require TLS cannot deliver",
    );
  const until = new Date(shown.expiresAt).toISOString().slice(0, 10);
  if (fitting === undefined) {
    const names = listed(shown.names) || "no name";
    return finding("certificate", "warn", `the certificate is for ${names}, not for ${hostname}`);
  }
  if (shown.expiresAt <= now) return finding("certificate", "warn", `the certificate expired on ${until}`);
  if (shown.expiresAt - now < SOON)
    return finding("certificate", "warn", `the certificate expires soon, on ${until}`);
  return finding("certificate", "ok", `for ${hostname} until ${until}`);
}

/** A wildcard matches exactly one label, RFC 6125 §6.4.3. */
function covers({ names }: ShownCertificate, hostname: string): boolean {
  const parent = hostname.slice(hostname.indexOf(".") + 1);
  return names.some((name) => name === hostname || name === `*.${parent}`);
}

/** Checks whether the domain announces an MTA-STS policy, RFC 8461 §3.1; the policy itself is not fetched. */
export async function transportPolicyFindings(
  domain: string,
  { hostname }: Self,
  dns: RecordSource,
): Promise<readonly Finding[]> {
  const lookup = await dns.records(`_mta-sts.${domain}`, "TXT");
  if (lookup.kind !== "found" || !lookup.records.some((text) => text.startsWith("v=STSv1;"))) return [];
  const text = `the domain has an MTA-STS policy; it must name ${hostname}, which needs a certificate that senders trust`;
  return [finding("mta-sts", "ok", text)];
}
