/** Which certificate a client sees, by the name that it asks for, RFC 6066 §3. */
import { createSecureContext, type SecureContext } from "node:tls";
import { chooseProtocol } from "./alpn.ts";
import type { TlsMaterial } from "./settings.ts";

/** Options of each TLS context of ours. */
export function tlsOptions(tls: TlsMaterial | undefined): object {
  return {
    minVersion: "TLSv1.2",
    ALPNCallback: chooseProtocol,
    ...(tls !== undefined && { cert: tls.certificate, key: tls.key }),
  };
}

/** Throws where OpenSSL does not take one of them. */
export function checkTls(certificates: readonly TlsMaterial[]): void {
  for (const tls of certificates) createSecureContext(tlsOptions(tls));
}

export class ServerNames {
  readonly #byName = new Map<string, SecureContext>();

  /** The first of the certificates needs no name; of two for one name, the earlier counts. Throws where OpenSSL does. */
  constructor(certificates: readonly TlsMaterial[]) {
    for (const tls of certificates) {
      const context = createSecureContext(tlsOptions(tls));
      for (const name of tls.names) if (!this.#byName.has(name)) this.#byName.set(name, context);
    }
  }

  /** The exact name before `*` in place of its first label, RFC 6125 §6.4.3; undefined: the default. */
  find(name: string): SecureContext | undefined {
    const asked = name.toLowerCase().replace(/\.$/, "");
    const dot = asked.indexOf(".");
    return this.#byName.get(asked) ?? (dot > 0 ? this.#byName.get(`*${asked.slice(dot)}`) : undefined);
  }
}
