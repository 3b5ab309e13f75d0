import assert from "node:assert/strict";
import { test } from "node:test";
import { smtpSettings } from "../../../src/threads/settings.ts";
import { DOMAIN, HEAD, load } from "../config/sample.ts";

async function postmasterOf(text: string): Promise<string | undefined> {
  const result = await load(text);
  assert.ok(result.ok, JSON.stringify(result));
  return smtpSettings(result.config, undefined).postmaster;
}

test("postmaster mail always has somewhere to go", async () => {
  const name = /^ *([a-z.]+):/.exec(DOMAIN)?.[1] ?? "";
  const domains = `domains:\n${DOMAIN}`;
  assert.equal(await postmasterOf(`${HEAD}postmaster: admin@${name}\n${domains}`), `admin@${name}`);
  assert.equal(
    await postmasterOf(`${HEAD}postmaster: admin@elsewhere.example\n${domains}`),
    `postmaster@${name}`,
  );
  assert.equal(await postmasterOf(`${HEAD}${domains}`), `postmaster@${name}`);
  assert.equal(await postmasterOf(HEAD), undefined);
});
