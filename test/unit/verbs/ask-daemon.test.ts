import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mistakesIn, whyNowhere } from "../../../src/verbs/ask-daemon.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const SOUND = "hostname: mx2.example.net\nsmtp: { listen: 127.0.0.1:2525 }\n";

test("of a configuration only what may lead to another place is named", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  const found = async (text: string): Promise<readonly string[]> => {
    await writeFile(file, text);
    return mistakesIn(file).map((line) => line.slice(`${file}:`.length));
  };
  assert.deepEqual(await found(SOUND), []);
  assert.deepEqual(await found(`${SOUND}stroage: sqlite:/var/q\n`), [
    "3:1: stroage: is not a known key; did you mean storage?",
  ]);
  assert.match((await found(`${SOUND}storage: sqlte:/var/q\n`))[0] ?? "", /^3:10: storage: /);
  assert.match(
    (await found(`${SOUND}admin: { sokcet: /run/h.sock }\n`))[0] ?? "",
    /admin\.sokcet: .* socket\?$/,
  );
  assert.match((await found(`${SOUND}storage: [\n`))[0] ?? "", /not closed/);
  // The daemon's own user may read what this one may not.
  const secret = "smtp: { listen: 127.0.0.1:2525, tls: { certificate: /no/c.pem, key: /no/k.pem } }";
  assert.deepEqual(await found(`hostname: mx2.example.net\n${secret}\n`), []);
  assert.deepEqual(mistakesIn(join(folder.path, "none.yaml")), [
    `${join(folder.path, "none.yaml")}: does not exist; check the path`,
  ]);
  const many = Array.from({ length: 30 }, (_, i) => `odd-${i}: x\n`).join("");
  assert.equal((await found(many)).length, 5);
});

test("who may not read the configuration is told who may", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.yaml");
  await writeFile(file, `${SOUND}storage: /var/q\n`);
  assert.match(whyNowhere(file)[0] ?? "", /:3:10: storage: .* write sqlite: and a folder/);
  await chmod(file, 0o000);
  const isRoot = process.geteuid?.() === 0;
  // Root may read everything.
  if (isRoot) process.seteuid?.(65_534);
  const told = whyNowhere(file);
  if (isRoot) process.seteuid?.(0);
  assert.deepEqual(told, [`${file}: you may not read it; run this as the daemon's user or as root`]);
});
