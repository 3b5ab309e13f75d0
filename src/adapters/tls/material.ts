/** Reads a certificate chain and its key from files, and describes what is wrong with them. */
import { readFile } from "node:fs/promises";
import { judgePair, type PemPair } from "../../runtime/certificate.ts";
import { errorText } from "../../runtime/log.ts";

export interface TlsFiles {
  /** Path of a PEM file: the certificate first, then its chain. */
  readonly certificate: string;
  /** Path of a PEM file with the private key, not encrypted. */
  readonly key: string;
  /** Server names (SNI) for which it is used; default: the names in the certificate. */
  readonly names?: readonly string[];
}

/** The contents of the files, in PEM, and the names they are used for: lower case, `*` matches one label. */
export interface TlsMaterial extends PemPair {
  readonly names: readonly string[];
}

type TlsReading =
  | {
      readonly kind: "read";
      readonly material: TlsMaterial;
      /** When the certificate expires, in ms since 1970. */
      readonly expiresAt: number;
    }
  /** `why` contains the file and the reason, for the operator. */
  | { readonly kind: "broken"; readonly why: string };

/** Reads both files and checks that they belong together. Never rejects. */
export async function readTls(files: TlsFiles): Promise<TlsReading> {
  const certificate = await readText(files.certificate);
  if ("why" in certificate) return broken(files.certificate, certificate.why);
  const key = await readText(files.key);
  if ("why" in key) return broken(files.key, key.why);
  const pair = { certificate: certificate.text, key: key.text };
  const judgement = judgePair(pair);
  if (judgement.kind === "sound") {
    const { names, expiresAt } = judgement;
    return { kind: "read", material: { ...pair, names: files.names ?? names }, expiresAt };
  }
  const { part, why, mismatch } = judgement;
  return broken(files[part], mismatch ? `${why} in ${files.certificate}` : why);
}

/** Describes a certificate in one line for an operator; `now` in ms since 1970. */
export function certificateLine(files: TlsFiles, reading: TlsReading, now: number): string {
  if (reading.kind === "broken") return reading.why;
  const { material, expiresAt } = reading;
  const day = new Date(expiresAt).toISOString().slice(0, 10);
  const life = expiresAt > now ? `until ${day}` : `ENDED ${day}: renew it`;
  return `certificate ${files.certificate}, ${life}, for ${material.names.join(" ") || "no name"}`;
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
