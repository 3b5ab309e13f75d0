/** Judges a certificate and its private key by their PEM texts alone. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { errorText } from "./log.ts";

/** PEM texts: `certificate` has the certificate and then its chain; `key` has the private key, not encrypted. */
export interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

type PairJudgement =
  | {
      readonly kind: "sound";
      /** DNS names that the certificate is valid for, in lower case; may include `*.example.net`. */
      readonly names: readonly string[];
      /** When it expires, in ms since 1970. */
      readonly expiresAt: number;
    }
  /** `part` is the text at fault. `mismatch` is true if both texts are sound but belong to different pairs. */
  | {
      readonly kind: "broken";
      readonly part: keyof PemPair;
      readonly why: string;
      readonly mismatch: boolean;
    };

/** Says whether TLS can be served with this pair. */
export function judgePair(pair: PemPair): PairJudgement {
  const certificate = attempt(() => new X509Certificate(pair.certificate));
  if ("why" in certificate)
    return broken("certificate", unread("is not a PEM certificate", pair.certificate, certificate.why));
  const key = attempt(() => createPrivateKey(pair.key));
  if ("why" in key) {
    const isEncrypted = /^-----BEGIN ENCRYPTED |^Proc-Type:.*ENCRYPTED/m.test(pair.key);
    return broken("key", isEncrypted ? ENCRYPTED : unread("is not a PEM private key", pair.key, key.why));
  }
  if (!certificate.value.checkPrivateKey(key.value)) {
    return { ...broken("key", "does not belong to the certificate"), mismatch: true };
  }
  const context = attempt(() => createSecureContext({ cert: pair.certificate, key: pair.key }));
  if ("why" in context) return broken("certificate", `cannot be used: ${context.why}`);
  const { validTo } = certificate.value;
  return { kind: "sound", names: namesOf(certificate.value), expiresAt: Date.parse(validTo) };
}

const ENCRYPTED =
  "is encrypted, and the daemon has no passphrase for it (`openssl pkey -in OLD -out NEW` decrypts it)";

/** Describes an unreadable text. If the text contains no PEM block at all, OpenSSL's own message adds nothing. */
function unread(what: string, text: string, why: string): string {
  if (text.trim() === "") return "is empty";
  return /no start line|DECODER routines::unsupported/.test(why) ? what : `${what}: ${why}`;
}

/** The names of the certificate; the common name counts only if there are no DNS names (RFC 6125 §6.4.4). */
function namesOf({ subjectAltName = "", subject }: X509Certificate): readonly string[] {
  const names = [...subjectAltName.matchAll(/(?:^|, )DNS:([^,\s"]+)/g)].map((match) => match[1] ?? "");
  const common = /^CN=(\S+)$/m.exec(subject)?.[1];
  const all = names.length > 0 || common === undefined ? names : [common];
  return all.map((name) => name.toLowerCase());
}

function broken(part: keyof PemPair, why: string) {
  return { kind: "broken", part, why, mismatch: false } as const;
}

function attempt<T>(task: () => T): { readonly value: T } | { readonly why: string } {
  try {
    return { value: task() };
  } catch (error) {
    return { why: errorText(error) };
  }
}
