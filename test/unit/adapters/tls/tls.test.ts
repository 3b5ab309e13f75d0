import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  certificateLine,
  openCertificates,
  readTls,
  type TlsFiles,
} from "../../../../src/adapters/tls/tls.ts";
import { loggerTo } from "../../../../src/runtime/log.ts";
import { within } from "../../../../src/runtime/within.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { idle } from "../../../support/settle.ts";
import { tempFolder } from "../../../support/temp-folder.ts";
import { makeCertificate, renewed, type TestCertificate } from "../../../support/test-certificate.ts";

const DAY = 86_400_000;

function filesIn(folder: string): TlsFiles {
  return { certificate: join(folder, "fullchain.pem"), key: join(folder, "privkey.pem") };
}

/** Writes beside and renames, as careful tools do. */
async function put(files: TlsFiles, { certificate, key }: Partial<TestCertificate>): Promise<void> {
  for (const [file, text] of [
    [files.certificate, certificate],
    [files.key, key],
  ] as const) {
    if (text === undefined) continue;
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }
}

function recorder() {
  const lines: string[] = [];
  const log = loggerTo((level, message) => void lines.push(`${level} ${message}`));
  return { lines, parts: { log, journal: new MemoryJournal() } };
}

describe("readTls", () => {
  test("names the file that is wrong, and why", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    const [one, two] = [await makeCertificate("a.test"), await makeCertificate("b.test")];
    const why = async (): Promise<string> => {
      const reading = await readTls(files);
      return reading.kind === "broken" ? reading.why : "read";
    };
    assert.match(await why(), /fullchain\.pem cannot be read: ENOENT/);
    await put(files, { certificate: one.certificate });
    assert.match(await why(), /privkey\.pem cannot be read: ENOENT/);
    await put(files, { key: "nonsense" });
    assert.match(await why(), /privkey\.pem is not a PEM private key/);
    await put(files, { key: two.key });
    assert.match(await why(), /privkey\.pem does not belong to the certificate in .*fullchain\.pem/);
    await put(files, { certificate: "nonsense" });
    assert.match(await why(), /fullchain\.pem is not a PEM certificate/);
    await put(files, one);
    assert.equal(await why(), "read");
    const line = async (now: number): Promise<string> => certificateLine(files, await readTls(files), now);
    assert.match(await line(0), /^certificate \/.*fullchain\.pem, until \d{4}-\d\d-\d\d, for a\.test$/);
    assert.match(await line(Infinity), /fullchain\.pem, ENDED \d{4}-\d\d-\d\d: renew it, for a\.test$/);
  });
});

