/** Which certificate a client sees, over a real handshake. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { ServerNames } from "../../../../src/endpoints/smtp/server-names.ts";
import { openSmtp } from "../../../support/raw-smtp.ts";
import { type Bench, startBench } from "../../../support/smtp-bench.ts";
import { makeCertificate } from "../../../support/test-certificate.ts";

async function material(common: string, names: readonly string[]) {
  return { ...(await makeCertificate(common)), names };
}

/** The common name of the certificate that is shown to a client of this name, after STARTTLS or at once. */
async function shown(bench: Bench, servername: string | undefined, implicit = false): Promise<string> {
  const options = { rejectUnauthorized: false, ...(servername !== undefined && { servername }) };
  const { port } = bench;
  const smtp = implicit ? undefined : await openSmtp(port);
  await smtp?.command("STARTTLS");
  smtp?.socket.removeAllListeners("data");
  const socket = smtp?.socket;
  const secure = connectTls(
    socket === undefined ? { port, host: "127.0.0.1", ...options } : { socket, ...options },
  );
  await once(secure, "secureConnect");
  const common = String(secure.getPeerCertificate().subject.CN);
  secure.destroy();
  return common;
}

describe("server names", () => {
  test("STARTTLS and implicit TLS show the certificate that was asked for, else the first", async () => {
    const tls = [
      await material("first", ["mx.us"]),
      await material("second", ["mx.example.org", "*.example.org"]),
      await material("third", ["mx.example.org", "deep.mx.example.org"]),
    ];
    for (const mode of ["starttls", "implicit"] as const) {
      const listeners = [{ address: "127.0.0.1", port: 0, tls: mode }];
      await using bench = await startBench({ settings: { tls, listeners } });
      const names = ["mx.us", "mx.example.org", "MX2.Example.ORG", "deep.mx.example.org"];
      const others = ["a.b.example.org", "example.org", "x.us", undefined];
      const seen: string[] = [];
      for (const name of [...names, ...others]) seen.push(await shown(bench, name, mode === "implicit"));
      const expected = ["first", "second", "second", "third", "first", "first", "first", "first"];
      assert.deepEqual(seen, expected, mode);
    }
  });

  test("new certificates are for new handshakes, names included", async () => {
    const before = [await material("first", []), await material("second", ["two.us"])];
    await using bench = await startBench({ settings: { tls: before } });
    assert.equal(await shown(bench, "two.us"), "second");
    const after = [await material("renewed", []), await material("other", ["three.us"])];
    bench.endpoint.apply({ ...bench.settings, tls: after });
    assert.equal(await shown(bench, "two.us"), "renewed");
    assert.equal(await shown(bench, "three.us"), "other");
  });

  test("names that are no names find nothing", async () => {
    const names = new ServerNames([await material("a", ["*.us", "constructor.us"])]);
    for (const name of ["", ".", "us", ".us", "__proto__", "toString", "a".repeat(10_000)])
      assert.equal(names.find(name), undefined, name);
    assert.ok(names.find("mx.us.") !== undefined);
  });
});
