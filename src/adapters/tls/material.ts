/** Reads a certificate chain and its key from files, and says in words what is wrong with them. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { errorText } from "../../runtime/log.ts";

export interface TlsFiles {
  /** Path of a PEM file: the certificate first, then its chain. */
  readonly certificate: string;
  /** Path of a PEM file with the private key, not encrypted. */
  readonly key: string;
}

/** The files' contents, PEM. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
}

export type TlsReading =
  | {
      readonly kind: "read";
      readonly material: TlsMaterial;
      /** When the certificate ends, ms since 1970. */
      readonly expiresAt: number;
    }
  /** `why` names the file and the reason, for the operator. */
  | { readonly kind: "broken"; readonly why: string };

/** Reads both files and checks that they belong together. Never rejects. */
export async function readTls(files: TlsFiles): Promise<TlsReading> {
  const certificate = await readText(files.certificate);
  if ("why" in certificate) return broken(files.certificate, certificate.why);
  const key = await readText(files.key);
  if ("why" in key) return broken(files.key, key.why);
  return judge(files, { certificate: certificate.text, key: key.text });
}

function judge(files: TlsFiles, material: TlsMaterial): TlsReading {
  const certificate = attempt(() => new X509Certificate(material.certificate));
  if ("why" in certificate) return broken(files.certificate, `is no PEM certificate: ${certificate.why}`);
  const key = attempt(() => createPrivateKey(material.key));
  if ("why" in key) return broken(files.key, `is no unencrypted PEM private key: ${key.why}`);
  if (!certificate.value.checkPrivateKey(key.value)) {
    return broken(files.key, `does not belong to the certificate in ${files.certificate}`);
  }
  const context = attempt(() => createSecureContext({ cert: material.certificate, key: material.key }));
  if ("why" in context) return broken(files.certificate, `cannot be used: ${context.why}`);
  return { kind: "read", material, expiresAt: Date.parse(certificate.value.validTo) };
}

function broken(file: string, why: string): TlsReading {
  return { kind: "broken", why: `${file} ${why}` };
}

async function readText(file: string): Promise<{ text: string } | { why: string }> {
  try {
    return { text: await readFile(file, "utf8") };
  } catch (error) {
    return { why: `cannot be read: ${errorText(error)}` };
  }
}

function attempt<T>(task: () => T): { readonly value: T } | { readonly why: string } {
  try {
    return { value: task() };
  } catch (error) {
    return { why: errorText(error) };
  }
}
