/** `smtp.tls`: one certificate or several, and faults in their files. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { makeCertificate, testCertificate } from "../../support/test-certificate.ts";
import { configOf, linesOf } from "./sample.ts";

function text(tls: string): string {
  return `hostname: mx2.example.net\nsmtp:\n  listen: ["127.0.0.1:25"]\n  tls:${tls}\ndomains: {}\n`;
}

async function files() {
  const [one, two] = [await testCertificate(), await makeCertificate("b.test")];
  return { "one.pem": one.certificate, "one.key": one.key, "two.pem": two.certificate, "two.key": two.key };
}

test("several certificates are read, each with its names", async () => {
  const tls = `
    - { certificate: one.pem, key: one.key }
    - { certificate: two.pem, key: two.key, names: [MX.Bücher.example, "*.example.org"] }`;
  const { smtp } = await configOf(text(tls), await files());
  assert.deepEqual(smtp.tls, [
    { certificate: "one.pem", key: "one.key" },
    { certificate: "two.pem", key: "two.key", names: ["mx.xn--bcher-kva.example", "*.example.org"] },
  ]);
});

test("each certificate and key is checked, and a fault is reported with file, line and key", async () => {
  const tls = `
    - { certificate: one.pem, key: two.key }
    - { certificate: two.pem, key: one.pem }
    - { certificate: one.key, key: none.key }
    - { certificate: two.key, key: two.key }`;
  const lines = await linesOf(text(tls), await files());
  assert.deepEqual(lines, [
    "holdfast.yaml:5:36: smtp.tls[0].key: two.key does not belong to the certificate in one.pem; name the private key of this certificate",
    "holdfast.yaml:6:36: smtp.tls[1].key: one.pem is not a PEM private key; name the PEM file of the key",
    "holdfast.yaml:7:36: smtp.tls[2].key: none.key does not exist; check the path",
    "holdfast.yaml:8:22: smtp.tls[3].certificate: two.key is not a PEM certificate; name the PEM file of the certificate",
  ]);
});

test("a private key with a pass phrase is reported as such, in both of its PEM forms", async () => {
  const { certificate } = await testCertificate();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const secret = { format: "pem", cipher: "aes-128-cbc", passphrase: "x" } as const;
  for (const type of ["pkcs1", "pkcs8"] as const) {
    const key = privateKey.export({ type, ...secret }).toString();
    assert.deepEqual(
      await linesOf(text(" { certificate: one.pem, key: one.key }"), {
        "one.pem": certificate,
        "one.key": key,
      }),
      [
        "holdfast.yaml:4:37: smtp.tls.key: one.key is encrypted, and the daemon has no passphrase for it (`openssl pkey -in OLD -out NEW` decrypts it); name the PEM file of the key",
      ],
    );
  }
});

test("a missing key, a missing certificate file and invalid names are reported", async () => {
  const [right] = ["write the path of a PEM file with the private key"];
  assert.deepEqual(await linesOf(text(" { certificate: one.pem }"), await files()), [
    `holdfast.yaml:4:3: smtp.tls.key: is missing; ${right}`,
  ]);
  assert.deepEqual(await linesOf(text(" { certificate: chain.pem, key: one.key }"), await files()), [
    "holdfast.yaml:4:23: smtp.tls.certificate: chain.pem does not exist; check the path",
  ]);
  assert.deepEqual(
    await linesOf(text(' { certificate: one.pem, key: one.key, names: ["*", a b] }'), await files()),
    [
      'holdfast.yaml:4:54: smtp.tls.names[0]: "*" is not a host name; write a host name such as mx.example.net or "*.example.net"',
      'holdfast.yaml:4:59: smtp.tls.names[1]: "a b" is not a host name; write a host name such as mx.example.net or "*.example.net"',
    ],
  );
  assert.deepEqual(await linesOf(text(" []"), await files()), [
    "holdfast.yaml:4:8: smtp.tls: is an empty list; write { certificate: fullchain.pem, key: privkey.pem }, or a list of these",
  ]);
});
