/** Chooses the certificate for a client by the server name that it asks for, RFC 6066 §3. */
import { createSecureContext, type SecureContext } from "node:tls";
import { chooseProtocol } from "./alpn.ts";
import type { TlsMaterial } from "./settings.ts";

/** Options of every TLS context of this server. */
export function tlsOptions(tls: TlsMaterial | undefined): object {
  return {
    minVersion: "TLSv1.2",
    ALPNCallback: chooseProtocol,
    ...(tls !== undefined && { cert: tls.certificate, key: tls.key }),
  };
}

/** Throws if OpenSSL does not accept one of the certificates. */
export function checkTls(certificates: readonly TlsMaterial[]): void {
  for (const tls of certificates) createSecureContext(tlsOptions(tls));
}

export class ServerNames {
  readonly #byName = new Map<string, SecureContext>();

  /** If two certificates have the same name, the earlier one is used. Throws if OpenSSL does not accept one. */
  constructor(certificates: readonly TlsMaterial[]) {
    for (const tls of certificates) {
      const context = createSecureContext(tlsOptions(tls));
      for (const name of tls.names) if (!this.#byName.has(name)) this.#byName.set(name, context);
    }
  }

  /** Prefers the exact name to a wildcard for its first label, RFC 6125 §6.4.3. Undefined: no match. */
  find(name: string): SecureContext | undefined {
    const asked = name.toLowerCase().replace(/\.$/, "");
    const dot = asked.indexOf(".");
    return this.#byName.get(asked) ?? (dot > 0 ? this.#byName.get(`*${asked.slice(dot)}`) : undefined);
  }
}
