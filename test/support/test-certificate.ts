import { createPublicKey } from "node:crypto";
import { generate } from "selfsigned";

/** A certificate and key in PEM, made once a process. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

let made: Promise<TestCertificate> | undefined;

export function testCertificate(): Promise<TestCertificate> {
  made ??= makeCertificate("mx.us");
  return made;
}

/** The same as the SMTP side takes it: one certificate for all names. */
export async function testMaterial(): Promise<readonly (TestCertificate & { names: readonly string[] })[]> {
  return [{ ...(await testCertificate()), names: [] }];
}

/** The certificate anew, for the same key and another name, as those make it who renew and keep the key. */
export async function renewed({ key }: TestCertificate, name: string): Promise<TestCertificate> {
  const publicKey = createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
  const pems = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    keyPair: { privateKey: key, publicKey },
  });
  return { certificate: pems.cert, key };
}

/** A fresh self-signed pair; `days` may be negative for one that has ended, `names` are DNS names in it. */
export async function makeCertificate(
  name: string,
  days = 30,
  names: readonly string[] = [name],
): Promise<TestCertificate> {
  const start = days < 0 ? Date.now() + 2 * days * 86_400_000 : Date.now() - 1000;
  const pems = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [{ name: "subjectAltName", altNames: names.map((value) => ({ type: 2, value })) }],
    notBeforeDate: new Date(start),
    notAfterDate: new Date(Date.now() + days * 86_400_000),
  });
  return { certificate: pems.cert, key: pems.private };
}