describe("Certificates", () => {
  test("a file whose disk does not answer is read once only, so that other files can still be read", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    await put(files, await makeCertificate("a.test"));
    const clock = new ManualClock(Date.now());
    const certificate = await openCertificates([files], { clock, ...recorder().parts });
    await rm(files.certificate);
    // Nobody writes into it, so whoever opens it waits.
    execFileSync("mkfifo", [files.certificate]);
    let answer: unknown;
    for (let minutes = 0; minutes < 10 && answer !== "late"; minutes++) {
      clock.advance(60_000);
      answer = await within(2000, stat(files.key));
    }
    // The wait ends for all.
    const pipe = openSync(files.certificate, "r+");
    rmSync(files.certificate);
    closeSync(pipe);
    certificate.close();
    assert.notEqual(answer, "late", "all threads of the pool wait for it");
  });

  test("follows changes of its files; a broken file keeps the previous certificate and is reported once", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    const [one, two] = [await makeCertificate("a.test"), await makeCertificate("b.test")];
    await put(files, one);
    const { parts } = recorder();
    const certificate = await openCertificates([files], { clock: new ManualClock(Date.now()), ...parts });
    const seen: (string | undefined)[] = [];
    certificate.onChange((material) => void seen.push(material?.[0]?.certificate));
    await certificate.look();
    await put(files, { certificate: two.certificate });
    await certificate.look();
    assert.equal(certificate.facts()[0]?.trouble, undefined, "the key may come a moment later");
    for (let look = 0; look < 2; look++) await certificate.look();
    assert.equal(certificate.current()?.[0]?.certificate, one.certificate);
    const [{ expiresAt, trouble: why = "" } = { expiresAt: 0 }] = certificate.facts();
    assert.match(why, /privkey\.pem does not belong to the certificate in .*fullchain\.pem$/);
    assert.deepEqual(parts.journal.events, [
      { kind: "certificate.stuck", file: files.certificate, why, expiresAt },
    ]);
    await put(files, { key: two.key });
    await certificate.look();
    assert.equal(certificate.facts()[0]?.trouble, undefined);
    assert.deepEqual(seen, [two.certificate]);
    assert.deepEqual(certificate.current(), [{ ...two, names: ["b.test"] }]);
    certificate.close();
  });

  test("a trouble that had ended is reported again", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    await put(files, await makeCertificate("a.test"));
    const { parts } = recorder();
    const certificate = await openCertificates([files], { clock: new ManualClock(Date.now()), ...parts });
    for (const told of [1, 2]) {
      await rename(files.key, `${files.key}.away`);
      for (let look = 0; look < 3; look++) await certificate.look();
      assert.equal(parts.journal.of("certificate.stuck").length, told);
      await rename(`${files.key}.away`, files.key);
      await certificate.look();
    }
    certificate.close();
  });

  test("looks at its files each minute until it is closed", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    const [one, two] = [await makeCertificate("a.test"), await makeCertificate("b.test")];
    await put(files, one);
    const clock = new ManualClock(Date.now());
    const certificate = await openCertificates([files], { clock, ...recorder().parts });
    let changed = Promise.withResolvers<unknown>();
    certificate.onChange((material) => changed.resolve(material));
    for (const [pair, name] of [
      [two, "b.test"],
      [one, "a.test"],
    ] as const) {
      await put(files, pair);
      clock.advance(60_000);
      assert.deepEqual(await changed.promise, [{ ...pair, names: [name] }]);
      changed = Promise.withResolvers();
      await idle();
    }
    certificate.close();
    assert.equal(clock.waiting, 0);
  });

  test("takes a renewed certificate for the same key", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    const old = await makeCertificate("a.test");
    await put(files, old);
    const certificate = await openCertificates([files], { clock: new ManualClock(), ...recorder().parts });
    const told: unknown[] = [];
    certificate.onChange((material) => void told.push(material));
    const anew = await renewed(old, "b.test");
    await put(files, { certificate: anew.certificate });
    await certificate.look();
    assert.equal(told.length, 1);
    assert.equal(certificate.current()?.[0]?.certificate, anew.certificate);
    certificate.close();
  });

  test("notices a symbolic link that points elsewhere", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    const [one, two] = [await makeCertificate("a.test"), await makeCertificate("b.test")];
    for (const [name, pair] of Object.entries({ one, two })) {
      await writeFile(join(folder.path, `${name}.pem`), `${pair.certificate}\n${pair.key}\n`);
    }
    const point = async (name: string): Promise<void> => {
      for (const file of [files.certificate, files.key]) {
        await symlink(join(folder.path, `${name}.pem`), `${file}.new`);
        await rename(`${file}.new`, file);
      }
    };
    await point("one");
    const certificate = await openCertificates([files], {
      clock: new ManualClock(Date.now()),
      ...recorder().parts,
    });
    await point("two");
    await certificate.look();
    assert.match(
      certificate.current()?.[0]?.certificate ?? "",
      new RegExp(two.certificate.slice(40, 80).replace(/[+/]/g, "\\$&")),
    );
    certificate.close();
  });

  test("of several, each follows its own files; its names are those of the certificate or of the configuration", async () => {
    await using folder = await tempFolder();
    const [first, second] = ["one", "two"].map((name) => ({
      certificate: join(folder.path, `${name}.pem`),
      key: join(folder.path, `${name}.key`),
    })) as [TlsFiles, TlsFiles];
    await put(first, await makeCertificate("a.test", 30, ["a.test", "*.a.test"]));
    await put(second, await makeCertificate("b.test"));
    const parts = { clock: new ManualClock(Date.now()), ...recorder().parts };
    const files = [first, { ...second, names: ["c.test"] }];
    const certificates = await openCertificates(files, parts);
    const names = () => certificates.current()?.map((material) => material.names);
    assert.deepEqual(names(), [["a.test", "*.a.test"], ["c.test"]]);
    const renewed = await makeCertificate("d.test");
    await put(first, { certificate: "nonsense" });
    await put(second, renewed);
    await certificates.look();
    assert.deepEqual(names(), [["a.test", "*.a.test"], ["c.test"]]);
    assert.equal(certificates.current()?.[1]?.certificate, renewed.certificate);
    assert.deepEqual(
      certificates.facts().map(({ file }) => file),
      [first.certificate, second.certificate],
    );
    await assert.rejects(certificates.use([second, first]), /one\.pem is not a PEM certificate/);
    assert.equal(certificates.current()?.length, 2);
    certificates.close();
  });

  test("an expired certificate is used and warned of once a day, however the clock is set", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    await put(files, await makeCertificate("a.test", -1));
    const { lines, parts } = recorder();
    const clock = new ManualClock(Date.now());
    clock.set(300 * DAY);
    const certificate = await openCertificates([files], { clock, ...parts });
    clock.set(-300 * DAY);
    await certificate.look();
    assert.deepEqual(lines, ["warn tls.certificate.expired"]);
    clock.advance(DAY);
    await certificate.look();
    assert.equal(lines.length, 2);
    assert.ok((certificate.facts()[0]?.expiresAt ?? 0) < Date.now());
    assert.notEqual(certificate.current(), undefined);
    certificate.close();
  });

  test("refuses to start with, or to change to, files that cannot be used", async () => {
    await using folder = await tempFolder();
    const files = filesIn(folder.path);
    const parts = { clock: new ManualClock(), ...recorder().parts };
    await assert.rejects(openCertificates([files], parts), /fullchain\.pem cannot be read/);
    const certificate = await openCertificates(undefined, parts);
    await assert.rejects(certificate.check([files]), /fullchain\.pem/);
    await assert.rejects(certificate.use([files]), /fullchain\.pem/);
    assert.equal(certificate.current(), undefined);
    certificate.close();
  });
});
